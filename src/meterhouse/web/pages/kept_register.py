"""What do pages know of the register without reading all of it each time? Directory and ledger."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from django.db import connections
from django.http import HttpRequest

from meterhouse.allocations.asking import Ledger, PoolRow
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.figures import Figures
from meterhouse.directory.state import Directory
from meterhouse.operations.allocations.site_ledger import default_day
from meterhouse.register.transactions import asked
from meterhouse.web import kept, present
from meterhouse.web.answering import kept_for_directory, present_state
from meterhouse.web.pages.words import site_today
from meterhouse.web.rights import Right
from meterhouse.web.seen import Seen
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

# What a change of the ledger leaves a newer row in: where people decide, and where it counts. What it only
# takes away is seen within a minute.
_DECIDED = (
    ledger.UsageAdjustment.history.model,
    ledger.Allocation.history.model,
    ledger.AllocationPool.history.model,
    ledger.AllocationPeriod.history.model,
    ledger.Grant.history.model,
)
_COUNTED = (ledger.UsageCharge, ledger.AllocationDraw, ledger.PoolStatement)
_NEWEST = "SELECT " + ", ".join(
    f"(SELECT max({model._meta.pk.column}) FROM {model._meta.db_table})" for model in (*_DECIDED, *_COUNTED)
)
Made = TypeVar("Made")


class LedgerState(NamedTuple):
    """How usage and directory are (`answering.present_state`), and what is newest of the ledger."""

    site: tuple[int, int]
    decided: tuple[Hashable, ...]
    counted: tuple[Hashable, ...]
    minute: int


def directory() -> Directory:
    """The directory as it is now."""
    return kept_for_directory("directory", lambda: Directory(served_site().register.alias))


def seen_by(request: HttpRequest) -> Seen:
    """What this visitor sees of the directory today; found once a request."""
    found: Seen | None = getattr(request, "meterhouse_seen", None)
    if found is None:
        found = seen_of(right_of_request(request))
        request.meterhouse_seen = found  # type: ignore[attr-defined]
    return found


def seen_of(right: Right) -> Seen:
    """What this right sees of the directory today."""
    today = site_today()
    return kept_for_directory("seen", lambda: _KeptSeen(right, directory(), today), right.key, today)


class _KeptSeen(Seen):
    """As `Seen`, but that who funds which project is worked out once for all visitors."""

    def _funders(self, project: int) -> set[int]:
        def read() -> dict[int, set[int]]:
            return {one: super(_KeptSeen, self)._funders(one) for one in self.directory.projects}

        return kept_for_directory("funders", read, self.day).get(project, set())


def book() -> Ledger:
    """The ledger as it is now."""
    return kept_for_ledger("ledger", lambda: Ledger(served_site().register.alias))


def figures_of(pools: Iterable[int], day: date) -> dict[int, Figures]:
    """The figures of these pools at the end of that day."""
    wanted = frozenset(pools)
    if not wanted:
        return {}
    return kept.FIGURES.get(
        ledger_state(),
        (day, wanted),
        lambda: {int(key): one for key, one in book().figures(wanted, day).items()},
    )


def ledger_day() -> date:
    """The day that figures are of."""
    return kept_for_ledger("day", lambda: default_day(served_site()))


def seen_pools(right: Right) -> list[PoolRow]:
    """The pools of projects that this right sees today."""
    every: list[PoolRow] = kept_for_ledger("pools", lambda: book().pools())
    if not every:
        return []
    projects = seen_of(right).projects
    return [one for one in every if projects is None or one.project_id in projects]


def kept_for_ledger(name: str, make: Callable[[], Made], *of: Hashable) -> Made:
    """Something that pages work out of the ledger as it is now."""
    return kept.OF_LEDGER.get(ledger_state(), (name, *of), make)


def ledger_state() -> LedgerState:
    """Different whenever ledger, usage or directory have changed: days and names are the directory's."""
    return present.once("ledger", _ledger_state)


def _ledger_state() -> LedgerState:
    alias = served_site().register.alias

    def ask() -> tuple[Hashable, ...]:
        with connections[alias].cursor() as cursor:
            cursor.execute(_NEWEST)
            return tuple(cursor.fetchone())

    newest, decided = asked(alias, ask), len(_DECIDED)
    minute = int(datetime.now(UTC).timestamp()) // 60
    return LedgerState(present_state(), newest[:decided], newest[decided:], minute)
