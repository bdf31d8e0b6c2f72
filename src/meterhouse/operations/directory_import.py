"""How does what others say get into the directory? Shown first if wanted, then written, with its evidence.

Open XDMoD's CSV files also land as raw records: the newest import of each kind names what the directory
itself doesn't know.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from meterhouse.errors import MeterhouseError

if TYPE_CHECKING:
    from meterhouse.directory.pen import Difference, Pen
    from meterhouse.site import Site
    from meterhouse.sources.directory.statement import Skipped, Statement
    from meterhouse.warehouse.landing import Landed


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed (or, in a dry run, would change), and what it could not use."""

    differences: tuple[Difference, ...]
    skipped: tuple[Skipped, ...]
    batch_id: str


def import_statement(
    site: Site,
    statement: Statement,
    *,
    effective: date | None = None,
    inactive_after: int = 1,
    dry_run: bool = False,
    allow_empty: bool = False,
    ever: bool | None = None,
    who: str | None = None,
) -> Imported:
    """Write into the directory what a source said; its changes are true from `effective` (today) on.

    What the first import of a source finds has always been so, as far as anybody knows; what a later one
    finds is so from its day on; `ever` says otherwise. In a dry run everything is done and undone. Raises
    MeterhouseError when a source that states everything says nothing at all: that is rather a failure than
    an empty portal.
    """
    import meterhouse.register.configured  # noqa: F401
    from meterhouse.directory.pen import written
    from meterhouse.directory.reconciling import Habits, reconcile
    from meterhouse.directory.register.models import DirectoryImport
    from meterhouse.sources.directory.evidence import delivered

    if statement.complete and statement.is_empty and not allow_empty:
        raise MeterhouseError(f"directory {statement.source}: expected people or projects, found none at all")
    now = datetime.now(UTC)
    day = effective or now.astimezone(ZoneInfo(site.settings.site.time_zone)).date()
    alias = site.register.alias
    runs = DirectoryImport.objects.using(alias).filter(source=statement.source)
    habits = Habits(day, now, inactive_after, ever=not runs.exists() if ever is None else ever)
    batch_id = ""
    if not dry_run and (statement.said or statement.skipped):
        batch_id = site.warehouse.land(delivered(statement, now)).batch_id
    whom = who or _user()

    def work(pen: Pen) -> list[Skipped]:
        skipped = reconcile(pen, statement, habits)
        counts: dict[str, int] = {}
        for one in pen.differences:
            counts[f"{one.action} {one.kind}"] = counts.get(f"{one.action} {one.kind}", 0) + 1
        reasons = statement.reasons()
        for refused in skipped:
            reasons[refused.reason] = reasons.get(refused.reason, 0) + 1
        DirectoryImport.objects.using(alias).create(
            source=statement.source,
            run_at=now,
            effective=day,
            who=whom,
            changes=counts,
            skipped=reasons,
            batch_id=batch_id,
        )
        return skipped

    skipped, differences = written(alias, whom, f"import {statement.source}", work, keep=not dry_run)
    return Imported(tuple(differences), (*statement.skipped, *skipped), batch_id)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "unknown"


def import_csv(site: Site, kind: str, path: Path) -> Landed:
    """Land one of Open XDMoD's CSV files. The newest of a kind twice in a row is a no-op."""
    from meterhouse.sources.xdmod_csv import read_xdmod_csv

    if not path.is_file():
        raise MeterhouseError(f"directory import: expected a file, found {path}")
    now = datetime.now(UTC)
    before = site.warehouse.view().batches(source=f"xdmod-{kind}")
    if before:
        # What the newest import followed: if this file makes its key again, it is the same import.
        followed = before[-2].id if len(before) > 1 else ""
        again = read_xdmod_csv(kind, path, now, followed)
        if again.content_key.startswith(before[-1].id):
            return site.warehouse.land(again)
    return site.warehouse.land(read_xdmod_csv(kind, path, now, before[-1].id if before else ""))


def csv_differences(site: Site, kind: str, path: Path) -> list[str]:
    """What an import of one of Open XDMoD's CSV files would change: lines to come and lines to go."""
    from collections import Counter

    from meterhouse.sources.xdmod_csv import IMPORTS

    columns = IMPORTS[kind].columns
    coming, there = (
        Counter(tuple(row[name] for name in columns) for row in rows)
        for rows in (_rows_of_file(kind, path), _rows_imported(site, kind))
    )

    def line(sign: str, values: tuple[object, ...]) -> str:
        return f"{sign} {kind} {', '.join('' if value is None else str(value) for value in values)}"

    gone = [line("-", values) for values in (there - coming)]
    return gone + [line("+", values) for values in (coming - there)]


def xdmod_statement(site: Site, files: Mapping[str, Path]) -> Statement:
    """What Open XDMoD's files say together: these, and of the other kinds the newest that was imported."""
    from meterhouse.sources.directory.xdmod_files import statement_of
    from meterhouse.sources.xdmod_csv import IMPORTS

    rows = {
        kind: _rows_of_file(kind, files[kind]) if kind in files else _rows_imported(site, kind)
        for kind in IMPORTS
    }
    return statement_of({kind: of_kind for kind, of_kind in rows.items() if of_kind or kind in files})


def _rows_of_file(kind: str, path: Path) -> list[dict[str, Any]]:
    from meterhouse.sources.delivery import Rows
    from meterhouse.sources.xdmod_csv import read_xdmod_csv

    if not path.is_file():
        raise MeterhouseError(f"directory import: expected a file, found {path}")
    found: list[dict[str, Any]] = []
    for part in read_xdmod_csv(kind, path, datetime.now(UTC)).stream:
        if isinstance(part, Rows):
            found += part.records.to_pylist()
    return found


def _rows_imported(site: Site, kind: str) -> list[dict[str, Any]]:
    from meterhouse.sources.xdmod_csv import IMPORTS

    table = IMPORTS[kind].table
    view = site.warehouse.view()
    with site.engine() as engine, view.reading():
        engine.relation("imported", view.select(table))
        newest = "SELECT * FROM imported WHERE recorded_at = (SELECT MAX(recorded_at) FROM imported)"
        rows: list[dict[str, Any]] = engine.query(f"{newest} ORDER BY record", name=table).to_pylist()
    return rows
