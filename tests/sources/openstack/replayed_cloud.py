"""A cloud that answers from recorded answers, over HTTP on loopback, and fails where it is told to.

Listings are paged as the services page them (limit, marker, a link to the next page). Anything but GET
is refused and remembered, but for the request for a token.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from openstack.config.loader import OpenStackConfig
from openstack.connection import Connection

RECORDED = Path(__file__).parents[2] / "data" / "openstack" / "recorded"
PROJECT = "0123456789abcdef0123456789abcdef"
# what pages and windows are asked for with; the rest of a query tells listings apart
VARYING = ("limit", "marker", "changes-since", "start", "end")
CATALOGUE = {
    "identity": "/identity/v3",
    "compute": "/compute/v2.1",
    "block-storage": "/block-storage/v3/{project}",
    "image": "/image",
    "network": "/network",
    "object-store": "/object-store/v1/AUTH_{project}",
}
LIST_LINKS = ("links", "next", "first", "schema")


@dataclass(frozen=True)
class Asked:
    """A request as the cloud saw it."""

    method: str
    service: str
    path: str
    query: dict[str, str]


@dataclass
class Reply:
    """What to answer instead of what was recorded; `hang` answers nothing for so many seconds."""

    status: int = 200
    body: str = ""
    hang: float = 0.0


class ReplayedCloud:
    """`interfere` may give another Reply to a request; `change` may change a recorded answer."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.interfere: Callable[[Asked], Reply | None] = lambda asked: None
        self.change: Callable[[Asked, Any], Any] = lambda asked, answer: answer
        self.without: set[str] = {"object-store"}
        self._stop = threading.Event()
        self._answers: dict[tuple[str, str, str], tuple[int, Any]] = {}
        self.project = PROJECT
        for path in sorted(RECORDED.glob("*/*.json")):
            said = json.loads(path.read_text())
            self._answers[_key(said["service"], said["path"], said["query"])] = (
                said["status"],
                said["answer"],
            )
            if said["service"] == "block-storage" and said["path"].endswith("/volumes/detail"):
                self.project = said["path"].split("/")[2]
        cloud = self

        class Requests(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cloud.answer(self)

            do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def connect(self) -> Connection:
        auth = {
            "auth_url": f"{self.url}/identity/v3",
            "username": "reader",
            "password": "very-secret",
            "project_id": self.project,
            "user_domain_id": "default",
        }
        config = OpenStackConfig(config_files=[], load_envvars=False)
        return Connection(config=config.get_one(auth=auth, region_name="RegionOne", interface="public"))

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        service, _, path = parts.path.lstrip("/").partition("/")
        asked = Asked(request.command, service, f"/{path}".rstrip("/") or "/", dict(parse_qsl(parts.query)))
        length = int(request.headers.get("Content-Length") or 0)
        request.rfile.read(length)
        self.asked.append(asked)
        reply = self.interfere(asked)
        if reply is None:
            reply = self._token() if asked.path.endswith("/auth/tokens") else self._recorded(asked)
        if reply.hang:
            self._stop.wait(reply.hang)
        body = reply.body.encode()
        try:
            request.send_response(reply.status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            if asked.path.endswith("/auth/tokens"):
                request.send_header("X-Subject-Token", "token-that-must-not-be-kept")
            request.end_headers()
            request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has stopped waiting

    def _recorded(self, asked: Asked) -> Reply:
        if asked.method != "GET":
            return Reply(405)
        found = self._answers.get(_key(asked.service, asked.path, asked.query))
        if found is None:
            return Reply(404, '{"error": "nothing was recorded for this"}')
        status, answer = found
        text = json.dumps(answer)
        for service in CATALOGUE:
            text = text.replace(f"http://{service}.test", f"{self.url}/{service}")
        answer = self.change(asked, json.loads(text))
        if isinstance(answer, Reply):
            return answer
        return self._page(asked, status, answer)

    def _page(self, asked: Asked, status: int, answer: Any) -> Reply:
        """The part of a recorded listing that was asked for."""
        keys = [key for key, value in answer.items() if isinstance(value, list) and key not in LIST_LINKS]
        if "limit" not in asked.query or len(keys) != 1 or keys[0].endswith("_links"):
            return Reply(status, json.dumps(answer))
        (key,) = keys
        records, first = answer[key], 0
        if "marker" in asked.query:
            names = [_name(record) for record in records]
            if asked.query["marker"] not in names:
                return Reply(400, '{"badRequest": {"message": "marker not found"}}')
            first = names.index(asked.query["marker"]) + 1
        page = records[first : first + int(asked.query["limit"])]
        answer = {**answer, key: page}
        answer.pop("next", None)
        if first + len(page) < len(records):
            query = urlencode({**asked.query, "marker": _name(page[-1])})
            following = f"{self.url}/{asked.service}{asked.path}?{query}"
            if asked.service == "image":
                answer["next"] = f"{asked.path}?{query}"
            else:
                answer["links" if key == "instanceActions" else f"{key}_links"] = [
                    {"rel": "next", "href": following}
                ]
        return Reply(status, json.dumps(answer))

    def _token(self) -> Reply:
        catalogue = [
            {
                "type": service,
                "id": service,
                "name": service,
                "endpoints": [
                    {
                        "interface": "public",
                        "region_id": "RegionOne",
                        "region": "RegionOne",
                        "id": service,
                        "url": self.url + path.format(project=self.project),
                    }
                ],
            }
            for service, path in CATALOGUE.items()
            if service not in self.without
        ]
        token = {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": "reader", "name": "reader", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": self.project, "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "reader", "name": "reader"}],
            "catalog": catalogue,
        }
        return Reply(201, json.dumps({"token": token}))


def _key(service: str, path: str, query: dict[str, str]) -> tuple[str, str, str]:
    telling = {key: value for key, value in query.items() if key not in VARYING}
    if "changes-since" in query:
        telling["changes"] = "yes"
    return service, path.rstrip("/") or "/", json.dumps(telling, sort_keys=True)


def _name(record: Any) -> str:
    if "server_usages" in record:  # Nova pages its usage by server
        return str(record["server_usages"][-1]["instance_id"])
    return str(record.get("id") or record.get("request_id") or record.get("name"))
