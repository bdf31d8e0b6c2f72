"""Which program or person asks the API? A bearer token, a session, or nobody where totals are public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from meterhouse.web.accounts.granting import read_token
from meterhouse.web.api.problems import Problem
from meterhouse.web.rights import Right
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import NOBODY, right_of, visitor_of


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, what they may see, and for what their token is good; None is for everything."""

    name: str
    right: Right
    is_staff: bool
    scopes: frozenset[str] | None = None

    def require(self, scope: str) -> None:
        """Refuse a token that isn't meant for this, and anybody who asks for more than totals."""
        if self.scopes is not None and scope not in self.scopes:
            raise Problem(403, f"expected a token with the scope {scope}")
        if self.right.totals_only and scope != "usage":
            raise Problem(401, "expected a token or a session")


class TokenOrSession(HttpBearer):
    """`Authorization: Bearer mh_...`, or the session of the pages."""

    def __call__(self, request: HttpRequest) -> Any | None:
        if "Authorization" in request.headers:
            return super().__call__(request)
        visitor = visitor_of(getattr(request, "user", None))
        if visitor == NOBODY and not served_site().settings.web.public:
            return None
        name = request.user.get_username() if visitor != NOBODY else "anybody"
        return Asker(name, right_of(visitor), visitor.role in ("staff", "administrator"))

    def authenticate(self, request: HttpRequest, token: str) -> Asker | None:
        kept = read_token(token)
        if kept is None:
            return None
        visitor = visitor_of(kept.user)
        if visitor == NOBODY:
            return None
        return Asker(
            kept.user.get_username(),
            right_of(visitor),
            visitor.role in ("staff", "administrator"),
            frozenset(kept.scopes.split()),
        )
