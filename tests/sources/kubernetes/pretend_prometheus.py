"""A server on loopback that answers query_range as the test says: promptly, wrongly, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Answer = tuple[int, bytes]
Question = dict[str, str]


def matrix(*series: tuple[dict[str, str], list[tuple[int, str]]], **more: Any) -> Answer:
    """A successful answer with these series."""
    result = [
        {"metric": labels, "values": [list(sample) for sample in samples]} for labels, samples in series
    ]
    said = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return 200, json.dumps(said).encode()


def failure(status: int, error: str, kind: str = "execution") -> Answer:
    return status, json.dumps({"status": "error", "errorType": kind, "error": error}).encode()


class PretendPrometheus:
    """Keeps the questions; `answer` may be replaced at any time."""

    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self.answer = answer
        self.questions: list[Question] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                question = {name: values[0] for name, values in parse_qs(body).items()}
                outer.questions.append({**question, "path": self.path})
                outer.headers.append(dict(self.headers))
                status, text = outer.answer(question)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
