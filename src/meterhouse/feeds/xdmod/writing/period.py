"""For which site days are files written, and when do these begin and end in UTC?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from meterhouse.errors import QuestionError
from meterhouse.usage.calendar import day_start


@dataclass(frozen=True, slots=True)
class Period:
    """The site days `first` to `last`, both included."""

    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise QuestionError(
                f"period: expected the first day before the last, found {self.first} to {self.last}"
            )

    @property
    def start(self) -> datetime:
        return day_start(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return day_start(self.last + timedelta(days=1), self.zone)

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.start, self.end

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def day_of(self, when: datetime) -> date:
        """The site day of a moment."""
        return when.astimezone(self.zone).date()

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """When a site day begins and ends."""
        return day_start(day, self.zone), day_start(day + timedelta(days=1), self.zone)


def moment(when: datetime) -> str:
    """A moment as an SQL literal."""
    return f"TIMESTAMPTZ '{when.astimezone(UTC).isoformat()}'"
