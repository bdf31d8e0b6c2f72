"""What was true on a day? Looks up what holds on some days only."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import date
from typing import Generic, Protocol, TypeVar


class OnSomeDays(Protocol):
    """A record with a half-open span of days."""

    @property
    def start(self) -> date | None: ...
    @property
    def end(self) -> date | None: ...


Record = TypeVar("Record", bound=OnSomeDays)


def holds(record: OnSomeDays, day: date) -> bool:
    """Whether the record is true on that day."""
    return (record.start is None or record.start <= day) and (record.end is None or day < record.end)


class ByDay(Generic[Record]):
    """Records by key and day; of several that hold on a day the one that began last counts."""

    def __init__(self, records: Iterable[tuple[Hashable, Record]]) -> None:
        found: dict[Hashable, list[Record]] = defaultdict(list)
        for key, record in records:
            found[key].append(record)
        self._records = {
            key: sorted(several, key=lambda record: record.start or date.min)
            for key, several in found.items()
        }

    def on(self, key: Hashable, day: date) -> Record | None:
        """What holds for `key` on `day`."""
        for record in reversed(self._records.get(key, ())):
            if holds(record, day):
                return record
        return None

    def borders(self) -> set[date]:
        """The days on which anything begins or ceases to hold."""
        return {
            day
            for several in self._records.values()
            for record in several
            for day in (record.start, record.end)
            if day is not None
        }


class Stretches:
    """Numbers the stretches of days between borders: within one stretch nothing changes."""

    def __init__(self, borders: Iterable[date]) -> None:
        self._borders = sorted(set(borders))

    def of(self, day: date) -> int:
        """The number of the stretch in which `day` lies."""
        return bisect_right(self._borders, day)
