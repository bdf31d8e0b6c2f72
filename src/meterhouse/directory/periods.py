"""What held on which days? Values with periods `[start, end)`, and cutting time where any of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class During(Generic[Value]):
    """A value and the days on which it holds."""

    start: date
    end: date
    value: Value

    def meets(self, start: date, end: date) -> bool:
        """Whether it holds on a day of `[start, end)`."""
        return self.start < end and start < self.end

    def within(self, start: date, end: date) -> During[Value]:
        """The same value, on the days that lie in `[start, end)`."""
        return During(max(self.start, start), min(self.end, end), self.value)


Dated = list[During[Value]]


def on(day: date, values: Iterable[During[Value]]) -> Value | None:
    """The value that holds on a day; of several the first."""
    return next((one.value for one in values if one.start <= day < one.end), None)


def all_on(day: date, values: Iterable[During[Value]]) -> list[Value]:
    """All values that hold on a day, in order."""
    return [one.value for one in values if one.start <= day < one.end]


def cut(start: date, end: date, *timelines: Iterable[During[object]]) -> Iterator[tuple[date, date]]:
    """`[start, end)` in pieces in which nothing of the timelines changes."""
    edges = {start, end}
    for timeline in timelines:
        for one in timeline:
            edges.update(edge for edge in (one.start, one.end) if start < edge < end)
    ordered = sorted(edges)
    yield from pairwise(ordered)


def joined(pieces: Iterable[During[Value]]) -> Dated[Value]:
    """Neighbouring pieces of one value made one; pieces come in order."""
    found: Dated[Value] = []
    for piece in pieces:
        if found and found[-1].end == piece.start and found[-1].value == piece.value:
            found[-1] = During(found[-1].start, piece.end, piece.value)
        else:
            found.append(piece)
    return found
