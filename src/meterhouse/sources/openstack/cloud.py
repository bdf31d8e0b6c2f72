"""How is a cloud asked: reading only, page by page, with bounded patience?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stamina
from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1.session import Session
from openstack.connection import Connection
from openstack.exceptions import SDKException

Clock = Callable[[], datetime]

TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
MARKER_GONE_STATUS = frozenset({400, 404})  # Nova and Cinder say 400, others 404
RESTARTS_OF_A_LISTING = 3


def utc_now() -> datetime:
    return datetime.now(UTC)


class NotReadOnly(RuntimeError):
    """Something tried to change the cloud."""


class CallFailed(RuntimeError):
    """A call did not give an answer. The message names the call and the reason, and no secrets."""


class Refused(CallFailed):
    """The service answered that it will not answer this: 4xx."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Passing(CallFailed):
    """A failure that may pass: asked again a few times before it counts."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is waited for, how often it is asked again, and how many records a page holds."""

    timeout_seconds: float = 60.0
    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 15.0
    page_size: int = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and when: the moment before the question was sent."""

    said: Any
    observed_at: datetime


def keep_read_only(session: Session) -> None:
    """Make `session` refuse every request but GET and HEAD, and the POST that asks for a token."""
    send = session.request

    def guarded(url: str, method: str, **options: Any) -> Any:
        asks_for_token = method.upper() == "POST" and urlsplit(url).path.endswith("/auth/tokens")
        if method.upper() not in ("GET", "HEAD") and not asks_for_token:
            raise NotReadOnly(f"refused {method} {urlsplit(url).path}: Meterhouse only reads")
        return send(url, method, **options)

    session.request = guarded  # type: ignore[method-assign,assignment]


class Cloud:
    """A cloud to ask. Answers are plain JSON; what goes wrong is a CallFailed that names the call."""

    def __init__(
        self, connection: Connection, patience: Patience | None = None, clock: Clock = utc_now
    ) -> None:
        self.patience = patience or Patience()
        self._connection = connection
        self._clock = clock
        session: Session = connection.session
        keep_read_only(session)
        session.timeout = self.patience.timeout_seconds

    def has(self, service: str) -> bool:
        """Is `service` (openstacksdk's name) in the catalogue? When in doubt, yes: ask and see."""
        try:
            return bool(self._connection.config.get_session_client(service.replace("_", "-")).get_endpoint())
        except keystone_errors.EndpointNotFound:
            return False
        except keystone_errors.ClientException:
            return True

    def endpoint(self, service: str) -> str:
        try:
            return str(self._adapter(service).get_endpoint())
        except (keystone_errors.ClientException, SDKException) as error:
            raise CallFailed(f"no endpoint for {service}: {type(error).__name__}") from None

    def own_project_id(self) -> str:
        return str(self._connection.session.get_project_id())

    def microversion(self, service: str, wanted: tuple[int, int]) -> tuple[int, int]:
        """The newest API version up to `wanted` that the service speaks."""
        try:
            data = self._adapter(service).get_endpoint_data()
        except (keystone_errors.ClientException, SDKException) as error:
            raise CallFailed(f"versions of {service}: {type(error).__name__}") from None
        newest = data.max_microversion if data is not None else None
        return min(wanted, (int(newest[0]), int(newest[1]))) if newest else (0, 0)

    def get(
        self,
        service: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        version: tuple[int, int] | None = None,
    ) -> Answer:
        """Ask once, and again after a passing failure, as often as `patience` says."""
        patience = self.patience
        for attempt in stamina.retry_context(
            on=Passing,
            attempts=patience.attempts,
            timeout=None,
            wait_initial=patience.first_wait_seconds,
            wait_max=patience.longest_wait_seconds,
            wait_jitter=patience.first_wait_seconds,
        ):
            with attempt:
                return self._ask(service, path, dict(params or {}), version)
        raise AssertionError("retry_context ends with an answer or an exception")

    def listing(
        self,
        service: str,
        path: str,
        key: str,
        params: Mapping[str, Any] | None = None,
        version: tuple[int, int] | None = None,
        identify: Callable[[Any], Any] = lambda record: (
            record.get("id") if isinstance(record, dict) else None
        ),
        paged: bool = True,
    ) -> Iterator[Answer]:
        """Each record of a paged listing, once.

        A page follows the record that ended the page before it. When that one has been deleted in
        between, the service refuses; then the listing starts again and skips what it has given.
        """
        seen: set[Any] = set()
        marker: str | None = None
        restarts = 0
        base = {**(params or {}), **({"limit": self.patience.page_size} if paged else {})}
        while True:
            try:
                page = self.get(service, path, {**base, **({"marker": marker} if marker else {})}, version)
            except Refused as refused:
                if (
                    marker is None
                    or refused.status not in MARKER_GONE_STATUS
                    or restarts >= RESTARTS_OF_A_LISTING
                ):
                    raise
                marker, restarts = None, restarts + 1
                continue
            records = page.said.get(key) if isinstance(page.said, dict) else None
            if not isinstance(records, list):
                raise CallFailed(f"GET {service} {path}: expected a list called {key}")
            for record in records:
                identity = identify(record)
                if identity is None or identity not in seen:
                    yield Answer(record, page.observed_at)
                if isinstance(identity, str | tuple):
                    seen.add(identity)
            following = _next_marker(page.said, key)
            if following is None:
                return
            if following == marker or not records:
                raise CallFailed(f"GET {service} {path}: the next page begins where this one did")
            marker = following

    def _adapter(self, service: str) -> Any:
        return getattr(self._connection, service)

    def _ask(
        self, service: str, path: str, params: dict[str, Any], version: tuple[int, int] | None
    ) -> Answer:
        asked = f"GET {service} {urlsplit(path).path}"
        observed_at = self._clock()
        microversion = f"{version[0]}.{version[1]}" if version and version > (0, 0) else None
        try:
            response = self._adapter(service).get(
                path,
                params=params,
                microversion=microversion,
                raise_exc=False,
                connect_retries=0,
                status_code_retries=0,
                headers={"Accept": "application/json"},
            )
        except (keystone_errors.ConnectFailure, keystone_errors.ConnectTimeout) as error:
            raise Passing(f"{asked}: {type(error).__name__}") from None
        except keystone_errors.HttpError as error:  # from asking for a token
            kind = Passing if error.http_status in TRANSIENT_STATUS else CallFailed
            raise kind(f"{asked}: {type(error).__name__} (HTTP {error.http_status})") from None
        except (keystone_errors.ClientException, SDKException) as error:
            raise CallFailed(f"{asked}: {type(error).__name__}") from None
        status = int(response.status_code)
        if status in TRANSIENT_STATUS:
            raise Passing(f"{asked}: HTTP {status}")
        if status >= 300:
            raise Refused(f"{asked}: HTTP {status}", status)
        if status == 204:
            return Answer([], observed_at)
        try:
            return Answer(json.loads(response.content, parse_constant=_refuse_constant), observed_at)
        except ValueError:
            raise Passing(f"{asked}: the answer is not JSON") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _next_marker(said: Mapping[str, Any], key: str) -> str | None:
    """The marker of the next page, from whichever way this service says that there is one."""
    following: Any = said.get("next")  # Glance
    if following is None:
        links = said.get(f"{key}_links", said.get("links"))  # the others; Keystone has one object
        if isinstance(links, dict):
            following = links.get("next")
        elif isinstance(links, list):
            ahead = (link for link in links if isinstance(link, dict) and link.get("rel") == "next")
            following = next(ahead, {}).get("href")
    if not isinstance(following, str):
        return None
    markers = parse_qs(urlsplit(following).query).get("marker")
    return markers[0] if markers else None
