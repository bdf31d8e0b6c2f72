"""How are the charges and draws of open periods worked out anew? The same usage gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connections

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.deciding import Decision, decide
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.fields import QuantityField
from meterhouse.allocations.rules.figures import figures
from meterhouse.allocations.rules.quantities import ZERO, shown
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
        replace_rows(alias, ledger.UsageCharge, CHARGE_COLUMNS, charges, _OPEN_CHARGES)
        replace_rows(alias, ledger.AllocationDraw, DRAW_COLUMNS, draws, _OPEN_DRAWS)
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


def replace_rows(
    alias: str, model: type[Any], columns: Sequence[str], rows: list[tuple[Any, ...]], which: str
) -> None:
    """Make `rows` all that the table has where `which` holds. Rows that are there already stay as they are.

    Works with the database's own values, many at once, inside the transaction under way: a rebuild after
    one more day writes that day, not the quarter.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table = quote(model._meta.db_table)
    names = ", ".join(quote(fields[name].column) for name in columns)
    wanted = dict.fromkeys(_as_stored(rows, [fields[name] for name in columns], connection.vendor))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {names} FROM {table} WHERE {which}")
        stale = []
        for id_, *values in cursor:
            if wanted.pop(tuple(values), _ABSENT) is _ABSENT:
                stale.append((id_,))
        if stale:
            cursor.executemany(f"DELETE FROM {table} WHERE id = %s", stale)
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in wanted:
                    copy.write_row(row)
        elif wanted:
            marks = ", ".join("%s" for _ in columns)
            days = [[one.isoformat() if isinstance(one, date) else one for one in row] for row in wanted]
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", days)


_ABSENT = object()
_OPEN_CHARGES = """NOT EXISTS (
    SELECT 1 FROM allocations_allocationperiod AS d WHERE d.id = period_id AND d.status = 'closed'
)"""
_OPEN_DRAWS = """NOT EXISTS (
    SELECT 1 FROM allocations_allocationpool AS p
    JOIN allocations_allocationperiod AS d ON d.id = p.period_id
    WHERE p.id = pool_id AND d.status = 'closed'
)"""


def _as_stored(rows: list[tuple[Any, ...]], kinds: list[Any], vendor: str) -> Iterator[tuple[Any, ...]]:
    """The rows as the database gives them back: SQLite keeps exact quantities as text."""
    if vendor == "postgresql":
        yield from rows
        return
    quantities = [place for place, kind in enumerate(kinds) if isinstance(kind, QuantityField)]
    texts: dict[Decimal | None, str | None] = {None: None}
    for row in rows:
        stored = list(row)
        for place in quantities:
            value = stored[place]
            if value not in texts:
                texts[value] = shown(value)
            stored[place] = texts[value]
        yield tuple(stored)
