"""What stands when a period is over? Its statements; what is learnt later becomes linked adjustments (R8)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.asking import Ledger, by_submitted
from meterhouse.allocations.deciding import decide
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.reading import read_charges
from meterhouse.allocations.rules.figures import Figures, figures
from meterhouse.allocations.rules.quantities import ZERO, shown
from meterhouse.allocations.rules.world import Key, Use
from meterhouse.directory.register.models import Project
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import committed


class PeriodNotClosable(MeterhouseError):
    """A period that doesn't exist, or is closed already."""


@dataclass(frozen=True, slots=True)
class LateChange:
    """What changed in a closed period after its end, and what was posted for it."""

    pool: str
    posted_to: str
    quantity: Decimal
    why_not: str = ""  # why nothing could be posted


def close_period(
    alias: str,
    name: str,
    measured: Sequence[Use] = (),
    *,
    who: str,
    when: datetime | None = None,
    until: date | None = None,
) -> list[ledger.PoolStatement]:
    """Work the period out a last time, freeze a statement a pool, and close it: all or nothing."""

    def work() -> list[ledger.PoolStatement]:
        period = ledger.AllocationPeriod.objects.using(alias).filter(name=name).first()
        if period is None:
            raise PeriodNotClosable(f"period: expected a known one, found {name!r}")
        if period.status == "closed":
            raise PeriodNotClosable(f"period {name}: expected an open one, found it closed")
        rebuild(alias, measured, until=until)
        book = Ledger(alias)
        pools = book.pools(period=name)
        last = period.end - timedelta(days=1)
        found = book.figures([pool.id for pool in pools], last)
        statements = []
        codes = dict(Project.objects.using(alias).values_list("id", "code"))
        names = _line_names(alias, [pool.id for pool in pools])
        for pool in pools:
            statement = _statement(pool.id, found[pool.id], _body(alias, found[pool.id], codes, names))
            statement.closed_at, statement.closed_by = when or datetime.now(UTC), who
            statement.save(using=alias, force_insert=True)
            statements.append(statement)
        period.status = "closed"
        period.save(using=alias)
        return statements

    return committed(alias, work)


def _line_names(alias: str, pools: Sequence[int]) -> dict[Key, tuple[str, str]]:
    rows = ledger.Allocation.objects.using(alias).filter(pool__in=pools)
    return {
        id_: (code or str(id_), scheme)
        for id_, code, scheme in rows.values_list("id", "code", "grant__scheme__name")
    }


def _body(
    alias: str, found: Figures, codes: dict[int, str], names: dict[Key, tuple[str, str]]
) -> dict[str, object]:
    charges = read_charges(alias, pool=found.pool)
    used = {codes[int(key)]: shown(value) for key, value in by_submitted(charges).items()}
    drawn: dict[Key, Decimal] = {}
    for draw in found.draws:
        if draw.line is not None:
            drawn[draw.line] = drawn.get(draw.line, ZERO) + draw.quantity
    draws = [
        {"allocation": names[line][0], "scheme": names[line][1], "drawn": shown(quantity)}
        for line, quantity in sorted(drawn.items())
    ]
    return {
        "draws": draws,
        "submitted_projects": dict(sorted(used.items())),
        "peak_day": found.peak_day.isoformat() if found.peak_day else None,
        "observed_days": found.observed_days,
        "estimated_days": found.estimated_days,
        "elapsed_days": found.elapsed_days,
    }


def _statement(pool: int, found: Figures, body: dict[str, object]) -> ledger.PoolStatement:
    values = {
        "allocated": found.allocated,
        "used": found.used,
        "raw_used": found.raw_used,
        "remaining": found.remaining,
        "percent": found.percent,
        "overdrawn": found.overdrawn,
        "lapsed": found.lapsed + found.available,  # on its last day a line still runs; then it is over
    }
    statement = ledger.PoolStatement(pool_id=pool, body=body, **values)
    statement.hash = statement_hash(statement)
    return statement


def statement_hash(statement: ledger.PoolStatement) -> str:
    """SHA-256 of what a statement says: whoever has the hash can tell whether it was touched."""
    names = ("allocated", "used", "raw_used", "remaining", "percent", "overdrawn", "lapsed")
    said = {name: shown(getattr(statement, name)) for name in names}
    text = json.dumps(
        {"pool": statement.pool_id, **said, "body": statement.body}, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def post_late_changes(
    alias: str, measured: Sequence[Use] = (), *, today: date, who: str, until: date | None = None
) -> list[LateChange]:
    """Compare closed periods with what is known of them by now; post what differs into the open period.

    A statement stands. Its pool's difference is posted as an adjustment of the same project's pool in
    the open period that runs today, or the next one; only what was not posted before. Levels can't be
    corrected by adding: their difference is only told.
    """

    def work() -> list[LateChange]:
        statements = list(ledger.PoolStatement.objects.using(alias).select_related("pool__resource_pool"))
        if not statements:
            return []
        decision = decide(alias, measured, until=until)
        by_pool = decision.by_pool()
        changes = []
        for statement in sorted(statements, key=lambda one: one.pool_id):
            pool = decision.paying.pools[statement.pool_id]
            last = decision.paying.periods[pool.period].end - timedelta(days=1)
            now = figures(
                pool,
                decision.paying,
                by_pool.get(pool.key, []),
                decision.adjustments.get(pool.key, []),
                decision.readings,
                last,
            )
            difference = now.used - statement.used - _posted_before(alias, statement.pool_id)
            if difference:
                changes.append(_post(alias, statement.pool, difference, today, who))
        return changes

    return committed(alias, work)


def _posted_before(alias: str, pool: int) -> Decimal:
    rows = ledger.UsageAdjustment.objects.using(alias).filter(of_pool=pool, voided_by__isnull=True)
    return sum((quantity for quantity in rows.values_list("quantity", flat=True) if quantity), ZERO)


def _post(
    alias: str, closed: ledger.AllocationPool, difference: Decimal, today: date, who: str
) -> LateChange:
    called = closed.code or str(closed)
    if closed.resource_pool.function != "sum":
        why_not = f"the {closed.resource_pool.function} of a level can't be corrected by adding"
        return LateChange(called, "", difference, why_not)
    target = (
        ledger.AllocationPool.objects.using(alias)
        .filter(project=closed.project_id, resource_pool=closed.resource_pool_id)
        .filter(period__status="open", period__end__gt=today)
        .order_by("period__start")
        .select_related("period")
        .first()
    )
    if target is None:
        return LateChange(called, "", difference, "the project has no pool in an open period")
    adjustment = ledger.UsageAdjustment(
        kind="refund" if difference < 0 else "charge",
        day=max(today, target.period.start),
        pool=target,
        of_pool=closed,
        quantity=difference,
        reason=f"Learnt after {called} was closed",
        author=who,
    )
    adjustment.save(using=alias, force_insert=True)
    return LateChange(called, target.code or str(target), difference)
