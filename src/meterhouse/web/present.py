"""Which state of the site does a page show? The newest when it first asks, and no other until it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from meterhouse.warehouse.view import View
from meterhouse.web.serving import served_site

Found = TypeVar("Found")

# What was found for the request under way; None outside of one, and where one may change things.
_FOUND: ContextVar[dict[str, Any] | None] = ContextVar("found_for_request", default=None)
_SHOWING = ("GET", "HEAD")


def of_one_state(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what a request that only shows something looks up with `once` stays the same for it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in _SHOWING:
            return get_response(request)
        with one_state():
            return get_response(request)

    return answer


@contextmanager
def one_state() -> Iterator[None]:
    """What is looked up with `once` stays the same in here."""
    token = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(token)


def once(name: str, find: Callable[[], Found]) -> Found:
    """What `find` finds: once for a request that only shows something, otherwise each time."""
    found = _FOUND.get()
    if found is None:
        return find()
    if name not in found:
        found[name] = find()
    return found[name]  # type: ignore[no-any-return]


def look_again() -> None:
    """Forget what was found for this request."""
    found = _FOUND.get()
    if found is not None:
        found.clear()


def view(as_of: int | datetime | None = None) -> View:
    """The warehouse as it was then, or (None) as this request sees it."""
    if as_of is not None:
        return served_site().warehouse.view(as_of)
    return once("view", served_site().warehouse.view)
