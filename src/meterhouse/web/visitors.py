"""Who asks? The visitor behind a session, with the rows that they may see today."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from meterhouse.web.accounts.models import Access
from meterhouse.web.answering import kept_for_directory
from meterhouse.web.rights import Right, Role, Visitor, may_see
from meterhouse.web.serving import served_site

NOBODY = Visitor("public")


def visitor_of(user: Any) -> Visitor:
    """The visitor that an account stands for. One without a role sees what anybody sees."""
    if user is None or not user.is_authenticated or not user.is_active:
        return NOBODY
    try:
        access: Access = user.access  # looked up once for a user
    except Access.DoesNotExist:
        return NOBODY
    return Visitor(cast(Role, access.role), access.person_id, access.institution_id)


def right_of(visitor: Visitor) -> Right:
    """What a visitor may see on the site's present day."""
    site = served_site()
    return may_see(visitor, site.register.alias, _today(), site.settings.web.public)


def right_of_request(request: HttpRequest) -> Right:
    """What the person whose session this is may see; found once a request.

    Who is in which project, and what stands below it, is the directory's: after each change of it this is
    found anew. What is kept is relied on for a minute at most.
    """
    found: Right | None = getattr(request, "meterhouse_right", None)
    if found is None:
        found = kept_right_of(visitor_of(request.user))
        request.meterhouse_right = found  # type: ignore[attr-defined]
    return found


def kept_right_of(visitor: Visitor) -> Right:
    """What a visitor may see, as it was found within this minute and this state of the directory."""
    minute = int(time.time()) // 60
    return kept_for_directory("right", lambda: right_of(visitor), visitor, _today(), minute)


def _today() -> date:
    return datetime.now(ZoneInfo(served_site().settings.site.time_zone)).date()
