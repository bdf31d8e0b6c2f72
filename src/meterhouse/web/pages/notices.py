"""What does the frame of every page tell of background work? How much is being made, and what is ready."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest

from meterhouse.web.work.models import Work

_SEEN = "meterhouse_work_seen"


def looked(request: HttpRequest) -> None:
    """This session has seen the list now."""
    request.session[_SEEN] = datetime.now(UTC).isoformat()


def notice_of(request: HttpRequest) -> dict[str, int]:
    """How much is being made, and how much has become ready since this session last looked."""
    rows = Work.objects.filter(owner_id=request.user.pk)
    since = request.session.get(_SEEN) or (datetime.now(UTC) - timedelta(days=1)).isoformat()
    ended = rows.filter(state__in=["done", "failed"], ended_at__gt=datetime.fromisoformat(since))
    return {"open": rows.filter(state__in=["waiting", "running"]).count(), "ready": ended.count()}
