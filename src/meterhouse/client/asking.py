"""How is the site asked? Over one connection, again when it is busy, and the token goes nowhere else."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from meterhouse.client.errors import ApiError, RefusedQuestion, Unavailable, error_of

_AGAIN = (429, 503)
_LONGEST_PAUSE = 120.0
Query = Mapping[str, Any]


class Asking:
    """Requests to one site."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        timeout: float,
        attempts: int,
        transport: httpx.BaseTransport | None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedQuestion(0, f"url: expected https://HOST, found {url!r}")
        if token and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise RefusedQuestion(0, "url: expected https where a token is shown")
        self.base = f"{parts.scheme}://{parts.netloc}/api/v1/"
        self._attempts = attempts
        headers = {"User-Agent": "meterhouse-client"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            timeout=timeout, headers=headers, transport=transport, follow_redirects=False
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(
        self, method: str, path: str, *, query: Query | None = None, json: Any = None, accept: str
    ) -> httpx.Response:
        """The answer. Raises ApiError where it isn't a good one."""
        with self.stream(method, path, query=query, json=json, accept=accept) as answer:
            answer.read()
            return answer

    @contextmanager
    def stream(
        self, method: str, path: str, *, query: Query | None = None, json: Any = None, accept: str
    ) -> Iterator[httpx.Response]:
        """The answer, its content still to be read."""
        address = self._address(path)
        params = {name: value for name, value in (query or {}).items() if value is not None}
        for attempt in range(self._attempts):
            last = attempt + 1 == self._attempts
            request = self._http.build_request(
                method, address, params=params or None, json=json, headers={"Accept": accept}
            )
            try:
                answer = self._http.send(request, stream=True)
            except httpx.TransportError as error:
                # What was to be made may have been asked for already, so that it isn't asked for twice.
                if last or method != "GET":
                    raise Unavailable(0, f"{self.base}: {type(error).__name__}") from None
                time.sleep(_backoff(attempt))
                continue
            try:
                if answer.status_code in _AGAIN and not last:
                    time.sleep(_told(answer, attempt))
                    continue
                if not answer.is_success:
                    answer.read()
                    raise error_of(answer)
                yield answer
                return
            finally:
                answer.close()
        raise AssertionError("the last attempt returns or raises")

    def _address(self, path: str) -> str:
        address = urljoin(self.base, path)
        if not address.startswith(self.base):
            raise ApiError(0, f"expected an address below {self.base}, found {address!r}")
        return address


def _told(answer: httpx.Response, attempt: int) -> float:
    said = answer.headers.get("Retry-After", "")
    return min(float(said), _LONGEST_PAUSE) if said.isascii() and said.isdigit() else _backoff(attempt)


def _backoff(attempt: int) -> float:
    pause: float = min(0.5 * 2**attempt, 30.0)
    return pause * (0.5 + random.random() / 2)  # noqa: S311 - so that not all ask again at once
