"""What does the ledger decide about all usage? Uses of the register and the warehouse become charges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.reading import read_world
from meterhouse.allocations.rules.charging import charge
from meterhouse.allocations.rules.levels import Readings
from meterhouse.allocations.rules.paying import Paying
from meterhouse.allocations.rules.world import Adjustment, Charge, Key, Use, order_of
from meterhouse.register.transactions import asked


@dataclass(frozen=True, slots=True)
class Decision:
    """Charges of all uses, and the adjustments that stand, by pool."""

    paying: Paying
    charges: list[Charge]
    adjustments: dict[Key, list[Adjustment]]
    readings: Readings

    def by_pool(self) -> dict[Key, list[Charge]]:
        """Charges that a pool paid, by pool."""
        found: dict[Key, list[Charge]] = defaultdict(list)
        for one in self.charges:
            if one.pool is not None:
                found[one.pool].append(one)
        return found


def decide(
    alias: str,
    measured: Sequence[Use] = (),
    *,
    until: date | None = None,
    known: datetime | None = None,
) -> Decision:
    """Decide from what the register has and what was `measured` (uses without posted rows).

    `until` is the last day that counts; `known` leaves out what became known later.
    """
    voids = read_voids(alias, until)
    uses = posted_uses(alias, voids, until, known)
    uses += [
        use
        for use in measured
        if (until is None or use.day <= until)
        and (use.resource, use.day, None) not in voids.days
        and (use.resource, use.day, use.project) not in voids.days
    ]
    paying = Paying(read_world(alias, known))
    charges = charge(uses, paying)
    return Decision(paying, charges, read_adjustments(alias, until), Readings.of_charges(charges))


@dataclass(frozen=True, slots=True)
class Voids:
    """What was taken back: posted usage by code, and what was measured by resource, day and project."""

    codes: frozenset[str]
    days: frozenset[tuple[int, date, int | None]]


def read_voids(alias: str, until: date | None) -> Voids:
    """Voids of usage posted until then."""
    rows = ledger.UsageAdjustment.objects.using(alias).filter(kind="void", voided__isnull=True)
    if until is not None:
        rows = rows.filter(day__lte=until)
    found: list[tuple[Any, ...]] = asked(
        alias,
        lambda: list(rows.values_list("posted__code", "void_resource_id", "void_day", "void_project_id")),
    )
    codes: set[str] = set()
    days: set[tuple[int, date, int | None]] = set()
    for code, resource, day, project in found:
        if resource is not None and day is not None:
            days.add((resource, day, project))
        else:
            codes.add(code)
    return Voids(frozenset(codes), frozenset(days))


def read_adjustments(alias: str, until: date | None = None) -> dict[Key, list[Adjustment]]:
    """Refunds and charges that stand, by pool."""
    rows = ledger.UsageAdjustment.objects.using(alias).exclude(kind="void")
    voids = ledger.UsageAdjustment.objects.using(alias).filter(kind="void", voided__isnull=False)
    if until is not None:
        rows, voids = rows.filter(day__lte=until), voids.filter(day__lte=until)
    voided = set(asked(alias, lambda: list(voids.values_list("voided_id", flat=True))))
    posted: list[tuple[Any, ...]] = asked(
        alias, lambda: list(rows.order_by("day", "id").values_list("id", "pool_id", "day", "quantity"))
    )
    found: dict[Key, list[Adjustment]] = defaultdict(list)
    for id_, pool, day, quantity in posted:
        if id_ not in voided:
            found[pool].append(Adjustment(id_, pool, day, quantity))
    return found


def posted_uses(alias: str, voids: Voids, until: date | None, known: datetime | None) -> list[Use]:
    """Usage by file that stands."""
    rows = ledger.PostedUsage.objects.using(alias).filter(is_void=False)
    if until is not None:
        rows = rows.filter(day__lte=until)
    columns = ("id", "day", "resource_id", "project_id", "raw", "account_id", "code", "recorded_on")
    uses = []
    for id_, day, resource, project, raw, account, code, recorded in asked(
        alias, lambda: list(rows.order_by("day", "id").values_list(*columns))
    ):
        if code in voids.codes or (known and recorded and recorded > known.date()):
            continue
        uses.append(Use(id_, day, resource, project, raw, account, order_of(code)))
    return uses


def measured_in_order(uses: Iterable[Use]) -> list[Use]:
    """Measured uses, each with its place: the same usage gives the same rows, however it arrives."""
    ordered = sorted(uses, key=lambda use: (use.day, use.resource, use.project))
    return [
        Use(0, use.day, use.resource, use.project, use.raw, None, (2, place, ""))
        for place, use in enumerate(ordered)
    ]
