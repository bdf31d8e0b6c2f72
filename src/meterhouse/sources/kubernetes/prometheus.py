"""How is Prometheus (or Thanos) asked for a range of samples: all of it, or a failure that says why?

Questions are POSTed, so that no proxy cuts a long one. A range that the server refuses as too large is
halved until it takes it. What may pass is asked again a few times. An answer that the server itself
calls partial is a failure: half of the pods look like all of them.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import stamina

from meterhouse.sources.excerpt import excerpt

MOST_POINTS = 11_000  # of one series in one answer: Prometheus refuses more
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOO_LARGE_WORDS = ("exceeded maximum resolution", "too many samples", "query timed out", "limit exceeded")


class QueryFailed(RuntimeError):
    """A question was not answered in full. The message says why, and no secrets."""


class Unreachable(QueryFailed):
    """Nobody was there to ask: the next question would fare no better."""


class _TooLarge(QueryFailed):
    """The answer would be more than the server, or we, can take at once."""


class _Passing(QueryFailed):
    """A failure that may pass."""


class _NoConnection(_Passing):
    """A failure to connect, which may pass."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to ask, and as whom. Secrets are never shown."""

    url: str
    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    verify: bool = True
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for, how large it may be, and how often it is asked for again."""

    timeout_seconds: float = 120.0
    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 20.0
    answer_bytes: int = 1 << 28


@dataclass(slots=True)
class Series:
    """One series: its labels, and its samples in order of time: seconds since 1970, and the value as text."""

    labels: dict[str, str]
    samples: list[tuple[int, str]]


class Prometheus:
    """A server to ask. Read-only: it knows one call, query_range."""

    def __init__(self, server: Server, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        headers = {"Accept": "application/json", "User-Agent": "meterhouse"}
        if server.token is not None:
            headers["Authorization"] = f"Bearer {server.token}"
        auth = None
        if server.user is not None:
            auth = httpx.BasicAuth(server.user, server.password or "")
        verify: ssl.SSLContext | bool = server.verify
        if server.verify and server.ca_file is not None:
            try:
                verify = ssl.create_default_context(cafile=str(server.ca_file))
            except (OSError, ssl.SSLError) as error:
                raise QueryFailed(
                    f"ca_file {server.ca_file}: {error.strerror or 'no certificates'}"
                ) from None
        self._client = httpx.Client(
            headers=headers,
            auth=auth,
            verify=verify,
            proxy=server.proxy,
            timeout=self.patience.timeout_seconds,
            trust_env=False,  # what is set here counts, not what the shell happens to say
        )
        self._url = server.url.rstrip("/") + "/api/v1/query_range"

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query_range(self, promql: str, start: int, end: int, step: int) -> list[Series]:
        """Every series of `promql` with its samples at start, start + step ... before `end`, by labels."""
        series: dict[str, Series] = {}
        for part_start, part_end in self._parts(start, end, step * (MOST_POINTS - 1)):
            for one in self._halving(promql, part_start, part_end, step):
                key = json.dumps(one.labels, sort_keys=True)
                if key in series:
                    series[key].samples += one.samples
                else:
                    series[key] = one
        return [series[key] for key in sorted(series)]

    @staticmethod
    def _parts(start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
        while start < end:
            yield start, min(start + longest, end)
            start += longest

    def _halving(self, promql: str, start: int, end: int, step: int) -> Iterator[Series]:
        try:
            yield from self._asked_again(promql, start, end, step)
        except _TooLarge:
            samples = (end - start) // step
            if samples < 2:
                raise
            middle = start + samples // 2 * step
            yield from self._halving(promql, start, middle, step)
            yield from self._halving(promql, middle, end, step)

    def _asked_again(self, promql: str, start: int, end: int, step: int) -> list[Series]:
        patience = self.patience
        try:
            for attempt in stamina.retry_context(
                on=_Passing,
                attempts=patience.attempts,
                timeout=None,
                wait_initial=patience.first_wait_seconds,
                wait_max=patience.longest_wait_seconds,
                wait_jitter=patience.first_wait_seconds,
            ):
                with attempt:
                    return self._ask(promql, start, end, step)
        except _NoConnection as error:
            raise Unreachable(str(error)) from None
        raise AssertionError("retry_context ends with an answer or an exception")

    def _ask(self, promql: str, start: int, end: int, step: int) -> list[Series]:
        # Thanos answers with what it has unless it is told not to; Prometheus takes no notice.
        form = {
            "query": promql,
            "start": str(start),
            "end": str(end - step),
            "step": str(step),
            "partial_response": "false",
        }
        try:
            with self._client.stream("POST", self._url, data=form) as response:
                body = self._body(response)
                status = response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _NoConnection(f"no connection: {_told(error)}") from None
        except httpx.TransportError as error:
            raise _Passing(f"no answer: {_told(error)}") from None
        except httpx.HTTPError as error:
            raise QueryFailed(f"no answer: {_told(error)}") from None
        return _matrix(_answer(status, body), start, end, step)

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self.patience.answer_bytes:
                raise _TooLarge(f"expected at most {self.patience.answer_bytes:,} bytes, found more")
        return bytes(body)


def _answer(status: int, body: bytes) -> dict[str, Any]:
    """The data of a successful answer; raises what the failure of any other means."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        said = {}
    why = str(said.get("error") or "")
    if status != 200 or said.get("status") != "success":
        reason = f"HTTP {status}: {excerpt(why)}" if why else f"HTTP {status}, expected Prometheus's JSON"
        if status == 413 or any(words in why for words in _TOO_LARGE_WORDS):
            raise _TooLarge(reason)
        raise _Passing(reason) if status in _PASSING_STATUS else QueryFailed(reason)
    warnings = said.get("warnings")
    if warnings:
        shown = "; ".join(str(one) for one in warnings) if isinstance(warnings, list) else str(warnings)
        raise _Passing(f"expected a full answer, found warnings: {excerpt(shown)}")
    data = said.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "matrix":
        raise QueryFailed("expected data of resultType matrix, found another answer")
    return data


def _matrix(data: dict[str, Any], start: int, end: int, step: int) -> list[Series]:
    result = data.get("result")
    if not isinstance(result, list):
        raise QueryFailed("expected a list of series, found none")
    return [_series(one, start, end, step) for one in result]


def _series(said: Any, start: int, end: int, step: int) -> Series:
    try:
        labels, values = said["metric"], said["values"]
        if not all(isinstance(text, str) for pair in labels.items() for text in pair):
            raise TypeError
        samples = [(int(moment), value) for moment, value in values]
        known = all(int(moment) == moment and isinstance(value, str) for moment, value in values)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise QueryFailed("expected series with metric and values, found something else") from None
    moments = [moment for moment, _ in samples]
    on_grid = all(start <= moment < end and (moment - start) % step == 0 for moment in moments)
    in_order = all(before < after for before, after in pairwise(moments))
    if not known or not on_grid or not in_order:
        raise QueryFailed(
            f"expected samples each {step} s from {start} before {end}, found others in "
            + excerpt(str(labels))
        )
    return Series(labels, samples)


def _told(error: Exception) -> str:
    """What kind of failure it was; its text may name a URL with a password of a proxy."""
    return type(error).__name__
