"""How is a correction posted? Into an open period, with a link to what it corrects; what stands is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.file.entries import Adjustment
from meterhouse.allocations.file.reading import Refused
from meterhouse.allocations.loading.names import Names, UnknownName
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.quantities import shown
from meterhouse.allocations.rules.world import Charge

KEPT = (
    *("kind", "day", "pool_id", "quantity", "posted_id", "voided_id", "reason", "author", "approved_by"),
    *("void_resource_id", "void_day", "void_project_id"),
)


@dataclass(slots=True)
class Adjusted:
    """What became of the adjustments of a file: by id."""

    booked: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class _Refuse(Exception):
    """Why this adjustment can't be posted."""


def post_adjustments(
    alias: str, adjustments: Iterable[Adjustment], charges: Sequence[Charge], names: Names
) -> Adjusted:
    """Post adjustments; `charges` tell which pool paid for a usage that one refers to."""
    paid: dict[int, int] = {}
    for charge in charges:
        if charge.pool is not None:
            paid.setdefault(int(charge.use), int(charge.pool))
    adjusted = Adjusted()
    for one in adjustments:
        try:
            values = _values(alias, one, paid, names)
        except (_Refuse, UnknownName) as why:
            adjusted.refused.append(Refused(one.id, str(why)))
            continue
        kept = ledger.UsageAdjustment.objects.using(alias).filter(code=one.id).first()
        if kept is None:
            ledger.UsageAdjustment(code=one.id, **values).save(using=alias, force_insert=True)
            adjusted.booked.append(one.id)
        elif all(getattr(kept, name) == values.get(name, getattr(kept, name)) for name in KEPT):
            adjusted.same.append(one.id)
        else:
            why_not = "expected what was posted under this id; a posted adjustment never changes"
            adjusted.refused.append(Refused(one.id, why_not))
    return adjusted


def _values(alias: str, one: Adjustment, paid: Mapping[int, int], names: Names) -> dict[str, Any]:
    values: dict[str, Any] = {
        "kind": one.kind,
        "day": one.day,
        "reason": one.reason,
        "author": one.author,
        "approved_by": one.approved_by,
        "pool_id": None,
        "quantity": None,
        "posted_id": None,
        "voided_id": None,
        "void_resource_id": None,
        "void_day": None,
        "void_project_id": None,
    }
    measured = _measured(one, names)
    if measured:
        return values | measured
    refers_to = one.usage or one.refers_to
    usage = ledger.PostedUsage.objects.using(alias).filter(code=refers_to).order_by("day", "id").first()
    if one.kind == "void":
        if one.quantity is not None:
            raise _Refuse("a void takes all of it back: expected no quantity")
        if usage is not None:
            return {**values, "posted_id": usage.pk}
        other = ledger.UsageAdjustment.objects.using(alias).filter(code=refers_to or None).first()
        if other is None or other.kind == "void":
            raise _Refuse(f"expected a known usage, refund or charge to void, found {refers_to!r}")
        return {**values, "voided_id": other.pk}
    if refers_to is not None and usage is None:
        raise _Refuse(f"expected a known usage, found {refers_to!r}")
    if one.quantity is None or (one.quantity >= 0) == (one.kind == "refund") or one.quantity == 0:
        expected = "less than 0" if one.kind == "refund" else "more than 0"
        raise _Refuse(f"quantity: expected {expected}, found {shown(one.quantity)}")
    pool = _pool(alias, one, usage, paid, names)
    if pool.resource_pool.function != "sum":
        raise _Refuse(f"expected a void: the {pool.resource_pool.function} of a level has no {one.kind}")
    if pool.period.status == "closed":
        raise _Refuse(f"expected a pool of an open period, found {pool.period.name}, which is closed")
    return {
        **values,
        "pool_id": pool.pk,
        "quantity": one.quantity,
        "posted_id": usage.pk if usage is not None else None,
    }


def _measured(one: Adjustment, names: Names) -> dict[str, Any]:
    """What the warehouse says of a resource on a day, which is void; nothing when another thing is meant."""
    if one.resource is None and one.used_on is None and one.project is None:
        return {}
    if one.kind != "void":
        raise _Refuse(f"resource, used_on, project: expected with a void, found with a {one.kind}")
    if one.resource is None or one.used_on is None:
        raise _Refuse("a void of what was measured: expected resource and used_on")
    if one.usage or one.refers_to or one.pool or one.quantity is not None:
        raise _Refuse("a void of what was measured: expected no usage, pool or quantity")
    return {
        "void_resource_id": names.resource(one.resource).pk,
        "void_day": one.used_on,
        "void_project_id": names.project(one.project).pk if one.project else None,
    }


def _pool(
    alias: str,
    one: Adjustment,
    usage: ledger.PostedUsage | None,
    paid: Mapping[int, int],
    names: Names,
) -> ledger.AllocationPool:
    """The pool that is named; else the one that paid, or where its period is closed the one that runs now."""
    if one.pool is not None:
        return names.pool(one.pool)
    if usage is None:
        raise _Refuse("expected a pool or a usage")
    # Of a usage cut into days any day tells.
    slices = ledger.PostedUsage.objects.using(alias).filter(code=usage.code).order_by("day", "id")
    pool_id = next((paid[row] for row in slices.values_list("id", flat=True) if row in paid), None)
    if pool_id is None:
        raise _Refuse(f"usage {usage.code}: expected a pool that paid for it, found none")
    pool = (
        ledger.AllocationPool.objects.using(alias).select_related("period", "resource_pool").get(id=pool_id)
    )
    if pool.period.status != "closed":
        return pool
    running = (
        ledger.AllocationPool.objects.using(alias)
        .filter(project=pool.project_id, resource_pool=pool.resource_pool_id, period__status="open")
        .filter(period__start__lte=one.day, period__end__gt=one.day)
        .first()
    )
    if running is None:
        raise _Refuse(f"expected a pool of an open period on {one.day}, found none")
    return running
