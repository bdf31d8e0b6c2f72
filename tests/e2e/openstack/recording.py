"""What did the cloud answer? Keeps each answer to a GET as a file, for the fast tests to replay.

One folder a kind of call, one file an answer: service, path, query, version, status and answer. Addresses
become `http://SERVICE.test`; no request headers and no answers to POST (tokens) are kept.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openstack.connection import Connection

from services import Layout

SERVICES = {
    "keystone": "identity",
    "nova": "compute",
    "cinder": "block-storage",
    "glance": "image",
    "neutron": "network",
}
_ID = re.compile(r"^(req-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")


def record_answers(connection: Connection, layout: Layout, folder: Path) -> None:
    """From now on, keep what `connection` is answered in `folder`, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    send = connection.session.request
    services = {layout.port(name): service for name, service in SERVICES.items()}

    def recorded(url: str, method: str, **options: Any) -> Any:
        response = send(url, method, **options)
        asked = urlsplit(response.request.url)
        if method.upper() == "GET" and asked.port in services:
            _keep(folder, services[asked.port], asked.path, dict(parse_qsl(asked.query)), response, layout)
        return response

    connection.session.request = recorded


def _without_traceback(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "traceback"}


def _keep(
    folder: Path, service: str, path: str, query: dict[str, str], response: Any, layout: Layout
) -> None:
    text = response.text
    for name, called in SERVICES.items():
        text = text.replace(layout.url(name), f"http://{called}.test")
    try:
        answer = json.loads(text, object_hook=_without_traceback)
    except ValueError:
        answer = {"text": text}
    version = response.request.headers.get("OpenStack-API-Version", "")
    said = {
        "service": service,
        "path": path,
        "query": query,
        "version": version,
        "status": response.status_code,
        "answer": answer,
    }
    parts = ["ID" if _ID.match(part) else part for part in path.strip("/").split("/") if part]
    kind = folder / "-".join([service, *parts]).removesuffix(".json")
    kind.mkdir(parents=True, exist_ok=True)
    number = len(list(kind.glob("*.json"))) + 1
    (kind / f"{number:03}.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
