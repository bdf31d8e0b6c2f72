"""What does a program get when something is wrong? A problem document (RFC 9457), never a page."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

log = logging.getLogger("meterhouse.web")

API = "/api/"
MEDIA_TYPE = "application/problem+json"
MOST_BYTES = 1_000_000  # of what is sent here
_SAID = {
    400: "the request can't be read",
    403: "this may not be done",
    404: "nothing stands at this address",
    405: "this address takes other methods",
    413: "what was sent is too large",
}


class Problem(Exception):
    """Ends a request with that status and detail."""

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


def problem(status: int, detail: str, retry_after: int | None = None) -> HttpResponse:
    """The answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    response = HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="meterhouse"'
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def unforeseen(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """What nobody foresaw is in the log of the server, not in the answer."""
    log.error("API %s failed", request.path, exc_info=error if isinstance(error, Exception) else True)
    return problem(500, "the server failed; its log says how")


def with_problems(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: whoever refuses a request, a program can read why. HEAD is GET without content."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(API):
            return get_response(request)
        if refused := _unreadable(request):
            return refused
        bare = request.method == "HEAD"
        if bare:
            request.method = "GET"
        response = get_response(request)
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith(
            MEDIA_TYPE
        ):
            said = _SAID.get(response.status_code, "the request was refused")
            replaced = problem(response.status_code, said)
            if "Allow" in response.headers:
                replaced.headers["Allow"] = response.headers["Allow"]
            response = replaced
        if bare:
            response.headers["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    return answer


def _unreadable(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit():
        return problem(400, f"Content-Length: expected a number, found {length!r}")
    if int(length) > MOST_BYTES:
        return problem(413, f"expected at most {MOST_BYTES:,} bytes, found {int(length):,}")
    return None
