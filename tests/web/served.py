"""How is a served site asked? By a program with a token, or in a session, as someone of each role."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

METERHOUSE = str(Path(sys.executable).parent / "meterhouse")
PASSWORD = "correct horse battery"
PROGRAM = httpx.Client(
    trust_env=False, verify=False, timeout=60
)  # loading certificates takes long, and nothing is encrypted


@dataclass(frozen=True)
class Served:
    """A running server: its address, the site's folder, tokens by role."""

    url: str
    folder: Path
    tokens: dict[str, str]
    sessions: dict[str | None, httpx.Client]

    def ask(
        self, role: str, path: str, accept: str = "application/json", tag: str = "", **query: object
    ) -> httpx.Response:
        """The API's answer to someone of that role; "anybody" shows no token."""
        headers = {"Accept": accept}
        if tag:
            headers["If-None-Match"] = tag
        if role != "anybody":
            headers |= self.headers(role)
        return PROGRAM.get(f"{self.url}/api/v1/{path}", params=query, headers=headers)

    def headers(self, role: str) -> dict[str, str]:
        """What shows the token of a role."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def browser(self, name: str | None) -> httpx.Client:
        """A session, logged in by the form as that account, once for all tests."""
        if name in self.sessions:
            return self.sessions[name]
        client = self.sessions[name] = httpx.Client(
            base_url=self.url, trust_env=False, verify=False, timeout=60
        )
        if name is not None:
            form = client.get("/accounts/login/").text
            token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            sent = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
            answer = client.post("/accounts/login/", data=sent, headers={"Referer": self.url})
            assert answer.status_code == 302, answer.text
        return client


def copied(source: Path, folder: Path) -> Path:
    """A site once more, in a new folder; nobody may be using the one there is."""
    left = shutil.ignore_patterns(".web-shared*", "serve.log", "made-files", "*.lock")
    shutil.copytree(source, folder, ignore=left)
    return folder


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """`meterhouse serve` on a free port, stopped in the end."""
    port = port or free_port()
    log = (folder / "serve.log").open("wb")
    process = subprocess.Popen(
        [METERHOUSE, "--site", str(folder), "serve", "--port", str(port), "--threads", "2", *options],
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
