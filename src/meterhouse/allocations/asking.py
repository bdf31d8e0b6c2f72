"""What does the ledger say? Figures of pools, what nobody paid for, capacity, at the end of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.deciding import read_adjustments
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.reading import read_charges, read_reading_days, read_world
from meterhouse.allocations.rules.figures import Figures, figures, unfunded
from meterhouse.allocations.rules.levels import Readings
from meterhouse.allocations.rules.paying import Paying
from meterhouse.allocations.rules.quantities import ZERO, scaled
from meterhouse.allocations.rules.world import Charge, Key
from meterhouse.register.transactions import asked


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool with the names that people read."""

    id: int
    code: str
    name: str
    project_id: int
    project: str
    period: str
    resource_pool: str
    units: str
    function: str
    status: str

    @property
    def called(self) -> str:
        return self.name or self.code or f"{self.project} {self.resource_pool} {self.period}"


class Ledger:
    """The kept charges and everything that is set up; as known at `known` where that is asked."""

    def __init__(self, alias: str, known: datetime | None = None) -> None:
        self.alias = alias
        self.known = known

    @cached_property
    def paying(self) -> Paying:
        return Paying(read_world(self.alias, self.known))

    def pools(self, project: str | None = None, period: str | None = None) -> list[PoolRow]:
        """Pools of a project and period, or all: by project, resource pool and the period's start."""
        rows = ledger.AllocationPool.objects.using(self.alias)
        if project is not None:
            rows = rows.filter(project__code=project)
        if period is not None:
            rows = rows.filter(period__name=period)
        ordered = rows.order_by("project__code", "resource_pool__name", "period__start", "id").values_list(
            *("id", "code", "name", "project_id", "project__code", "period__name", "resource_pool__name"),
            *("resource_pool__units", "resource_pool__function", "period__status"),
        )
        return [PoolRow(*row) for row in asked(self.alias, lambda: list(ordered))]

    def figures(self, pools: Iterable[int], as_of: date) -> dict[Key, Figures]:
        """The figures of these pools at the end of that day."""
        wanted = set(pools)
        several = len(wanted) > 50
        kept = {"pool__isnull": False} if several else {"pool__in": list(wanted)}
        by_pool: dict[Key, list[Charge]] = defaultdict(list)
        for charge in read_charges(self.alias, day__lte=as_of, **kept):
            if charge.pool in wanted:
                by_pool[charge.pool].append(charge)
        adjustments = read_adjustments(self.alias, as_of)
        return {
            key: figures(
                self.paying.pools[key],
                self.paying,
                by_pool.get(key, []),
                adjustments.get(key, []),
                self.readings,
                as_of,
            )
            for key in sorted(wanted)
        }

    @cached_property
    def readings(self) -> Readings:
        """When each resource of a level was really read."""
        levels = [int(key) for key, function in self.paying.function.items() if function != "sum"]
        return Readings(read_reading_days(self.alias, levels) if levels else ())

    def unfunded(self, as_of: date) -> dict[tuple[Key, Key], Decimal]:
        """What nobody paid for, by allocated project and resource pool."""
        charges = read_charges(self.alias, pool__isnull=True, day__lte=as_of)
        return unfunded(self.paying, charges, self.readings, as_of)

    def by_scheme(self, found: Iterable[Figures]) -> dict[str, Decimal]:
        """What was drawn of each scheme's grants, over these pools."""
        scheme_of = {
            line.key: self.paying.world.schemes[self.paying.grants[line.grant].scheme]
            for lines in self.paying.lines.values()
            for line in lines
        }
        drawn: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for one in found:
            for draw in one.draws:
                if draw.line is not None:
                    drawn[scheme_of[draw.line]] += draw.quantity
        return {scheme: quantity for scheme, quantity in sorted(drawn.items()) if quantity}

    def capacity(self, as_of: date) -> dict[Key, Decimal]:
        """By resource pool: how much there is, quantity times factor, where quantities were said."""
        found: dict[Key, Decimal] = defaultdict(lambda: ZERO)
        for resource in self.paying.world.resources:
            if resource.quantity is not None:
                found[resource.resource_pool] += scaled(
                    resource.quantity, self.paying.factor(resource.key, as_of)
                )
        return dict(found)


def by_submitted(charges: Sequence[Charge]) -> dict[Key, Decimal]:
    """Charged quantities by the project that used them."""
    found: dict[Key, Decimal] = defaultdict(lambda: ZERO)
    for charge in charges:
        found[charge.submitted_project] += charge.quantity
    return dict(found)
