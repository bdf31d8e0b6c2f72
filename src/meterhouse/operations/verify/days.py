"""How many seconds of a session fall on which site day? Counted in Python, added up by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from meterhouse.operations.verify.walk import Session

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GROUP = (
    "rules", "day", "resource", "kind", "state", "project_ref", "user_ref", "class", "vcpus", "memory_mib",
    "disk_gib", "space_bytes",
)  # fmt: skip
Group = tuple[object, ...]


@dataclass(slots=True)
class DayTotal:
    """What one group used on one day."""

    seconds: int = 0
    begun: int = 0
    ceased: int = 0
    spans: int = 0

    def __str__(self) -> str:
        return f"{self.seconds} s, {self.begun} begun, {self.ceased} ceased, {self.spans} spans"


class SiteDays:
    """The days of a time zone."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._starts: dict[date, datetime] = {}

    def start(self, day: date) -> datetime:
        """The first minute whose local date is `day` or later, found by looking at the clock."""
        if day not in self._starts:
            moment = datetime.combine(day, time.min, UTC) - 15 * 60 * _MINUTE
            while moment.astimezone(self._zone).date() < day:
                moment += _MINUTE
            self._starts[day] = moment
        return self._starts[day]

    def touched(self, start: datetime, end: datetime) -> Iterator[tuple[date, datetime, datetime]]:
        """The days from that of `start` to that of `end`, with bounds; without days that were left out."""
        day = start.date() - _DAY
        while (day_start := self.start(day)) <= end:
            day_end = self.start(day + _DAY)
            if day_start < day_end and start < day_end:
                yield day, day_start, day_end
            day += _DAY

    @cached_property
    def name(self) -> str:
        return str(self._zone)


class DayTotals:
    """Sums by day and group of the sessions that are added."""

    def __init__(self, days: SiteDays, first: date | None = None, last: date | None = None) -> None:
        self._days = days
        self._first = first
        self._last = last
        self.by_group: dict[Group, DayTotal] = {}

    def add(self, sessions: Iterable[Session]) -> None:
        """Add sessions of the walk."""
        for session in sessions:
            said = session.opening
            of = (
                said.resource, said.kind, session.state, said.project_ref, said.user_ref, said.size_class,
                said.vcpus, said.memory_mib, said.disk_gib, said.space_bytes,
            )  # fmt: skip
            self._add(session.rules, of, session.start, session.end, session.begins, session.ceases, None)

    def add_spans(self, spans: Iterable[Mapping[str, Any]]) -> None:
        """Add spans as they are in the warehouse."""
        for row in spans:
            of = tuple(row[name] for name in GROUP[2:])
            self._add(
                row["rules"], of, row["start"], row["end"], row["begins"], row["ceases"], row["run_seconds"]
            )

    def _add(
        self, rules: str, of: tuple[object, ...], start: datetime, end: datetime, begins: int, ceases: int,
        run_seconds: int | None,
    ) -> None:  # fmt: skip
        first_second, last_second = whole_seconds(start), whole_seconds(end)
        whole = last_second - first_second
        for day, day_start, day_end in self._days.touched(start, end):
            if (self._first and day < self._first) or (self._last and day > self._last):
                continue
            before = whole_seconds(max(start, day_start)) - first_second
            until = whole_seconds(min(end, day_end)) - first_second
            if run_seconds is not None and run_seconds < whole:  # suspended: spread evenly over the span
                before, until = run_seconds * before // whole, run_seconds * until // whole
            total = self.by_group.setdefault((rules, day, *of), DayTotal())
            total.seconds += until - before
            total.begun += begins if start >= day_start else 0
            total.ceased += ceases if end < day_end else 0
            total.spans += 1


def whole_seconds(moment: datetime) -> int:
    """Whole seconds since 1970, cut off."""
    return (moment - _EPOCH) // _SECOND
