"""How is a portal's API asked? Read-only GETs, retried while it is busy, with a token that is never shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from meterhouse.errors import MeterhouseError

if TYPE_CHECKING:
    import httpx

_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
_BUSY = {429, 500, 502, 503, 504}


class DirectoryUnreachable(MeterhouseError):
    """A portal or identity provider could not be read. Never carries a token or password."""


class Api:
    """One API: `base` is its address, `headers` are computed anew for each try (tokens expire)."""

    def __init__(
        self,
        client: httpx.Client,
        base: str,
        headers: Callable[[bool], Mapping[str, str]],
        pause: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._headers = headers
        self._pause = pause

    def get(self, path: str, **parameters: str | int) -> Any:
        """The JSON that a GET answers; `path` may be an absolute URL of the same API."""
        url = path if path.startswith(("http://", "https://")) else f"{self._base}{path}"
        if not url.startswith(self._base):  # a page link that leads elsewhere would get our token
            raise DirectoryUnreachable(f"{self._base}: expected a link within it, found {url[:200]}")
        response = self._asked(url, parameters)
        try:
            return response.json()
        except ValueError:
            raise DirectoryUnreachable(f"{url}: expected JSON, found {response.text[:100]!r}") from None

    def _asked(self, url: str, parameters: Mapping[str, str | int]) -> httpx.Response:
        import httpx

        renewed = False
        for attempt in range(1, _TRIES + 1):
            try:
                response = self._client.get(
                    url, params=dict(parameters) or None, headers=dict(self._headers(renewed))
                )
            except httpx.HTTPError as error:
                if attempt == _TRIES:
                    raise DirectoryUnreachable(f"{url}: {type(error).__name__}: {error}") from None
                time.sleep(self._pause * 2 ** (attempt - 1))
                continue
            if response.status_code == 401 and not renewed:
                renewed = True
                continue
            if response.status_code in _BUSY and attempt < _TRIES:
                time.sleep(self._pause * 2 ** (attempt - 1))
                continue
            if response.is_success:
                return response
            raise DirectoryUnreachable(f"{url}: expected an answer, found HTTP {response.status_code}")
        raise DirectoryUnreachable(f"{url}: expected an answer, found HTTP 401")


@contextmanager
def http_client(proxy: str | None = None, verify: bool | str = True) -> Iterator[httpx.Client]:
    """A client with limits; it follows no redirects, which could carry a token elsewhere."""
    import httpx

    with httpx.Client(proxy=proxy, verify=verify, timeout=60.0, follow_redirects=False) as client:
        yield client
