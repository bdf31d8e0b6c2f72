"""What does a person see when something is wrong? What it was, and a way on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.web.api.problems import problem

_API = "/api/"


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith(_API):
        return problem(status, text)
    return render(request, "failure.html", {"title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what was sent can't be read. It may not even name this host, so nothing of it is shown."""
    return HttpResponse("This request can't be read.", status=400, content_type="text/plain")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _page(request, 403, "Not for this account", "This account may not see that.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _page(request, 404, "There is no such page", "Nothing stands at this address.")


def failed(request: HttpRequest) -> HttpResponse:
    """500: says nothing of the cause, and needs neither database nor template."""
    if request.path.startswith(_API):
        return problem(500, "the server failed; its log says how")
    return HttpResponse(
        "The server failed. Its log says how; please try again.", status=500, content_type="text/plain"
    )


def refused_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that didn't come from a page of this site, or whose session is over."""
    return _page(request, 403, "Please send it again", "The form was too old, or came from another site.")
