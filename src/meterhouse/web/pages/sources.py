"""What was read, and what is missing? A calendar of each source, a day a cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from meterhouse.errors import QuestionError
from meterhouse.reports.coverage import midnight
from meterhouse.settings import Resource
from meterhouse.warehouse.landed import LandedCoverage
from meterhouse.web import kept, present
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.pages.frame import for_accounts, is_staff
from meterhouse.web.pages.freshness import STATES, days_of_source, freshness
from meterhouse.web.pages.running_sources import newest_run, run_now
from meterhouse.web.pages.words import site_today
from meterhouse.web.serving import served_site

_DAYS = 84
_ERRORS = 5


@for_accounts
@require_POST
def run_source(request: HttpRequest) -> HttpResponse:
    """Have a source read now."""
    if not is_staff(request):
        context = {"why": "Only those who run the site have sources read."}
        return render(request, "no_permission.html", context, status=403)
    name = request.POST.get("source", "")
    try:
        begun = run_now(name)
    except QuestionError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be done", "text": str(mistake)}, status=400
        )
    audit("source run", request.user.get_username(), name, request)
    messages.success(request, f"{name} is being read." if begun else f"{name} is being read already.")
    return redirect("sources")


@for_accounts
def sources(request: HttpRequest) -> HttpResponse:
    """The page: the last twelve weeks."""
    staff, today = is_staff(request), site_today()
    fresh = freshness(today)
    zone = ZoneInfo(served_site().settings.site.time_zone)
    # A site whose data is all of the past is shown where its data ends.
    ends = [one.until.astimezone(zone).date() for one in fresh if one.until is not None]
    last = min(today, max(ends, default=today))
    first = last - timedelta(days=last.weekday() + _DAYS - 7)
    snapshot = present.view().snapshot
    shown: list[dict[str, Any]] = kept.CALENDARS.get(
        (snapshot, first, last), lambda: _read(first, last, zone, {one.name for one in declared()})
    )
    configured = []
    if staff:
        configured = [
            {"name": one.name, "kind": one.kind, "resource": one.resource, "run": newest_run(one.name)}
            for one in served_site().settings.sources
        ]
    context = {
        "configured": configured,
        "shown": shown,
        "staff": staff,
        "states": STATES,
        "first": first,
        "last": last,
        "sources": fresh,
    }
    return render(request, "sources.html", context)


def declared() -> Sequence[Resource]:
    """The resources of the settings: others are files that are imported when there is something new."""
    return served_site().settings.resources


def _read(first: date, last: date, zone: ZoneInfo, resources: set[str]) -> list[dict[str, Any]]:
    start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    calls: dict[tuple[str, str], list[LandedCoverage]] = defaultdict(list)
    for one in present.view().coverage(start=start, end=end):
        if one.resource in resources:
            calls[one.resource, one.source].append(one)
    shown = []
    for (resource, source), made in sorted(calls.items()):
        days = days_of_source(resource, source, made, first, last, zone)
        failed = [one for one in made if one.outcome == "failed"][-_ERRORS:]
        shown.append(
            {
                "resource": resource,
                "source": source,
                "weeks": [days[n : n + 7] for n in range(0, len(days), 7)],
                "records": sum(one.records for one in made if one.outcome != "failed"),
                "missing": sum(one.state != "complete" for one in days),
                "days": len(days),
                "failures": [{"at": one.start, "call": one.call, "detail": one.detail} for one in failed],
            }
        )
    return shown
