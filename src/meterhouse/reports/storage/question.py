"""What does every report on file systems start from? A day, its scans, the site's groups and roots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.chosen_scans import (
    DAYS_BACK,
    Scan,
    byte_column,
    chosen_scans,
    complete_scans,
    rows_of,
)
from meterhouse.reports.storage.known_groups import KnownGroups, groups_of_directory, groups_of_file
from meterhouse.reports.storage.owners import Owners
from meterhouse.reports.storage.project_roots import ProjectRoots
from meterhouse.sources.filesystem.scans import SOURCE as SCANS
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.settings import Volume
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View


@dataclass(frozen=True, slots=True)
class StorageQuestion:
    """What is asked about file systems on a day, from the newest complete scans of `days_back` days.

    `volumes`: all that are declared or were scanned in these days, if none. `counted`: "shared",
    "apparent" or "allocated" bytes. `groups_file`: a CSV file instead of the directory. `as_of`: what was
    known then, at a snapshot or a moment; now if None. `owners`: only what is theirs counts; all if None.
    """

    day: date
    volumes: tuple[str, ...] = ()
    days_back: int = DAYS_BACK
    partial: bool = False
    counted: str = "shared"
    groups_file: Path | None = None
    as_of: int | datetime | None = None
    owners: Owners | None = None


class Progress(Protocol):
    """Is told how far the answer to a question is."""

    def __call__(self, volume: str, done: int, total: int) -> None:
        """A volume was counted: `done` of `total` rows that the scans of all volumes have, so far."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An open question: the scans that answer it, and what they are read with."""

    site: Site
    question: StorageQuestion
    view: View
    engine: DuckDBEngine
    scans: list[Scan]
    known_scans: list[Scan]
    progress: Progress | None = None

    @property
    def bytes(self) -> str:
        """The column that counts as bytes. Raises QuestionError when a scan doesn't say it."""
        return byte_column(self.question.counted, self.scans)

    @property
    def end(self) -> datetime:
        """The end of the day that is asked about."""
        return day_start(self.question.day + timedelta(days=1), ZoneInfo(self.site.settings.site.time_zone))

    @property
    def known(self) -> datetime | None:
        """Until when it counts what was recorded in the register; None: now."""
        as_of = self.question.as_of
        return self.view.recorded_until if isinstance(as_of, int) else as_of

    def each_scan(self) -> Iterator[Scan]:
        """The scans, one after the other: memory is taken for one volume at a time. Tells of progress."""
        wanted = {scan.batch_id for scan in self.scans}
        sizes = {one.id: one.rows for one in self.view.batches(source=SCANS) if one.id in wanted}
        total, done = sum(sizes.values()), 0
        for scan in self.scans:
            if self.progress is not None:
                self.progress(scan.volume, done, total)
            yield scan
            done += sizes.get(scan.batch_id, 0)
        if self.progress is not None:
            self.progress("", total, total)

    def rows(self, table: str, scans: Sequence[Scan] | None = None) -> str:
        """A SELECT of the rows of a table that count, of the chosen scans, or of other ones."""
        every, owners = rows_of(self.view, table, scans or self.scans), self.question.owners
        if owners is None:
            return every
        if table != "filesystem_entry":
            return f"SELECT * FROM ({every}) WHERE {owners.condition}"
        said = rows_of(self.view, "filesystem_usage", scans or self.scans)
        theirs = f"SELECT DISTINCT batch_id, gid, uid FROM ({said}) WHERE {owners.condition}"
        return f"SELECT * FROM ({every}) AS e SEMI JOIN ({theirs}) AS o USING (batch_id, gid, uid)"

    def says(self, table: str, scan: Scan) -> bool:
        """Whether a scan has rows of this table at all, whoever's."""
        rows = rows_of(self.view, table, [scan])
        return bool(self.engine.query(f"SELECT 1 FROM ({rows}) LIMIT 1", name=f"has {table}").num_rows)

    def scan_of(self, batch_id: str) -> Scan:
        """The scan that landed as this batch."""
        return next(scan for scan in self.known_scans if scan.batch_id == batch_id)

    def groups(self) -> KnownGroups:
        """The groups that are known on the day."""
        if self.question.groups_file is not None:
            return groups_of_file(self.question.groups_file)
        return groups_of_directory(self.site, self.question.day, self.known)

    def roots(self, volume: str) -> ProjectRoots:
        """The project roots of a volume; none where it isn't declared."""
        declared = _declared(self.site, volume)
        return ProjectRoots(declared.roots if declared else ())


def _declared(site: Site, volume: str) -> Volume | None:
    return next((one for one in site.settings.volumes if one.name == volume), None)


@contextmanager
def asked(site: Site, question: StorageQuestion, progress: Progress | None = None) -> Iterator[Asked]:
    """Choose the scans that answer a question. Raises QuestionError where there are none."""
    zone = ZoneInfo(site.settings.site.time_zone)
    view = site.warehouse.view(question.as_of)
    with site.engine() as engine, view.reading():
        scans = complete_scans(view, engine)
        wanted = set(question.volumes) or _all_volumes(site, view, engine, question, zone)
        chosen = chosen_scans(
            scans, question.day, zone, wanted, days_back=question.days_back, partial=question.partial
        )
        yield Asked(site, question, view, engine, chosen, scans, progress)


def _all_volumes(
    site: Site, view: View, engine: DuckDBEngine, question: StorageQuestion, zone: ZoneInfo
) -> set[str]:
    """The declared volumes, and those of which a scan was tried in these days, whole or not."""
    if question.days_back < 1:
        raise QuestionError(f"within: expected at least a day, found {question.days_back}")
    start = day_start(question.day - timedelta(days=question.days_back - 1), zone)
    end = day_start(question.day + timedelta(days=1), zone)
    tried = engine.query(
        f"SELECT DISTINCT volume FROM ({view.select('filesystem_scan')})"
        " WHERE scanned_at >= ? AND scanned_at < ?",
        [start, end],
        name="volumes that were scanned",
    )
    return {volume.name for volume in site.settings.volumes} | set(tried.column(0).to_pylist())
