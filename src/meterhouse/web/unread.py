"""What becomes of content that no view has read? It is read, or the answer says that the connection ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

READ_AT_MOST = 64 * 1024
"""Bytes of content that are read and thrown away to keep a connection."""

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def nothing_unread(application: Application) -> Application:
    """Wrap a WSGI application for a server that closes a connection whose request was answered too early.

    A client that keeps connections can't see that: its next request would fail. So what is left of a request
    is read before the answer begins; where it is long, or its length isn't said, the answer says that the
    connection ends here (RFC 9112, 9.6).
    """

    def called(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if not _read_out(environ):
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *rest)

        return application(environ, start)

    return called


def _read_out(environ: dict[str, Any]) -> bool:
    """Whether nothing is left to read of it; a content that was read already gives no bytes here."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return False
    said = environ.get("CONTENT_LENGTH") or "0"
    if not said.isdecimal() or int(said) > READ_AT_MOST:
        return False
    if int(said):
        environ["wsgi.input"].read(int(said))
    return True
