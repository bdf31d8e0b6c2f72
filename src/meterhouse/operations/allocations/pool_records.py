"""What do people read of the ledger? Rows with the names and exact figures of pools and statements."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date
from typing import Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.asking import Ledger, PoolRow
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.figures import Figures
from meterhouse.allocations.rules.quantities import shown
from meterhouse.directory.register.models import Project
from meterhouse.errors import QuestionError
from meterhouse.register.transactions import asked

QUANTITIES = (
    "allocated",
    "used",
    "raw_used",
    "remaining",
    "percent",
    "available",
    "lapsed",
    "pending",
    "overdrawn",
)
COUNTS = ("peak_day", "observed_days", "estimated_days", "elapsed_days")


def pool_records(
    alias: str,
    day: date,
    *,
    period: str | None = None,
    over: bool,
    project: str | None = None,
    codes: Container[str] | None = None,
) -> list[dict[str, Any]]:
    """Every pool of a period, or of all; those of periods that were over before `day` only with `over`.

    `project` keeps those of one project, `codes` those of some.
    """
    book = Ledger(alias)
    if period is not None:
        _require_period(alias, period)
    pools = [
        pool
        for pool in book.pools(project=project, period=period)
        if (codes is None or pool.project in codes) and (over or not _is_over(book, pool, day))
    ]
    found = book.figures([pool.id for pool in pools], day)
    return [_record(pool, found[pool.id]) for pool in pools]


def project_records(alias: str, project: int, code: str, day: date, *, over: bool) -> list[dict[str, Any]]:
    """A project's own pools, then those above that pay for it on `day`; `pays` says which is which."""
    book = Ledger(alias)
    own = [pool for pool in book.pools(project=code) if over or not _is_over(book, pool, day)]
    shown_already = {pool.id for pool in own}
    above = set()
    for resource_pool in book.paying.function:
        way = book.paying.way(project, resource_pool, day)
        if way.pool is not None and way.pool not in shown_already:
            above.add(way.pool)
    others = [pool for pool in book.pools() if pool.id in above] if above else []
    found = book.figures([pool.id for pool in (*own, *others)], day)
    records = [{**_record(pool, found[pool.id]), "pays": "own"} for pool in own]
    return records + [{**_record(pool, found[pool.id]), "pays": f"for {code}"} for pool in others]


def statement_records(alias: str, period: str, project: str | None) -> list[dict[str, Any]]:
    """The frozen statements of a closed period."""
    if _require_period(alias, period).status != "closed":
        raise QuestionError(f"period {period}: expected a closed one, found it open")
    rows = ledger.PoolStatement.objects.using(alias).filter(pool__period__name=period)
    if project is not None:
        rows = rows.filter(pool__project__code=project)
    rows = rows.select_related("pool__project", "pool__resource_pool")
    ordered = rows.order_by("pool__project__code", "pool__resource_pool__name", "pool_id")
    records = []
    for statement in asked(alias, lambda: list(ordered)):
        names = ("allocated", "used", "raw_used", "remaining", "percent", "overdrawn", "lapsed")
        records.append(
            {
                "project": statement.pool.project.code,
                "pool": statement.pool.name or statement.pool.code,
                "resource_pool": statement.pool.resource_pool.name,
                "units": statement.pool.resource_pool.units,
                **{name: shown(getattr(statement, name)) for name in names},
                "closed_at": statement.closed_at,
                "closed_by": statement.closed_by,
                "hash": statement.hash,
                **{name: statement.body[name] for name in ("draws", "submitted_projects", "peak_day")},
            }
        )
    return records


def unfunded_records(alias: str, day: date) -> list[dict[str, Any]]:
    """What nobody pays for."""
    book = Ledger(alias)
    found = book.unfunded(day)
    projects = _codes(alias, {int(project) for project, _ in found})
    pools = {
        one.pk: one for one in asked(alias, lambda: list(ledger.ResourcePool.objects.using(alias).all()))
    }
    records = [
        {
            "project": projects[int(project)],
            "resource_pool": pools[int(pool)].name,
            "units": pools[int(pool)].units,
            "quantity": shown(quantity),
        }
        for (project, pool), quantity in found.items()
    ]
    return sorted(records, key=lambda one: (str(one["project"]), str(one["resource_pool"])))


def _codes(alias: str, projects: Iterable[int]) -> dict[int, str]:
    rows = Project.objects.using(alias).filter(id__in=list(projects)).values_list("id", "code")
    return dict(asked(alias, lambda: list(rows)))


def _require_period(alias: str, name: str) -> ledger.AllocationPeriod:
    found = asked(alias, ledger.AllocationPeriod.objects.using(alias).filter(name=name).first)
    if found is None:
        raise QuestionError(f"period: expected a known one, found {name!r}")
    return found


def _is_over(book: Ledger, pool: PoolRow, day: date) -> bool:
    return book.paying.periods[book.paying.pools[pool.id].period].end <= day


def _record(pool: PoolRow, figures: Figures) -> dict[str, Any]:
    return {
        "project": pool.project,
        "pool": pool.name or pool.code,
        "period": pool.period,
        "resource_pool": pool.resource_pool,
        "units": pool.units,
        "function": pool.function,
        "status": pool.status,
        **{name: shown(getattr(figures, name)) for name in QUANTITIES},
        **{name: getattr(figures, name) for name in COUNTS},
    }
