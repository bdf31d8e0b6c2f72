"""What is the value of a pool that doesn't add up over time? First the total of each day, then over days.

Rule R2: adding up accounts, resources and sub-projects within a day comes first; the function (maximum,
average ...) is then taken over the observed days. A day on which nobody looked is no day; a resource
that alone was missed on an observed day keeps its last reading, and the day is marked as estimated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from meterhouse.allocations.rules.quantities import ZERO, divided
from meterhouse.allocations.rules.world import Charge, Function, Key, Use


def carried(uses: Sequence[Use]) -> list[Use]:
    """The uses of one resource pool in one period, and estimated ones where a resource was missed."""
    readings: dict[Key, dict[date, list[Use]]] = defaultdict(lambda: defaultdict(list))
    for use in uses:
        readings[use.resource][use.day].append(use)
    observed = sorted({use.day for use in uses})
    found = list(uses)
    for by_day in readings.values():
        if len(by_day) == len(observed):
            continue
        last: list[Use] = []
        for day in observed:
            if day in by_day:
                last = by_day[day]
            else:
                found.extend(replace(use, day=day, estimated=True) for use in last)
    return found


@dataclass(frozen=True, slots=True)
class DayTotal:
    """One observed day of a pool."""

    day: date
    quantity: Decimal
    raw: Decimal
    estimated: bool


@dataclass(frozen=True, slots=True)
class Level:
    """What a pool's function says of its days. `day` decided it; an average is no single day's."""

    quantity: Decimal
    raw: Decimal
    day: date | None
    drawn_on: date | None  # the lines of this day pay


NOTHING = Level(ZERO, ZERO, None, None)


class Readings:
    """On which days was each resource really read, whoever's usage it was?"""

    def __init__(self, uses: Iterable[tuple[Key, date]]) -> None:
        self.days: dict[Key, set[date]] = defaultdict(set)
        for resource, day in uses:
            self.days[resource].add(day)

    @classmethod
    def of_charges(cls, charges: Iterable[Charge]) -> Readings:
        """From charges: what was carried is no reading."""
        return cls((charge.resource, charge.day) for charge in charges if not charge.estimated)


def day_totals(charges: Sequence[Charge], readings: Readings, last_day: date) -> list[DayTotal]:
    """The observed days of what these charges belong to, from their first to `last_day`.

    Observed is a day on which any of their resources was read; where that reading says nothing of them,
    it says zero.
    """
    if not charges:
        return []
    quantity: dict[date, Decimal] = defaultdict(lambda: ZERO)
    raw: dict[date, Decimal] = defaultdict(lambda: ZERO)
    estimated: set[date] = set()
    for charge in charges:
        quantity[charge.day] += charge.quantity
        raw[charge.day] += charge.raw
        if charge.estimated:
            estimated.add(charge.day)
    first = min(quantity)
    own = {charge.resource for charge in charges}
    observed = {day for resource in own for day in readings.days[resource] if first <= day <= last_day}
    return [DayTotal(day, quantity[day], raw[day], day in estimated) for day in sorted(observed)]


def level(function: Function, days: Sequence[DayTotal]) -> Level:
    """The function over the days; of several equal extremes the first day counts."""
    if not days:
        return NOTHING
    if function == "average":
        quantities = sum((one.quantity for one in days), ZERO)
        raw = sum((one.raw for one in days), ZERO)
        return Level(divided(quantities, len(days)), divided(raw, len(days)), None, days[-1].day)
    if function == "last":
        chosen = days[-1]
    elif function == "minimum":
        chosen = min(days, key=lambda one: one.quantity)
    else:
        chosen = max(days, key=lambda one: one.quantity)
    return Level(chosen.quantity, chosen.raw, chosen.day, chosen.day)
