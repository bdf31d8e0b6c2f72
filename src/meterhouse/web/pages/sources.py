"""What was read, and what is missing? A calendar of each source, a day a cell."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.reports.coverage import Window, midnight, state_coverage
from meterhouse.web.pages.frame import for_accounts, is_staff
from meterhouse.web.pages.words import site_today
from meterhouse.web.serving import served_site

_DAYS = 84
_ERRORS = 5
STATES = {
    "complete": "read completely",
    "partial": "read in part",
    "failed": "reading failed",
    "none": "never read",
}


def freshness() -> list[dict[str, Any]]:
    """Until when each source has been read, and whether its last call failed."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    now = datetime.now(UTC)
    for one in served_site().warehouse.view().coverage():
        row = newest.setdefault(
            (one.resource, one.source),
            {"resource": one.resource, "source": one.source, "until": None, "failed_since": False},
        )
        if one.outcome != "failed":
            if row["until"] is None or one.end >= row["until"]:
                row["until"], row["failed_since"] = one.end, False
        elif row["until"] is None or one.end > row["until"]:
            row["failed_since"] = True
    for row in newest.values():
        row["old"] = row["until"] is None or now - row["until"] > timedelta(days=2)
    return [newest[key] for key in sorted(newest)]


@for_accounts
def sources(request: HttpRequest) -> HttpResponse:
    """The page: the last twelve weeks."""
    zone = ZoneInfo(served_site().settings.site.time_zone)
    view = served_site().warehouse.view()
    today = site_today()
    known = view.coverage()
    # A site whose data is all of the past is shown where its data ends.
    ends = [one.end.astimezone(zone).date() for one in known]
    last = min(today, max(ends, default=today))
    first = last - timedelta(days=last.weekday() + _DAYS - 7)
    calls: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for one in known:
        calls[one.resource, one.source].append(one)
    shown = []
    declared = {one.name for one in served_site().settings.resources}
    for (resource, source), made in sorted(calls.items()):
        if resource not in declared:  # files that are imported when there is something new
            continue
        start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
        within = [one for one in made if one.end > start and one.start < end]
        stated = state_coverage(resource, source, within, start, end)
        days = [
            {"day": day, "state": state, "words": STATES[state]}
            for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
            for state in [_state(day, zone, stated.read, stated.failed)]
        ]
        failed = [one for one in made if one.outcome == "failed"][-_ERRORS:]
        shown.append(
            {
                "resource": resource,
                "source": source,
                "weeks": [days[n : n + 7] for n in range(0, len(days), 7)],
                "records": stated.records,
                "missing": sum(one["state"] != "complete" for one in days),
                "days": len(days),
                "failures": [
                    {"at": one.start, "detail": one.detail if is_staff(request) else ""} for one in failed
                ],
            }
        )
    context = {"shown": shown, "states": STATES, "first": first, "last": last, "sources": freshness()}
    return render(request, "sources.html", context)


def _state(day: date, zone: ZoneInfo, read: tuple[Window, ...], failed: tuple[Window, ...]) -> str:
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    covered = sum(
        (min(one.end, end) - max(one.start, start) for one in read if one.end > start and one.start < end),
        timedelta(),
    )
    if covered == end - start:
        return "complete"
    if covered:
        return "partial"
    return "failed" if any(one.end > start and one.start < end for one in failed) else "none"
