"""What stands around every page? The site's name, who is logged in, and where one can go."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from meterhouse.web.pages.notices import notice_of
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import NOBODY, right_of_request, visitor_of

View = Callable[..., HttpResponseBase]


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what the frame shows."""
    user = getattr(request, "user", None)
    place = request.resolver_match.url_name if request.resolver_match else ""
    signed_in = user is not None and user.is_authenticated
    return {
        "work": notice_of(request) if signed_in else None,
        "site_name": served_site().settings.site.name,
        "signed_in": signed_in,
        "runs_the_site": signed_in and is_staff(request),
        "public_site": served_site().settings.web.public,
        "place": place,
        "chosen": [
            ("overview", "Overview"),
            ("explore", "Explore"),
            ("project", "Projects"),
            ("pools", "Allocations"),
            ("item", "Items"),
            ("log", "Log"),
            ("storage", "Storage"),
            ("reports", "Reports"),
            ("saved", "Saved"),
            ("sources", "Sources"),
        ],
    }


def for_visitors(view: View) -> View:
    """A page of totals: for who is logged in, and for anybody where the site opens them."""

    @wraps(view)
    def shown(request: HttpRequest, *given: Any, **named: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not served_site().settings.web.public:
            return redirect_to_login(request.get_full_path())
        if request.user.is_authenticated and (missing := missing_link(request)):
            return render(request, "no_permission.html", {"why": missing}, status=403)
        return view(request, *given, **named)

    return shown


def for_accounts(view: View) -> View:
    """A page that only who is logged in may see."""

    @wraps(view)
    def shown(request: HttpRequest, *given: Any, **named: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return for_visitors(view)(request, *given, **named)

    return shown


def missing_link(request: HttpRequest) -> str:
    """Why this account can see nothing at all, if so."""
    if visitor_of(request.user) == NOBODY:
        return "This account has no role yet."
    right = right_of_request(request)
    if right.everything or right.people or right.projects or right.institutions:
        return ""
    return "This account isn't tied to a person or an institution of the directory yet."


def is_staff(request: HttpRequest) -> bool:
    """Whether the page may tell what only those who run the site should know."""
    return visitor_of(request.user).role in ("staff", "administrator")
