"""What is left? The figures of an allocation pool at the end of a day (rule R4).

used = draws + overdrawn, and allocated = draws + available + lapsed + pending, always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from meterhouse.allocations.rules.draws import DatedLine, Draw, Entry, draw
from meterhouse.allocations.rules.levels import Readings, day_totals, level
from meterhouse.allocations.rules.paying import Paying
from meterhouse.allocations.rules.quantities import ZERO, percent
from meterhouse.allocations.rules.world import Adjustment, Charge, Key, Pool


@dataclass(frozen=True, slots=True)
class Figures:
    """A pool at the end of `as_of`. `percent` is None where nothing is allocated.

    `peak_day` is the day that decided a level (a maximum, minimum or last one), else None.
    """

    pool: Key
    as_of: date
    allocated: Decimal
    used: Decimal
    raw_used: Decimal
    remaining: Decimal
    percent: Decimal | None
    available: Decimal
    lapsed: Decimal
    pending: Decimal
    overdrawn: Decimal
    peak_day: date | None
    observed_days: int
    estimated_days: int
    elapsed_days: int
    draws: tuple[Draw, ...]

    def drawn(self, line: Key) -> Decimal:
        """What the line paid."""
        return sum((one.quantity for one in self.draws if one.line == line), ZERO)


def figures(
    pool: Pool,
    paying: Paying,
    charges: Sequence[Charge],
    adjustments: Sequence[Adjustment],
    readings: Readings,
    as_of: date,
) -> Figures:
    """The figures of `pool` from its own charges and adjustments; those after `as_of` are left out."""
    period = paying.periods[pool.period]
    function = paying.function[pool.resource_pool]
    counted = [one for one in charges if one.day <= as_of]
    posted = [one for one in adjustments if one.day <= as_of]
    lines = [DatedLine(line, paying.window(line)) for line in paying.lines[pool.key]]
    peak: date | None = None
    if function == "sum":
        by_day: dict[date, Decimal] = defaultdict(lambda: ZERO)
        for one in counted:
            by_day[one.day] += one.quantity
        used = sum(by_day.values(), ZERO) + sum((one.quantity for one in posted), ZERO)
        raw = sum((one.raw for one in counted), ZERO)
        entries = [Entry(day, quantity) for day, quantity in by_day.items()]
        entries += [Entry(one.day, one.quantity, one.key) for one in posted]
        observed, estimated = len(by_day), 0
    else:
        days = day_totals(counted, readings, min(as_of, period.end - timedelta(days=1)))
        found = level(function, days)
        used, raw, peak = found.quantity, found.raw, found.day
        entries = [Entry(found.drawn_on, used)] if found.drawn_on else []
        observed, estimated = len(days), sum(1 for one in days if one.estimated)
    draws = draw(lines, entries)
    by_line: dict[Key | None, Decimal] = defaultdict(lambda: ZERO)
    for drawn in draws:
        by_line[drawn.line] += drawn.quantity
    allocated, available, lapsed, pending = ZERO, ZERO, ZERO, ZERO
    for dated in lines:
        allocated += dated.line.quantity
        undrawn = dated.line.quantity - by_line[dated.line.key]
        if dated.window.ends <= as_of:
            lapsed += undrawn
        elif dated.window.begins > as_of:
            pending += undrawn
        else:
            available += undrawn
    until = min(as_of + timedelta(days=1), period.end)
    return Figures(
        pool=pool.key,
        as_of=as_of,
        allocated=allocated,
        used=used,
        raw_used=raw,
        remaining=allocated - used,
        percent=percent(used, allocated),
        available=available,
        lapsed=lapsed,
        pending=pending,
        overdrawn=by_line[None],
        peak_day=peak,
        observed_days=observed,
        estimated_days=estimated,
        elapsed_days=max(0, (until - period.start).days),
        draws=tuple(draws),
    )


def unfunded(
    paying: Paying, charges: Sequence[Charge], readings: Readings, as_of: date
) -> dict[tuple[Key, Key], Decimal]:
    """What nobody paid for, by allocated project and resource pool. Nothing unfunded is no entry.

    Where use adds up it is the sum; of a level it is the pool's function over the days, period by period
    the largest.
    """
    by_place: dict[tuple[Key, Key], dict[Key | None, list[Charge]]] = defaultdict(lambda: defaultdict(list))
    for one in charges:
        if one.pool is None and one.day <= as_of:
            resource_pool = paying.resource_pool_of[one.resource]
            period = paying.period(resource_pool, one.day)
            by_place[one.allocated_project, resource_pool][period.key if period else None].append(one)
    found: dict[tuple[Key, Key], Decimal] = {}
    for (project, resource_pool), periods in by_place.items():
        function = paying.function[resource_pool]
        if function == "sum":
            quantity = sum((one.quantity for several in periods.values() for one in several), ZERO)
        else:
            quantity = max(
                level(function, day_totals(several, readings, as_of)).quantity for several in periods.values()
            )
        if quantity:
            found[project, resource_pool] = quantity
    return found
