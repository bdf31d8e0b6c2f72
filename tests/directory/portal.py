"""How do tests get a portal and an identity provider? A small HTTP server that answers in their shapes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, SECRET = "portal-token-1", "client-secret-1"


class Portal:
    """What the server holds, and what it was asked. `busy` answers fail first, `most` caps a page."""

    def __init__(self) -> None:
        self.allocations: list[dict[str, Any]] = []
        self.projects: list[dict[str, Any]] = []
        self.users: list[dict[str, Any]] = []
        self.shape = "nerc"
        self.most = 10_000
        self.busy = 0
        self.token_lasts = 300
        self.tokens = 0
        self.asked: list[tuple[str, str]] = []
        self.url = ""


@contextmanager
def running_portal() -> Iterator[Portal]:
    """Start it on loopback; it ends with the block."""
    portal = Portal()

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(length).decode())
            portal.asked.append(("POST", self.path))
            if form.get("client_secret") != [SECRET] or form.get("grant_type") != ["client_credentials"]:
                self.answer({"error": "unauthorized_client"}, 401)
                return
            portal.tokens += 1
            self.answer({"access_token": f"{TOKEN}-{portal.tokens}", "expires_in": portal.token_lasts})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            portal.asked.append(("GET", self.path))
            if portal.busy:
                portal.busy -= 1
                self.answer({"detail": "busy"}, 503)
                return
            shown = self.headers.get("Authorization", "")
            if shown not in (f"Token {TOKEN}", f"Bearer {TOKEN}-{portal.tokens}"):
                self.answer({"detail": "who are you?"}, 401)
                return
            self.answer(*self.found(parts.path, asked))

        def found(self, path: str, asked: dict[str, str]) -> tuple[Any, int]:
            if path == "/admin/realms/mss/users":
                first, most = int(asked["first"]), min(int(asked["max"]), portal.most)
                return portal.users[first : first + most], 200
            if path == "/api/projects/":
                return portal.projects, 200
            if path == "/api/allocations" and portal.shape == "nerc":
                active = [one for one in portal.allocations if one.get("status") == "Active"]
                return portal.allocations if asked.get("all") == "true" else active, 200
            if path == "/api/allocations/" and portal.shape == "core":
                return portal.allocations, 200
            if path == "/api/allocations/" and portal.shape == "v2":
                first = int(asked.get("offset", "0"))
                page = portal.allocations[first : first + portal.most]
                after = first + len(page)
                more = after < len(portal.allocations)
                following = f"{portal.url}/api/allocations/?offset={after}" if more else None
                return {"count": len(portal.allocations), "next": following, "results": page}, 200
            return {"detail": "not found"}, 404

        def answer(self, said: Any, code: int = 200) -> None:
            content = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    portal.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def allocation(number: int, title: str, pi: str, ref: str, **more: Any) -> dict[str, Any]:
    """An allocation in the shape of NERC's plug-in."""
    return {
        "id": number,
        "project": {
            "id": more.get("project", number),
            "title": title,
            "pi": pi,
            "description": "",
            "field_of_science": more.get("field", "Oceanography"),
            "status": more.get("project_status", "Active"),
        },
        "resource": {"name": "NERC", "resource_type": more.get("kind", "OpenStack")},
        "status": more.get("status", "Active"),
        "attributes": {
            "Allocated Project ID": ref,
            "Allocated Project Name": f"{ref}-name",
            "Is Course?": "No",
        },
    }


def user(username: str, first: str, last: str, institution: str | None = None, **more: Any) -> dict[str, Any]:
    """A user of Keycloak; without institution and field the attributes are missing."""
    attributes = {}
    if institution:
        attributes["cilogon_idp_name"] = [institution]
    if more.get("field"):
        attributes["mss_research_domain"] = [more["field"]]
    return {
        "id": more.get("id", f"id-{username}"),
        "username": username,
        "firstName": first,
        "lastName": last,
        "email": username,
        "enabled": True,
        **({"attributes": attributes} if attributes else {}),
    }
