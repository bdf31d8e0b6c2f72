"""How do rows of the register become the records that the rules decide on?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.world import (
    Cap,
    Charge,
    Grant,
    Line,
    Parent,
    Period,
    Policy,
    Pool,
    Rate,
    Resource,
    ResourcePool,
    World,
    order_of,
)
from meterhouse.directory.known import known_rows
from meterhouse.directory.register import models as directory
from meterhouse.directory.register.recorded import Recorded
from meterhouse.register.transactions import asked


def read_world(alias: str, known: datetime | None = None) -> World:
    """Everything that is set up, by row ids; as known at `known`, now when None.

    The whole centre is no project of the ledger: what stands right below it stands at the top.
    """

    def rows(model: type[Recorded], *columns: str) -> list[tuple[Any, ...]]:
        return known_rows(alias, model, columns, known)

    root = {id_ for id_, is_root in rows(directory.Project, "id", "is_root") if is_root}
    parents = rows(directory.ProjectParent, "project_id", "parent_id", "valid_from", "valid_until")
    columns = ("project_id", "mode", "shares_with_children", "valid_from", "valid_until")
    pools = rows(ledger.AllocationPool, "id", "project_id", "period_id", "resource_pool_id")
    return World(
        parents=tuple(Parent(*row) for row in parents if row[1] not in root),
        policies=tuple(Policy(*row) for row in rows(ledger.AllocationPolicy, *columns)),
        caps=tuple(
            Cap(*row) for row in rows(ledger.ProjectCap, "project_id", "resource_pool_id", "quantity")
        ),
        resource_pools=tuple(
            ResourcePool(*row) for row in rows(ledger.ResourcePool, "id", "function", "calendar_id")
        ),
        resources=tuple(
            Resource(*row)
            for row in rows(ledger.Resource, "id", "machine_id", "resource_pool_id", "quantity")
        ),
        rates=tuple(
            Rate(*row)
            for row in rows(ledger.ResourceRate, "resource_id", "factor", "valid_from", "valid_until")
        ),
        periods=tuple(
            Period(id_, start, end, calendar, status == "closed")
            for id_, start, end, calendar, status in rows(
                ledger.AllocationPeriod, "id", "start", "end", "calendar_id", "status"
            )
        ),
        grants=tuple(
            Grant(*row) for row in rows(ledger.Grant, "id", "project_id", "scheme_id", "begins", "ends")
        ),
        pools=tuple(Pool(*row) for row in pools),
        lines=tuple(_lines(alias, known)),
        schemes=dict(rows(ledger.Scheme, "id", "name")),
    )


def _lines(alias: str, known: datetime | None) -> Iterator[Line]:
    """Lines that stand: neither voided nor voiding, and posted by the day that is asked about."""
    columns = ("id", "pool_id", "grant_id", "quantity", "priority", "code", "void_of_id", "posted_at")
    found = known_rows(alias, ledger.Allocation, columns, known)
    if known is not None:
        found = [row for row in found if row[7] is None or row[7] <= known.date()]
    voided = {row[6] for row in found if row[6] is not None}
    for id_, pool, grant, quantity, priority, code, void_of, _ in found:
        if void_of is None and id_ not in voided:
            yield Line(id_, pool, grant, quantity, priority, order_of(code) if code else (2, id_, ""))


_CHARGE = (
    "posted_id",
    "day",
    "resource_id",
    "submitted_project_id",
    "allocated_project_id",
    "pool_id",
    "raw",
    "factor",
    "quantity",
    "estimated",
)


def read_charges(alias: str, **kept: Any) -> list[Charge]:
    """The charges that are kept, of days in order; `kept` are conditions as Django's filter takes them."""
    rows = ledger.UsageCharge.objects.using(alias).filter(**kept).order_by("day", "id")
    return asked(alias, lambda: [Charge(row[0] or 0, *row[1:]) for row in rows.values_list(*_CHARGE)])


def read_reading_days(alias: str, resource_pools: Iterable[int]) -> set[tuple[int, date]]:
    """The resources of these resource pools and the days on which they were really read."""
    rows = (
        ledger.UsageCharge.objects.using(alias)
        .filter(estimated=False, resource__resource_pool__in=list(resource_pools))
        .values_list("resource_id", "day")
        .distinct()
    )
    return asked(alias, lambda: set(rows))
