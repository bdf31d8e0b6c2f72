"""A site with two institutions' data, served by the command itself, and someone of each role to ask it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

sys.path[:0] = [str(Path(__file__).parent)]

from served import METERHOUSE, PROGRAM, Served  # noqa: E402
from two_institutions import make_site  # noqa: E402

from meterhouse.site import Site  # noqa: E402


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """`meterhouse serve` on a free port, stopped in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "serve.log").open("wb")
    process = subprocess.Popen(
        [METERHOUSE, "--site", str(folder), "serve", "--port", str(port), "--threads", "2"],
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            assert process.poll() is None, (folder / "serve.log").read_text()
            try:
                PROGRAM.get(f"{url}/accounts/login/")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail("the server didn't answer: " + (folder / "serve.log").read_text())
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site itself, asked within this process."""
    with make_site(tmp_path_factory.mktemp("web") / "site") as site:
        yield site


@pytest.fixture(scope="session")
def served(site: Site) -> Iterator[Served]:
    """The site behind a server."""
    program = Path(__file__).with_name("accounts_of_roles.py")
    made = subprocess.run([sys.executable, str(program), str(site.path)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with serving(site.path) as url:
        yield Served(url, site.path, json.loads(made.stdout), {})
