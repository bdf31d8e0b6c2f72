"""How is a served site asked? By a program with a token, or in a session, as someone of each role."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

METERHOUSE = str(Path(sys.executable).parent / "meterhouse")
PASSWORD = "correct horse battery"
PROGRAM = httpx.Client(
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
        client = self.sessions[name] = httpx.Client(base_url=self.url, trust_env=False, verify=False)
        if name is not None:
            form = client.get("/accounts/login/").text
            token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            sent = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
            answer = client.post("/accounts/login/", data=sent, headers={"Referer": self.url})
            assert answer.status_code == 302, answer.text
        return client
