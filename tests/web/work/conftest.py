"""A site of its own, of which every step of background work is a process."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served

from services.mail_server import MailServer

Step = Callable[..., Any]


@pytest.fixture(scope="package")
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="package")
def folder(served: Served, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The served site once more, with a mail server; nobody serves it."""
    folder = tmp_path_factory.mktemp("work") / "site"
    left = shutil.ignore_patterns("register.sqlite3*", ".web-shared*", "serve.log", "made-files")
    shutil.copytree(served.folder, folder, ignore=left)
    with sqlite3.connect(served.folder / "register.sqlite3") as source:
        with sqlite3.connect(folder / "register.sqlite3") as target:
            source.backup(target)
        target.close()
    source.close()
    with (folder / "meterhouse.toml").open("a") as settings:
        settings.write(
            f'[alerts.mail]\nhost = "127.0.0.1"\nport = {mail_server.server_address[1]}\n'
            'sender = "usage@example.org"\nto = ["nobody@example.org"]\n'
        )
    return folder


@pytest.fixture
def step(folder: Path) -> Step:
    """Do one step in a process of its own, and return what it printed; None where it was killed."""

    def run(*words: str) -> Any:
        program = Path(__file__).with_name("steps.py")
        done = subprocess.run(
            [sys.executable, str(program), str(folder), *words], capture_output=True, text=True
        )
        if done.returncode < 0:
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run("empty")
    return run
