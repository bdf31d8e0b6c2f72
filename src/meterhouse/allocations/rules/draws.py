"""Which grant is used up first? Draws of charges on the lines of a pool, day by day (rule R5).

Lowest priority number first, then the earliest end, then the earliest beginning, then the id; a line
pays only on days on which its grant is in force. A refund undoes what was drawn last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from meterhouse.allocations.rules.paying import Window
from meterhouse.allocations.rules.quantities import ZERO
from meterhouse.allocations.rules.world import Key, Line


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be drawn on a day: all charges of the day, or one adjustment."""

    day: date
    quantity: Decimal
    adjustment: Key | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """What a line paid on a day; `line` is None for what no line paid: overdrawn."""

    day: date
    line: Key | None
    quantity: Decimal
    adjustment: Key | None = None


@dataclass(frozen=True, slots=True)
class DatedLine:
    """A line and when it may be drawn."""

    line: Line
    window: Window

    @property
    def rank(self) -> tuple[object, ...]:
        return (
            self.line.priority,
            self.window.ends,
            self.window.begins,
            self.line.order,
            str(self.line.key),
        )


def in_order(lines: Iterable[DatedLine]) -> list[DatedLine]:
    """The order in which lines are used up."""
    return sorted(lines, key=lambda one: one.rank)


def capacities(lines: Sequence[DatedLine]) -> dict[Key, Decimal]:
    """How much each line can pay, once negative lines have taken away what they take.

    A negative line (a transfer away, a correction) takes from lines of its own grant first, then from
    others that are in force at some time with it; of each from those that would be drawn last.
    """
    ordered = in_order(lines)
    left = {one.line.key: max(ZERO, one.line.quantity) for one in ordered}
    for taking in ordered:
        missing = -taking.line.quantity
        if missing <= 0:
            continue
        own = [one for one in ordered if one.line.grant == taking.line.grant]
        others = [
            one
            for one in ordered
            if one.line.grant != taking.line.grant
            and one.window.begins < taking.window.ends
            and taking.window.begins < one.window.ends
        ]
        for one in (*reversed(own), *reversed(others)):
            taken = min(missing, left[one.line.key])
            left[one.line.key] -= taken
            missing -= taken
    return left


def draw(lines: Sequence[DatedLine], entries: Iterable[Entry]) -> list[Draw]:
    """The draws of all `entries`, which may come in any order. Draws add up to entries, exactly."""
    ordered = in_order(lines)
    left = capacities(lines)
    stack: list[tuple[Key | None, Decimal]] = []
    found: list[Draw] = []

    def put(entry: Entry, line: Key | None, quantity: Decimal) -> None:
        if line is not None:
            left[line] -= quantity
        found.append(Draw(entry.day, line, quantity, entry.adjustment))

    # On one day charges come before adjustments, so that a refund finds what it refunds.
    for entry in sorted(
        entries, key=lambda one: (one.day, one.adjustment is not None, str(one.adjustment or ""))
    ):
        missing = entry.quantity
        in_force = [one.line.key for one in ordered if one.window.holds(entry.day)] if missing else []
        if missing > 0:
            for line in in_force:
                taken = min(missing, left[line])
                if taken > 0:
                    put(entry, line, taken)
                    stack.append((line, taken))
                    missing -= taken
            if missing:
                put(entry, None, missing)
                stack.append((None, missing))
            continue
        while missing < 0 and stack:
            line_drawn, quantity = stack.pop()
            undone = min(quantity, -missing)
            put(entry, line_drawn, -undone)
            missing += undone
            if quantity > undone:
                stack.append((line_drawn, quantity - undone))
        if missing < 0:
            # More came back than was drawn: it is there to be used.
            put(entry, in_force[0] if in_force else None, missing)
    return found
