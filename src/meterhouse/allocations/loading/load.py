"""How is a ledger file loaded? Checked as a whole, written in one transaction, or only told (dry run)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.adjusting import Adjusted, post_adjustments
from meterhouse.allocations.deciding import decide
from meterhouse.allocations.file.checks import Refusal, check
from meterhouse.allocations.file.entries import Entities
from meterhouse.allocations.file.reading import LedgerFile, Refused
from meterhouse.allocations.file.references import unknown
from meterhouse.allocations.loading.differences import Difference, Writing
from meterhouse.allocations.loading.grants_and_pools import write_grants_and_pools
from meterhouse.allocations.loading.names import Names
from meterhouse.allocations.loading.people_and_projects import write_people_and_projects
from meterhouse.allocations.posting import Posted, post_usage, retry_suspended
from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register import models as directory
from meterhouse.directory.register.recorded import Change, changing
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import committed
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot


class Refusals(MeterhouseError):
    """A file whose entries can't stand: nothing of it was written."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        super().__init__("\n".join(str(one) for one in refusals))


@dataclass(slots=True)
class Loaded:
    """What a file made of the register."""

    differences: list[Difference] = field(default_factory=list)
    same: int = 0
    posted: Posted = field(default_factory=Posted)
    adjusted: Adjusted = field(default_factory=Adjusted)
    refused: list[Refused] = field(default_factory=list)


class _Undo(Exception):
    """Leaves a transaction of which nothing is to stay: a dry run, or one that changes nothing."""


def load(
    alias: str,
    contents: LedgerFile,
    *,
    who: str,
    why: str = "",
    time_zone: str = "UTC",
    moment: datetime | None = None,
    dry_run: bool = False,
) -> Loaded:
    """Load a file into the register. Raises Refusals when its entries can't stand: then nothing is written.

    Usage and adjustments are booked one by one: `refused` has those that couldn't be.
    """
    loaded = Loaded()

    def work() -> Loaded:
        nonlocal loaded
        with transaction.atomic(using=alias):  # within another transaction, too, it is undone as a whole
            loaded = _write(alias, contents, Change(who, why, moment), time_zone)
            if dry_run:
                raise _Undo
        return loaded

    try:
        return committed(alias, work)
    except _Undo:
        return loaded
    except IntegrityError as error:
        raise MeterhouseError(f"ledger file: the register refuses it: {_one_line(error)}") from error
    except ValidationError as error:
        raise MeterhouseError(f"ledger file: {'; '.join(error.messages)}") from error


def _write(alias: str, contents: LedgerFile, change: Change, time_zone: str) -> Loaded:
    refusals = check(contents.entities) or unknown(contents.entities, _kept(alias))
    if refusals:
        raise Refusals(refusals)
    writing, names = Writing(alias), Names(alias)
    _enter(alias, contents.entities, change, writing, names)
    with changing(replace(change, moment=change.moment or datetime.now(UTC))):
        posted = post_usage(alias, contents.postings.usages, names, time_zone)
        if contents.entities != Entities():
            again = retry_suspended(alias, names, time_zone)
            posted.booked += again.booked
        adjusted = Adjusted()
        if contents.postings.adjustments:
            decision = decide(alias)
            adjusted = post_adjustments(alias, contents.postings.adjustments, decision.charges, names)
    refused = [*contents.postings.refused, *posted.refused, *adjusted.refused]
    return Loaded(writing.differences, writing.same, posted, adjusted, refused)


def _enter(alias: str, entities: Entities, change: Change, writing: Writing, names: Names) -> None:
    """Write who is who and who may use how much, known from a snapshot on, made if anything changes."""
    try:
        with transaction.atomic(using=alias):
            if change.moment is None:
                snapshot = next_snapshot(alias, "directory", lock_catalogue(alias))
                change = replace(change, moment=snapshot.created_at)
            with changing(change):
                write_people_and_projects(entities, writing, names)
                write_grants_and_pools(entities, writing, names)
            if not writing.differences:
                raise _Undo
    except _Undo:
        return


def _kept(alias: str) -> dict[str, set[str]]:
    """What the register has already, by kind and by what files call it."""

    def of(model: type, column: str) -> set[str]:
        return set(model._default_manager.using(alias).values_list(column, flat=True))  # type: ignore[attr-defined]

    return {
        "institute": of(directory.Institution, "name") | of(directory.Institution, "short_name"),
        "person": of(directory.Person, "username"),
        "project": of(directory.Project, "code"),
        "calendar": of(ledger.PeriodCalendar, "name"),
        "resource pool": of(ledger.ResourcePool, "name"),
        "scheme": of(ledger.Scheme, "name"),
        "grant": of(ledger.Grant, "code"),
        "period": of(ledger.AllocationPeriod, "name"),
        "allocation pool": of(ledger.AllocationPool, "code"),
        "allocation": of(ledger.Allocation, "code"),
    }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def periods_to_close(entities: Entities) -> list[tuple[str, date | None]]:
    """Periods that the file says are closed, and since when."""
    return [(one.name, one.closed_at) for one in entities.periods if one.status == "closed" or one.closed_at]
