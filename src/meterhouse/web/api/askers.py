"""Which program or person asks the API? A bearer token, a session, or nobody where totals are public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from meterhouse.web.accounts.granting import PREFIX, SCOPES, read_token
from meterhouse.web.accounts.limits import over_limit
from meterhouse.web.accounts.machine_tokens import read_machine_token
from meterhouse.web.api.problems import Problem
from meterhouse.web.rights import Right, Visitor
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import NOBODY, right_of, visitor_of

_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, what they may see, and for what their token is good; None is for everything."""

    name: str
    user: Any
    visitor: Visitor
    right: Right
    scopes: frozenset[str] | None = None

    @property
    def is_staff(self) -> bool:
        return self.visitor.role in ("staff", "administrator")

    @property
    def good_for(self) -> list[str]:
        """The scopes, in order."""
        return sorted(SCOPES if self.scopes is None else self.scopes)

    def require(self, scope: str) -> None:
        """Refuse a token that isn't meant for this, and anybody who asks for more than totals."""
        if self.scopes is not None and scope not in self.scopes:
            raise Problem(403, f"expected a token with the scope {scope}")
        if self.right.totals_only and scope != "usage":
            raise Problem(401, "expected a token or a session")


class TokenOrSession(HttpBearer):
    """`Authorization: Bearer ...`, a token of this site or of an identity provider; or the pages' session."""

    def __call__(self, request: HttpRequest) -> Any | None:
        found = self._found(request)
        if found is not None and request.method == "POST" and request.content_type != "application/json":
            said = (request.content_type or "")[:100]
            raise Problem(415, f"Content-Type: expected application/json, found {said!r}")
        return found

    def _found(self, request: HttpRequest) -> Any | None:
        if "Authorization" in request.headers:
            return super().__call__(request)
        visitor = visitor_of(getattr(request, "user", None))
        if visitor == NOBODY and not served_site().settings.web.public:
            _limited(request, "address", str(request.META.get("REMOTE_ADDR", "")))
            return None
        if visitor != NOBODY and request.method not in _SAFE and check_csrf(request) is not None:
            raise Problem(403, "expected a form token with a session, or a bearer token instead")
        if visitor == NOBODY:
            _limited(request, "address", str(request.META.get("REMOTE_ADDR", "")))
            return Asker("anybody", None, visitor, right_of(visitor))
        return _asker(request, request.user, visitor)

    def authenticate(self, request: HttpRequest, token: str) -> Asker | None:
        if token.startswith(PREFIX):
            kept = read_token(token)
            known = None if kept is None else (kept.user, frozenset(kept.scopes.split()))
        else:
            known = read_machine_token(token)
        visitor = NOBODY if known is None else visitor_of(known[0])
        if known is None or visitor == NOBODY:
            _limited(request, "address", str(request.META.get("REMOTE_ADDR", "")))
            return None
        return _asker(request, known[0], visitor, known[1])


def asker_of(request: HttpRequest) -> Asker:
    """Who was found to ask."""
    asker: Asker = request.auth  # type: ignore[attr-defined]
    return asker


def _asker(request: HttpRequest, user: Any, visitor: Visitor, scopes: frozenset[str] | None = None) -> Asker:
    _limited(request, "account", str(user.pk))
    return Asker(user.get_username(), user, visitor, right_of(visitor), scopes)


def _limited(request: HttpRequest, what: str, who: str) -> None:
    """Who is known has an account's share of requests, whoever isn't that of an address."""
    section = served_site().settings.web
    most = section.requests_per_minute if what == "account" else section.unknown_requests_per_minute
    wait = over_limit(f"api {what} {who}", most, 60)
    if wait is not None:
        raise Problem(429, f"expected at most {most} requests a minute", wait)
