"""What was true when, if later words replace earlier ones? Dated entries become pieces that don't overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from meterhouse.allocations.file.entries import Dated


@dataclass(frozen=True, slots=True)
class Piece:
    """Values that held on `[start, end)`; None is open."""

    start: date | None
    end: date | None
    values: dict[str, Any]


def piece(entry: Dated, **values: Any) -> tuple[date, Piece]:
    """A file's entry: when it became known (ever when unsaid), and the half-open days on which it holds."""
    end = entry.last + timedelta(days=1) if entry.last else None
    return (entry.recorded or date.min, Piece(entry.start, end, values))


def ever(**values: Any) -> tuple[date, Piece]:
    """What holds where nothing else is said."""
    return (date.min, Piece(None, None, values))


def states(entries: Iterable[tuple[date, Piece]]) -> list[tuple[date, list[Piece]]]:
    """After each day on which something became known: the pieces as known from then on."""
    ordered = sorted(enumerate(entries), key=lambda one: (one[1][0], one[0]))
    found: list[tuple[date, list[Piece]]] = []
    pieces: list[Piece] = []
    for _, (recorded, new) in ordered:
        pieces = [part for old in pieces for part in _without(old, new)] + [new]
        pieces.sort(key=lambda one: one.start or date.min)
        if found and found[-1][0] == recorded:
            found.pop()
        found.append((recorded, pieces))
    return found


def overlap(first: Piece, second: Piece) -> bool:
    """Whether both hold on some day."""
    return (first.start or date.min) < (second.end or date.max) and (second.start or date.min) < (
        first.end or date.max
    )


def _without(old: Piece, new: Piece) -> list[Piece]:
    if not overlap(old, new):
        return [old]
    parts = []
    if new.start is not None and (old.start or date.min) < new.start:
        parts.append(replace(old, end=new.start))
    if new.end is not None and new.end < (old.end or date.max):
        parts.append(replace(old, start=new.end))
    return parts
