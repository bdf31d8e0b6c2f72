"""What does a period's data not cover? Windows read, failed and never asked, from the calls made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from meterhouse.sources.delivery import Call


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time `[start, end)`; `detail` says what went wrong where something did."""

    start: datetime
    end: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CoverageStatement:
    """What is known of one source of one resource within the period.

    The three lists together are the period: `read` (what was asked was answered, also with "nothing
    there"), `failed` (one of the calls was never answered) and `not_covered` (nobody asked). None overlaps
    another.
    """

    resource: str
    source: str
    read: tuple[Window, ...]
    failed: tuple[Window, ...]
    not_covered: tuple[Window, ...]
    records: int | None = None

    @property
    def outcome(self) -> Literal["complete", "partial", "failed", "none"]:
        if not self.failed and not self.not_covered:
            return "complete"
        if self.read:
            return "partial"
        return "failed" if self.failed else "none"

    @property
    def missing(self) -> tuple[Window, ...]:
        return tuple(sorted((*self.failed, *self.not_covered), key=lambda window: (window.start, window.end)))


def state_coverage(
    resource: str, source: str, calls: Iterable[Call], start: datetime, end: datetime
) -> CoverageStatement:
    """The statement for `[start, end)` from all calls made.

    What failed and was read later counts as read, where the same call was answered: that GPUs were not told
    isn't mended by an answer about memory.
    """
    calls = list(calls)
    answered = _within(
        _merged(Window(call.start, call.end) for call in calls if _is_answered(call)), start, end
    )
    failed = _merged(
        hole for name in {call.call for call in calls} for hole in _unanswered(calls, name, start, end)
    )
    read = _minus(answered, failed)
    never_asked = _minus(_minus([Window(start, end)], read), failed)
    records = sum(call.records for call in calls if _is_answered(call))
    return CoverageStatement(resource, source, tuple(read), tuple(failed), tuple(never_asked), records)


def _is_answered(call: Call) -> bool:
    return call.outcome != "failed"


def _unanswered(calls: list[Call], name: str, start: datetime, end: datetime) -> list[Window]:
    """When the call of this name failed within `[start, end)`, and was never answered."""
    of_name = [call for call in calls if call.call == name]
    failed = _merged(Window(call.start, call.end, call.detail) for call in of_name if not _is_answered(call))
    read = _merged(Window(call.start, call.end) for call in of_name if _is_answered(call))
    return _minus(_within(failed, start, end), read)


def incomplete_days(statements: Iterable[CoverageStatement], zone: ZoneInfo) -> frozenset[date]:
    """The site days of which some source has no answer for some moment."""
    return frozenset(
        day for statement in statements for window in statement.missing for day in _days(window, zone)
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the site's day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _days(window: Window, zone: ZoneInfo) -> Iterator[date]:
    day = window.start.astimezone(zone).date()
    while midnight(day, zone) < window.end:
        yield day
        day += timedelta(days=1)


def _merged(windows: Iterable[Window]) -> list[Window]:
    """Touching and overlapping windows as one; of their details the first that says something."""
    merged: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.start, window.end)):
        if window.start >= window.end:
            continue
        if merged and window.start <= merged[-1].end:
            last = merged[-1]
            merged[-1] = Window(last.start, max(last.end, window.end), last.detail or window.detail)
        else:
            merged.append(window)
    return merged


def _within(windows: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    return [
        Window(max(window.start, start), min(window.end, end), window.detail)
        for window in windows
        if window.start < end and window.end > start
    ]


def _minus(windows: Iterable[Window], taken: Iterable[Window]) -> list[Window]:
    """What of `windows` lies outside `taken` (which is in order and doesn't overlap itself)."""
    rest: list[Window] = []
    taken = list(taken)
    for window in windows:
        at = window.start
        for hole in taken:
            if hole.end <= at or hole.start >= window.end:
                continue
            if hole.start > at:
                rest.append(Window(at, hole.start, window.detail))
            at = max(at, hole.end)
        if at < window.end:
            rest.append(Window(at, window.end, window.detail))
    return rest
