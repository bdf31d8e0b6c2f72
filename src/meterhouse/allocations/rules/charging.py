"""What is charged to whom? Raw use becomes charges: scaled once, sent up the tree, held by caps.

Rules R1, R3 and R6 of the ledger. The day of use decides, never the order of arrival.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from meterhouse.allocations.rules.levels import carried
from meterhouse.allocations.rules.paying import Paying, Way
from meterhouse.allocations.rules.quantities import ZERO, divided, rounded, scaled
from meterhouse.allocations.rules.world import Charge, Key, Use


def charge(uses: Iterable[Use], paying: Paying) -> list[Charge]:
    """The charges of all `uses`, in the order of their days.

    The quantities of one use's charges add up to its raw quantity times the factor of the day.
    """
    counted: list[Use] = []
    by_level: dict[tuple[Key, Key | None], list[Use]] = defaultdict(list)
    for use in uses:
        resource_pool = paying.resource_pool_of[use.resource]
        if paying.function[resource_pool] == "sum":
            counted.append(use)
            continue
        period = paying.period(resource_pool, use.day)
        by_level[resource_pool, period.key if period else None].append(use)
    for several in by_level.values():
        counted.extend(carried(several))
    counted.sort(key=lambda use: (use.day, use.order, str(use.key)))
    caps = _Caps(paying)
    charges: list[Charge] = []
    for use in counted:
        resource_pool = paying.resource_pool_of[use.resource]
        factor = paying.factor(use.resource, use.day)
        quantity = scaled(use.raw, factor)
        way = paying.way(use.project, resource_pool, use.day)
        passing, tightest = caps.pass_on(way, resource_pool, use.day, quantity)
        if tightest is None:
            charges.append(_charged(use, way.allocated, way.pool, use.raw, factor, quantity))
            continue
        raw = rounded(min(use.raw, divided(passing, factor))) if factor else use.raw
        if passing:
            charges.append(_charged(use, way.allocated, way.pool, raw, factor, passing))
        charges.append(_charged(use, tightest, None, use.raw - raw, factor, quantity - passing))
    return charges


def _charged(
    use: Use, project: Key, pool: Key | None, raw: Decimal, factor: Decimal, quantity: Decimal
) -> Charge:
    return Charge(
        use.key, use.day, use.resource, use.project, project, pool, raw, factor, quantity, use.estimated
    )


class _Caps:
    """How much has passed each capped project: by period where use adds up, by day where it is a level."""

    def __init__(self, paying: Paying) -> None:
        self._paying = paying
        self._caps = {(cap.project, cap.resource_pool): cap.quantity for cap in paying.world.caps}
        self._passed: dict[tuple[Key, Key, object], Decimal] = defaultdict(lambda: ZERO)

    def pass_on(
        self, way: Way, resource_pool: Key, day: date, quantity: Decimal
    ) -> tuple[Decimal, Key | None]:
        """How much passes all caps below the allocated project, and the tightest one if not all does."""
        if not self._caps or len(way.projects) == 1:
            return quantity, None
        span: object = day
        if self._paying.function[resource_pool] == "sum":
            period = self._paying.period(resource_pool, day)
            span = period.key if period else None
        rooms: list[tuple[Decimal, Key]] = []
        for project in way.projects[:-1]:
            cap = self._caps.get((project, resource_pool))
            if cap is not None and self._paying.policy(project, day).mode == "capped":
                rooms.append((max(ZERO, cap - self._passed[project, resource_pool, span]), project))
        if not rooms:
            return quantity, None
        # Of two equally tight caps the lower one, nearer to the use, is named.
        room, tightest = min(rooms, key=lambda one: one[0])
        passing = min(room, quantity)
        for _, project in rooms:
            self._passed[project, resource_pool, span] += passing
        return passing, (tightest if passing < quantity else None)
