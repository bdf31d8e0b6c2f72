"""What does the frame of every page tell of background work? How much is being made, and what is ready."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest

from meterhouse.web.work.models import Work

_SEEN = "meterhouse_work_seen"
_OPEN, _ENDED = ("waiting", "running"), ("done", "failed")


def looked(request: HttpRequest) -> None:
    """This session has seen the list now."""
    request.session[_SEEN] = datetime.now(UTC).isoformat()


def notice_of(request: HttpRequest) -> dict[str, int]:
    """How much is being made, and how much has become ready since this session last looked."""
    rows = Work.objects.filter(owner_id=request.user.pk)
    since = request.session.get(_SEEN) or (datetime.now(UTC) - timedelta(days=1)).isoformat()
    ended = Q(state__in=_ENDED, ended_at__gt=datetime.fromisoformat(since))
    states = list(rows.filter(ended | Q(state__in=_OPEN)).values_list("state", flat=True))
    ready = sum(state in _ENDED for state in states)
    return {"open": len(states) - ready, "ready": ready}
