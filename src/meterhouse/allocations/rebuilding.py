"""How are the charges and draws of open periods worked out anew? The same usage gives the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connections

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.deciding import Decision, decide
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.fields import QuantityField
from meterhouse.allocations.rules.figures import figures
from meterhouse.allocations.rules.quantities import ZERO
from meterhouse.allocations.rules.world import Charge, Use
from meterhouse.register.transactions import committed

CHARGE_COLUMNS = (
    "period_id",
    "day",
    "resource_id",
    "submitted_project_id",
    "allocated_project_id",
    "pool_id",
    "posted_id",
    "raw",
    "factor",
    "quantity",
    "estimated",
)
DRAW_COLUMNS = ("pool_id", "day", "allocation_id", "adjustment_id", "quantity")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows there are now."""

    charges: int
    draws: int
    decision: Decision


def rebuild(
    alias: str,
    measured: Sequence[Use] = (),
    *,
    until: date | None = None,
    known: datetime | None = None,
) -> Rebuilt:
    """Replace the charges and draws of all open periods, and of days without a period, in one transaction.

    `measured` must hold what the warehouse says of those days. Closed periods stay as they are.
    """

    def work() -> Rebuilt:
        decision = decide(alias, measured, until=until, known=known)
        charges = _charge_rows(decision)
        draws = _draw_rows(decision, until)
        kept = ledger.UsageCharge.objects.using(alias).exclude(period__status="closed")
        kept._raw_delete(alias)
        ledger.AllocationDraw.objects.using(alias).exclude(pool__period__status="closed")._raw_delete(alias)
        insert_rows(alias, ledger.UsageCharge, CHARGE_COLUMNS, charges)
        insert_rows(alias, ledger.AllocationDraw, DRAW_COLUMNS, draws)
        return Rebuilt(len(charges), len(draws), decision)

    return committed(alias, work)


def _charge_rows(decision: Decision) -> list[tuple[Any, ...]]:
    """Rows of open periods. What became several charges of one place and day is one row."""
    paying = decision.paying
    closed = {period.key for period in paying.world.periods if period.closed}
    rows: dict[tuple[Any, ...], list[Any]] = {}
    for one in decision.charges:
        period = paying.period(paying.resource_pool_of[one.resource], one.day)
        if period is not None and period.key in closed:
            continue
        at = (
            period.key if period else None,
            one.day,
            one.resource,
            one.submitted_project,
            one.allocated_project,
            one.pool,
            one.use or None,
        )
        same = rows.get(at)
        if same is None:
            rows[at] = [one.raw, one.factor, one.quantity, one.estimated]
        else:
            same[0] += one.raw
            same[2] += one.quantity
    return [(*at, *values) for at, values in rows.items()]


def _draw_rows(decision: Decision, until: date | None) -> list[tuple[Any, ...]]:
    paying = decision.paying
    by_pool = decision.by_pool()
    rows: dict[tuple[Any, ...], Any] = {}
    for pool in paying.world.pools:
        period = paying.periods[pool.period]
        if period.closed:
            continue
        charges: list[Charge] = by_pool.get(pool.key, [])
        adjustments = decision.adjustments.get(pool.key, [])
        if not charges and not adjustments:
            continue
        last = until or max([period.end - timedelta(days=1), *(one.day for one in adjustments)])
        found = figures(pool, paying, charges, adjustments, decision.readings, last)
        for draw in found.draws:
            at = (pool.key, draw.day, draw.line, draw.adjustment)
            rows[at] = rows.get(at, ZERO) + draw.quantity
    return [(*at, quantity) for at, quantity in rows.items() if quantity]


def insert_rows(
    alias: str, model: type[Any], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Enter many rows at once, as the database takes them fastest, inside the transaction under way."""
    connection = connections[alias]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(fields[name].column) for name in columns)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    # SQLite knows no dates and no exact decimals: both are text there.
    kinds = [fields[name] for name in columns]
    texts = [isinstance(kind, QuantityField) for kind in kinds]
    days = [kind.get_internal_type() == "DateField" for kind in kinds]

    def stored() -> Iterable[tuple[Any, ...]]:
        from meterhouse.allocations.rules.quantities import shown

        for row in rows:
            yield tuple(
                shown(value) if text else value.isoformat() if day and value is not None else value
                for value, text, day in zip(row, texts, days, strict=True)
            )

    marks = ", ".join("%s" for _ in columns)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(stored()))
