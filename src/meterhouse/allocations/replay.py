"""Does the ledger decide as a case expects? Plays cases of KEP 5 through the register, and compares.

A case sets up a world, books usage and adjustments, and says what the ledger must answer. It runs
through the same files, tables and rules as everything else, in a transaction that is taken back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from pydantic import ValidationError

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.asking import Ledger, PoolRow
from meterhouse.allocations.breaking_down import BreakDown
from meterhouse.allocations.closing import close_period, post_late_changes
from meterhouse.allocations.file.reading import LedgerFile, LedgerFileError, Postings, ledger_file
from meterhouse.allocations.file.values import Entry, OptionalDay
from meterhouse.allocations.loading.load import Refusals, load, periods_to_close
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.reading import read_charges
from meterhouse.allocations.rules.figures import Figures
from meterhouse.allocations.rules.quantities import ZERO, percent, quantity, shown
from meterhouse.allocations.rules.world import Key
from meterhouse.errors import MeterhouseError

FORMAT = "kep5-cases/1"
EVER = datetime(1970, 1, 1, tzinfo=UTC)
DECIMALS = ("allocated", "used", "raw_used", "remaining", "percent", "available", "lapsed", "pending")
POOL_FIGURES = (
    *DECIMALS,
    "overdrawn",
    "peak_day",
    "observed_days",
    "estimated_days",
    "elapsed_days",
    "coverage",
)


class Expect(Entry):
    """What a case expects of the ledger; what it doesn't name isn't compared."""

    pools: dict[str, dict[str, Any]] = {}
    usages: dict[str, list[dict[str, Any]]] = {}
    draws: dict[str, Any] = {}
    by_scheme: dict[str, Any] | None = None
    unfunded: dict[str, Any] | None = None
    suspense: Any = None
    breakdowns: list[dict[str, Any]] = []
    capacity: dict[str, Any] = {}
    refused: list[str] | None = None
    errors: list[str] | None = None
    naive_wrong: dict[str, Any] = {}


class Case(Entry):
    """One case: a world, what happened in it, and what is expected."""

    id: str
    title: str = ""
    source: str = ""
    reasoning: str = ""
    entities: dict[str, Any]
    usages: list[Any] = []
    adjustments: list[Any] = []
    as_of: OptionalDay
    known_at: OptionalDay = None
    time_zone: str = "UTC"
    expect: Expect
    document_defects: list[str] = []


@dataclass(frozen=True, slots=True)
class Played:
    """The outcome of a case; no differences: it passed."""

    id: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def read_cases(path: Path) -> list[Case]:
    """The cases of a file. Raises LedgerFileError where it isn't one, naming what isn't known."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:
        raise LedgerFileError(f"{path}: expected a JSON file of cases: {error}") from None
    cases = data.get("cases") if isinstance(data, dict) else data
    if not isinstance(cases, list):
        raise LedgerFileError(f"{path}: expected a list of cases, found {type(cases).__name__}")
    found_format = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
    if found_format != FORMAT:
        raise LedgerFileError(f"{path}: format: expected {FORMAT}, found {found_format!r}")
    found = []
    for position, case in enumerate(cases):
        try:
            found.append(Case.model_validate(case))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"])
            name = case.get("id", position) if isinstance(case, dict) else position
            raise LedgerFileError(f"{path}: case {name}: {at}: {first['msg']}") from None
    return found


def play(alias: str, case: Case) -> Played:
    """Play one case in an empty register, which is as empty afterwards."""
    try:
        with transaction.atomic(using=alias):
            differences = list(_differences(alias, case))
            connections[alias].check_constraints()  # what a commit would have refused
            transaction.set_rollback(True, using=alias)
    except MeterhouseError as error:
        differences = [f"error: expected none, found {' '.join(str(error).split())}"]
    return Played(case.id, tuple(differences))


def _differences(alias: str, case: Case) -> Iterator[str]:
    contents = ledger_file(
        {"entities": case.entities, "usages": case.usages, "adjustments": case.adjustments},
        f"case {case.id}",
    )
    try:
        refused = _set_up(alias, case, contents)
    except Refusals as refusals:
        found = sorted(one.code for one in refusals.refusals)
        expected = sorted(case.expect.errors or [])
        if found != expected:
            yield f"errors: expected {expected}, found {found} ({refusals})"
        return
    if case.expect.errors:
        yield f"errors: expected {case.expect.errors}, found []"
    if case.expect.refused is not None and sorted(refused) != sorted(case.expect.refused):
        yield f"refused: expected {sorted(case.expect.refused)}, found {refused}"
    elif case.expect.refused is None and refused:
        yield f"refused: expected none, found {refused}"
    yield from _Compared(alias, case).differences()


def _set_up(alias: str, case: Case, contents: LedgerFile) -> list[str]:
    """Load and book all of the case up to its day; answers with the ids that were refused."""
    until = case.as_of
    known = datetime.combine(case.known_at, time.max, UTC) if case.known_at else None
    closed = sorted(periods_to_close(contents.entities), key=lambda one: one[1] or date.min)

    def booked(postings: Postings) -> list[str]:
        loaded = load(
            alias,
            LedgerFile(contents.entities, postings),
            who="replay",
            time_zone=case.time_zone,
            moment=EVER,
        )
        return [one.id for one in loaded.refused]

    if not closed:
        refused = booked(contents.postings)
        rebuild(alias, until=until, known=known)
        return refused
    # First what was known when the periods were closed (on their last day unless said), then what came later.
    names = {name for name, _ in closed}
    ends = max(one.end for one in contents.entities.periods if one.name in names)
    when = max((day for _, day in closed if day), default=ends)
    postings = contents.postings
    early = [one for one in postings.usages if not (one.recorded and one.recorded > when)]
    early_adjustments = [one for one in postings.adjustments if one.day <= when]
    refused = booked(Postings(tuple(early), tuple(early_adjustments), postings.refused))
    for name, _ in closed:
        close_period(alias, name, who="replay", until=until)
    late = [one for one in postings.usages if one not in early]
    late_adjustments = [one for one in postings.adjustments if one not in early_adjustments]
    refused += booked(Postings(tuple(late), tuple(late_adjustments), ()))
    rebuild(alias, until=until, known=known)
    recorded = [one.recorded for one in late if one.recorded]
    today = max(
        [*recorded, *(one.day for one in late_adjustments if one.kind == "void"), ends + timedelta(days=1)]
    )
    post_late_changes(alias, today=min(today, until) if until else today, who="replay", until=until)
    rebuild(alias, until=until, known=known)
    return refused


class _Compared:
    """Asks the ledger what a case expects, and tells what differs."""

    def __init__(self, alias: str, case: Case) -> None:
        self.alias = alias
        self.expect = case.expect
        self.as_of = case.as_of or date.max - timedelta(days=1)
        self.known = datetime.combine(case.known_at, time.max, UTC) if case.known_at else None
        self.ledger = Ledger(alias, self.known)
        self.pools: list[PoolRow] = self.ledger.pools()
        self.figures: dict[Key, Figures] = self.ledger.figures([pool.id for pool in self.pools], self.as_of)

    def differences(self) -> Iterator[str]:
        yield from self._pools()
        yield from self._usages()
        yield from self._draws()
        if self.expect.by_scheme is not None:
            yield from _same("by_scheme", self.expect.by_scheme, self.ledger.by_scheme(self.figures.values()))
        if self.expect.unfunded is not None:
            projects, pools = self._names()
            found = {
                f"{projects[project]}|{pools[pool]}": value
                for (project, pool), value in self.ledger.unfunded(self.as_of).items()
            }
            yield from _same("unfunded", self.expect.unfunded, found)
        if self.expect.suspense is not None:
            yield from self._suspense()
        yield from self._breakdowns()
        if self.expect.capacity:
            _, names = self._names()
            capacity = {names[key]: value for key, value in self.ledger.capacity(self.as_of).items()}
            yield from _same("capacity", self.expect.capacity, capacity)
        yield from self._naive()

    def _pools(self) -> Iterator[str]:
        by_code = {pool.code: pool for pool in self.pools} | {
            pool.name: pool for pool in self.pools if pool.name
        }
        by_code |= {pool.code: pool for pool in self.pools if pool.code}
        for code, expected in self.expect.pools.items():
            if code not in by_code:
                yield f"pools.{code}: expected a pool, found none"
                continue
            figures = self.figures[by_code[code].id]
            for name, value in expected.items():
                where = f"pools.{code}.{name}"
                if name == "used_percent":
                    name = "percent"
                if name not in POOL_FIGURES:
                    raise LedgerFileError(f"{where}: expected one of {', '.join(POOL_FIGURES)}")
                if name == "coverage":
                    found: Any = percent(Decimal(figures.observed_days), Decimal(figures.elapsed_days))
                else:
                    found = getattr(figures, name)
                yield from _equal(where, value, found)

    def _usages(self) -> Iterator[str]:
        if not self.expect.usages:
            return
        projects, _ = self._names()
        codes = {pool.id: pool.code for pool in self.pools}
        posted = dict(ledger.PostedUsage.objects.using(self.alias).values_list("id", "code"))
        found: dict[str, list[str]] = defaultdict(list)
        for charge in read_charges(self.alias, day__lte=self.as_of, estimated=False):
            pool = codes[int(charge.pool)] if charge.pool else None
            said = (projects[charge.allocated_project], pool, shown(charge.quantity))
            found[posted[int(charge.use)]].append(json.dumps(said))
        for code, expected in self.expect.usages.items():
            wanted = []
            for one in expected:
                unknown = set(one) - {"allocated_project", "allocation_pool", "quantity"}
                if unknown:
                    raise LedgerFileError(f"usages.{code}: {sorted(unknown)}: expected a known field")
                wanted.append(
                    json.dumps(
                        (one.get("allocated_project"), one.get("allocation_pool"), _plain(one["quantity"]))
                    )
                )
            if sorted(wanted) != sorted(found[code]):
                yield f"usages.{code}: expected {sorted(wanted)}, found {sorted(found[code])}"

    def _draws(self) -> Iterator[str]:
        lines = {
            code: (id_, pool)
            for id_, code, pool in ledger.Allocation.objects.using(self.alias).values_list(
                "id", "code", "pool_id"
            )
        }
        for code, expected in self.expect.draws.items():
            if code not in lines:
                yield f"draws.{code}: expected a known allocation"
                continue
            line, pool = lines[code]
            yield from _equal(f"draws.{code}", expected, self.figures[pool].drawn(line))

    def _suspense(self) -> Iterator[str]:
        rows = list(ledger.SuspendedUsage.objects.using(self.alias).order_by("id"))
        expected = self.expect.suspense
        if isinstance(expected, list):
            found = sorted(row.code for row in rows)
            if found != sorted(expected):
                yield f"suspense: expected {sorted(expected)}, found {found}"
        elif isinstance(expected, Mapping):
            # By usage, or by what it named: its resource, account or project.
            for key, value in expected.items():
                fields = ("resource", "account", "submitted_project")
                named = [r for r in rows if key == r.code or key in [r.record.get(name) for name in fields]]
                yield from _equal(f"suspense.{key}", value, sum((row.raw for row in named), ZERO))
            if not expected and rows:
                yield f"suspense: expected none, found {[row.code for row in rows]}"
        else:
            yield from _equal("suspense", expected, sum((row.raw for row in rows), ZERO))

    def _breakdowns(self) -> Iterator[str]:
        for position, one in enumerate(self.expect.breakdowns):
            where = f"breakdowns.{position}"
            unknown = set(one) - {"by", "rows", "pool", "allocation_pool", "resource_pool"}
            if unknown:
                raise LedgerFileError(f"{where}: {sorted(unknown)}: expected a known field")
            kept: dict[str, object] = {}
            if pool := one.get("pool", one.get("allocation_pool")):
                kept["pool__code"] = pool
            if "resource_pool" in one:
                kept["resource__resource_pool__name"] = one["resource_pool"]
            rows = BreakDown(self.alias, self.known).rows(one["by"], self.as_of, **kept)
            yield from _same(where, one["rows"], {"|".join(key): value for key, value in rows.items()})

    def _naive(self) -> Iterator[str]:
        """What adding up every charge would say, whatever the pool's function."""
        codes = {pool.code: pool.id for pool in self.pools}
        for code, expected in self.expect.naive_wrong.items():
            charges = read_charges(self.alias, day__lte=self.as_of, pool=codes.get(code), estimated=False)
            naive = sum((one.quantity for one in charges), ZERO)
            yield from _equal(f"naive_wrong.{code}", expected, naive)

    def _names(self) -> tuple[dict[Key, str], dict[Key, str]]:
        from meterhouse.directory.register.models import Project

        projects: dict[Key, str] = dict(Project.objects.using(self.alias).values_list("id", "code"))
        pools: dict[Key, str] = dict(ledger.ResourcePool.objects.using(self.alias).values_list("id", "name"))
        return projects, pools


def _plain(value: Any) -> str | None:
    return shown(quantity(value))


def _equal(where: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(found, Decimal) and expected is not None:
        if quantity(expected) != found:
            yield f"{where}: expected {expected}, found {shown(found)}"
    elif isinstance(found, date) or isinstance(expected, str):
        if expected != (found.isoformat() if isinstance(found, date) else found):
            yield f"{where}: expected {expected}, found {found}"
    elif expected != found:
        yield f"{where}: expected {expected}, found {found}"


def _same(where: str, expected: Mapping[str, Any], found: Mapping[str, Decimal]) -> Iterator[str]:
    """Compares all entries; nothing and zero are the same here."""
    for key in sorted({*expected, *found}):
        yield from _equal(f"{where}.{key}", expected.get(key, "0"), found.get(key, ZERO))
