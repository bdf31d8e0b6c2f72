"""How many seconds of a session fall on which site day? Counted in Python, added up by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
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
        for session in sessions:
            said = session.opening
            for day, day_start, day_end in self._days.touched(session.start, session.end):
                if (self._first and day < self._first) or (self._last and day > self._last):
                    continue
                group = (
                    session.rules, day, said.resource, said.kind, session.state, said.project_ref,
                    said.user_ref, said.size_class, said.vcpus, said.memory_mib, said.disk_gib,
                    said.space_bytes,
                )  # fmt: skip
                total = self.by_group.setdefault(group, DayTotal())
                total.seconds += whole_seconds(min(session.end, day_end)) - whole_seconds(
                    max(session.start, day_start)
                )
                total.begun += session.begins if session.start >= day_start else 0
                total.ceased += session.ceases if session.end < day_end else 0
                total.spans += 1


def whole_seconds(moment: datetime) -> int:
    """Whole seconds since 1970, cut off."""
    return (moment - _EPOCH) // _SECOND
