"""How fresh is each source? Until when it was read, and how each of the last days went."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.db.models import Max

from meterhouse.register.transactions import asked
from meterhouse.reports.coverage import Window, midnight, state_coverage
from meterhouse.sources.delivery import Call
from meterhouse.warehouse.catalogue.models import CoverageWindow
from meterhouse.warehouse.landed import LandedCoverage
from meterhouse.web import kept, present
from meterhouse.web.serving import served_site

STATES = {
    "complete": "read completely",
    "partial": "read in part",
    "failed": "reading failed",
    "none": "never read",
}
_STRIP_DAYS = 21
_OLD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a source."""

    day: date
    state: str

    @property
    def words(self) -> str:
        return STATES[self.state]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A source: until when it was read, whether the last call failed, and its last days."""

    resource: str
    source: str
    until: datetime | None
    failed_since: bool
    old: bool = False
    days: tuple[Day, ...] = ()


def freshness(today: date) -> list[Fresh]:
    """Every source that was ever read, by resource and name."""
    snapshot = present.view().snapshot
    now = datetime.now(UTC)
    known: list[Fresh] = kept.FRESHNESS.get((snapshot, today), lambda: _read(today))
    return [replace(one, old=one.until is None or now - one.until > _OLD) for one in known]


def _read(today: date) -> list[Fresh]:
    site = served_site()
    windows = CoverageWindow.objects.using(site.register.alias)

    def ends(failed: bool) -> dict[tuple[str, str], datetime]:
        rows = windows.filter(outcome="failed") if failed else windows.exclude(outcome="failed")
        grouped = rows.values_list("resource", "source").annotate(last=Max("end"))
        return {
            (resource, source): last
            for resource, source, last in asked(site.register.alias, lambda: list(grouped))
        }

    read, failed = ends(False), ends(True)
    declared = {one.name for one in site.settings.resources}
    first = today - timedelta(days=_STRIP_DAYS - 1)
    zone = ZoneInfo(site.settings.site.time_zone)
    calls: dict[tuple[str, str], list[LandedCoverage]] = defaultdict(list)
    start, end = midnight(first, zone), midnight(today + timedelta(days=1), zone)
    for one in present.view().coverage(start=start, end=end):
        calls[one.resource, one.source].append(one)
    found = []
    for key in sorted(read.keys() | failed.keys()):
        until, failure = read.get(key), failed.get(key)
        found.append(
            Fresh(
                *key,
                until=until,
                failed_since=failure is not None and (until is None or failure > until),
                days=tuple(days_of_source(key[0], key[1], calls[key], first, today, zone))
                if key[0] in declared  # others are files that are imported when there is something new
                else (),
            )
        )
    return found


def days_of_source(
    resource: str, source: str, calls: list[LandedCoverage], first: date, last: date, zone: ZoneInfo
) -> list[Day]:
    """How each day from `first` to `last` went."""
    start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    within = [one for one in calls if one.end > start and one.start < end]
    stated = state_coverage(resource, source, cast(list[Call], within), start, end)
    return [
        Day(day, _state(day, zone, stated.read, stated.failed))
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    ]


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
