"""Is a period covered, so that nothing in it may be written as zero? From the calls that were made.

Files say little of the time for which they hold: one that tells of a day counts for the whole day. What a
live collector asked counts exactly, and what failed and was not read later is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from meterhouse.sources.delivery import Call
from meterhouse.usage.calendar import day_start


class SourceCall(Call, Protocol):
    """A call that was made to a source."""

    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of time `[start, end)` of which nothing is known, and why."""

    start: datetime
    end: datetime
    why: str

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC: {self.why}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time from `start` until before `end`."""

    start: datetime
    end: datetime


def holes(
    calls: Iterable[SourceCall],
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    file_sources: Collection[str],
    told_days: Collection[date] = (),
) -> list[Hole]:
    """What of the site days `first` to `last` is not covered, in order.

    `file_sources` are the sources that are files; on `told_days` something was said, whatever covered it.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    bounds = {day: Stretch(day_start(day, zone), day_start(day + timedelta(days=1), zone)) for day in days}
    whole = Stretch(bounds[first].start, bounds[last].end)
    answered: list[Stretch] = [bounds[day] for day in told_days if day in bounds]
    by_call: dict[tuple[str, str], list[Stretch]] = {}
    failed: list[tuple[tuple[str, str], Stretch]] = []
    for call in calls:
        stretch = Stretch(call.start, call.end)
        key = (call.source, call.call)
        if call.outcome == "failed":
            failed.append((key, stretch))
            continue
        if call.source in file_sources:
            answered += [day for day in bounds.values() if _touches(stretch, day)]
        else:
            answered.append(stretch)
        by_call.setdefault(key, []).append(stretch)
    found = [Hole(one.start, one.end, "nothing was read of it") for one in _minus([whole], answered)]
    for key, stretch in failed:
        within = _within([stretch], whole)
        found += [
            Hole(one.start, one.end, f"{key[1]} of {key[0]} failed")
            for one in _minus(within, by_call.get(key, []))
        ]
    return sorted(set(found), key=lambda hole: (hole.start, hole.end, hole.why))


def _touches(stretch: Stretch, day: Stretch) -> bool:
    if stretch.start == stretch.end:
        return False
    return stretch.start < day.end and stretch.end > day.start


def _within(stretches: Iterable[Stretch], whole: Stretch) -> list[Stretch]:
    cut = [Stretch(max(one.start, whole.start), min(one.end, whole.end)) for one in stretches]
    return [one for one in cut if one.start < one.end]


def _minus(stretches: Iterable[Stretch], taken: Iterable[Stretch]) -> list[Stretch]:
    rest = []
    in_order = sorted(taken, key=lambda one: (one.start, one.end))
    for stretch in stretches:
        at = stretch.start
        for one in in_order:
            if one.end <= at or one.start >= stretch.end:
                continue
            if one.start > at:
                rest.append(Stretch(at, one.start))
            at = max(at, one.end)
        if at < stretch.end:
            rest.append(Stretch(at, stretch.end))
    return rest
