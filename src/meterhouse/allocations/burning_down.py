"""When will a pool be used up? What was left at the end of each day, and when nothing will be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from meterhouse.allocations.rules.figures import Figures
from meterhouse.allocations.rules.quantities import ZERO, divided
from meterhouse.allocations.rules.world import Period

# The pace is that of so many days: recent enough to tell how it goes now, long enough for weekends.
PACE_DAYS = 28
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A pool whose use adds up, until the end of `as_of`; `left` has a value for each day of its period.

    `per_day` is the mean use of the last `pace_days` days. `exhausted_on` is the first day at whose end
    nothing is left: one that has been, or the one to come at this pace if that is within the period.
    """

    start: date
    end: date
    as_of: date
    allocated: Decimal
    left: tuple[tuple[date, Decimal], ...]
    per_day: Decimal
    pace_days: int
    exhausted_on: date | None
    left_at_end: Decimal

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left already."""
        return self.exhausted_on is not None and self.exhausted_on <= self.as_of


def burn_down(found: Figures, period: Period) -> BurnDown | None:
    """How the pool of these figures goes down; None before its period, and where nothing was allocated."""
    last = min(found.as_of, period.end - _DAY)
    if last < period.start or not found.allocated:
        return None
    used: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for draw in found.draws:
        # What was corrected before its period began counts from its first day.
        used[max(draw.day, period.start)] += draw.quantity
    left, rest = [], found.allocated
    for number in range((last - period.start).days + 1):
        day = period.start + number * _DAY
        rest -= used[day]
        left.append((day, rest))
    pace_days = min(PACE_DAYS, len(left))
    recent = sum((used[last - number * _DAY] for number in range(pace_days)), ZERO)
    per_day = divided(max(recent, ZERO), pace_days)
    days_left = (period.end - _DAY - last).days
    gone = next((day for day, amount in left if amount <= 0), None) if rest <= 0 else None
    if gone is None and per_day:
        needed = (rest / per_day).to_integral_value(ROUND_CEILING)  # the last day may be used in part
        gone = last + int(needed) * _DAY if needed <= days_left else None
    return BurnDown(
        period.start,
        period.end,
        last,
        found.allocated,
        tuple(left),
        per_day,
        pace_days,
        gone,
        rest - per_day * days_left,
    )
