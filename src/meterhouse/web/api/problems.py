"""What does a program get when something is wrong? A problem document (RFC 9457), never a page."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

log = logging.getLogger("meterhouse.web")


class Problem(Exception):
    """Ends a request with that status and detail."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: int, detail: str) -> HttpResponse:
    """The answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json"
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="meterhouse"'
    return response


def unforeseen(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """What nobody foresaw is in the log of the server, not in the answer."""
    log.error("API %s failed", request.path, exc_info=error if isinstance(error, Exception) else True)
    return problem(500, "the server failed; its log says how")
