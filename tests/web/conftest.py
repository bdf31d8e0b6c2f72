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
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

sys.path[:0] = [str(Path(__file__).parent)]

from two_institutions import make_site  # noqa: E402

from meterhouse.site import Site  # noqa: E402

METERHOUSE = str(Path(sys.executable).parent / "meterhouse")
PASSWORD = "correct horse battery"
_PROGRAM = httpx.Client(
    trust_env=False, verify=False
)  # loading certificates takes long, and nothing is encrypted


@dataclass(frozen=True)
class Served:
    """A running server: its address, the site's folder, tokens by role."""

    url: str
    folder: Path
    tokens: dict[str, str]
    sessions: dict[str | None, httpx.Client]

    def ask(
        self, role: str, path: str, accept: str = "application/json", known: str = "", **query: object
    ) -> httpx.Response:
        """The API's answer to someone of that role; "anybody" shows no token."""
        headers = {"Accept": accept}
        if known:
            headers["If-None-Match"] = known
        if role != "anybody":
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return _PROGRAM.get(f"{self.url}/api/v1/{path}", params=query, headers=headers)

    def browser(self, name: str | None) -> httpx.Client:
        """A session, logged in by the form as that account, once for all tests."""
        if name in self.sessions:
            return self.sessions[name]
        client = self.sessions[name] = httpx.Client(base_url=self.url, trust_env=False, verify=False)
        if name is not None:
            form = client.get("/accounts/login/").text
            token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            sent = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
            answer = client.post("/accounts/login/", data=sent, headers={"Referer": self.url})
            assert answer.status_code == 302, answer.text
        return client


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
                _PROGRAM.get(f"{url}/accounts/login/")
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
