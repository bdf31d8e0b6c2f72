"""A site of its own, of which every step of background work is a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import copied

from services.mail_server import MailServer


@pytest.fixture(scope="package")
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="package")
def folder(original: Path, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site once more, with a mail server; nobody serves it."""
    folder = copied(original, tmp_path_factory.mktemp("work") / "site")
    with (folder / "meterhouse.toml").open("a") as settings:
        settings.write(
            f'[alerts.mail]\nhost = "127.0.0.1"\nport = {mail_server.server_address[1]}\n'
            'sender = "usage@example.org"\nto = ["nobody@example.org"]\n'
        )
    return folder


class Steps:
    """A process that does one step after another; one that was killed is started again."""

    def __init__(self, folder: Path) -> None:
        self._command = [sys.executable, str(Path(__file__).with_name("steps.py")), str(folder)]
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, *words: str) -> Any:
        """What the step answers; None where it was killed."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if answer:
            return json.loads(answer)
        code = self._process.wait()
        self._process = None
        assert code == -signal.SIGKILL, "the step failed, as it says above"
        return None

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(20)


@pytest.fixture(scope="package")
def processes(folder: Path) -> Iterator[list[Steps]]:
    """Three of them."""
    several = [Steps(folder) for _ in range(3)]
    yield several
    for one in several:
        one.close()


@pytest.fixture
def step(processes: list[Steps]) -> Steps:
    """The first, on a site where nothing has been asked for."""
    processes[0]("empty")
    return processes[0]
