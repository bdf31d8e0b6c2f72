"""What did the warehouse hold as of a snapshot? Files, SQL over them, batches, coverage and rejections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import asked
from meterhouse.sources.delivery import Rejection
from meterhouse.warehouse.catalogue.models import (
    Batch,
    CoverageWindow,
    DataFile,
    Snapshot,
)
from meterhouse.warehouse.errors import FilesVanished, SnapshotNotKept
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.landed import LandedBatch, LandedCoverage, LandedRejection, TableFile
from meterhouse.warehouse.selection import select_sql
from meterhouse.warehouse.tables import REJECTED_RECORD, Tables

Window = tuple[datetime, datetime]


class View:
    """The warehouse as of one snapshot. Never changes, whatever lands, is built or compacted later."""

    def __init__(self, folder: Folder, alias: str, tables: Tables, snapshot: int) -> None:
        self.snapshot = snapshot
        self._folder = folder
        self._alias = alias
        self._tables = tables
        self._files: dict[str, list[DataFile]] = {}

    def __repr__(self) -> str:
        return f"View(snapshot={self.snapshot})"

    @property
    def root(self) -> Path:
        """The folder of the warehouse."""
        return self._folder.root

    @property
    def register_alias(self) -> str:
        """The database in which the catalogue of this view is, and all that was decided beside it."""
        return self._alias

    @property
    def recorded_until(self) -> datetime | None:
        """When this snapshot was made; None for the state before anything landed."""
        made = Snapshot.objects.using(self._alias).filter(number=self.snapshot)
        snapshot = asked(self._alias, made.first)
        return snapshot.created_at if snapshot else None

    def look_up(self, tables: Iterable[str]) -> None:
        """Ask the register for the files of several tables at once, rather than for each when it is read."""
        unknown = [table for table in dict.fromkeys(tables) if table not in self._files]
        raw = [table for table in unknown if self._tables[table].is_raw]
        derived = [table for table in unknown if not self._tables[table].is_raw]
        found = asked(
            self._alias,
            lambda: [
                *(self._raw_files(raw) if raw else ()),
                *(self._derived_files(derived) if derived else ()),
            ],
        )
        of_table: dict[str, list[DataFile]] = {table: [] for table in unknown}
        for file in sorted(found, key=lambda file: (file.first_snapshot, file.id)):
            of_table[file.table].append(file)
        self._files.update(of_table)

    def files(
        self,
        table: str,
        partition: str | None = None,
        overlapping: Window | None = None,
        since_snapshot: int | None = None,
    ) -> list[TableFile]:
        """The files of a table, oldest first.

        `overlapping`: only files that may hold rows in `[start, end)`; a coarse sieve, the query
        still has to compare times. `since_snapshot`: only what came after that snapshot.
        """
        found = []
        for file in self._files_of(table):
            if partition is not None and file.partition != partition:
                continue
            if overlapping is not None and not _may_overlap(file, overlapping):
                continue
            if since_snapshot is not None and file.last_snapshot <= since_snapshot:
                continue
            found.append(self._table_file(file, since_snapshot))
        return found

    def select(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        overlapping: Window | None = None,
        since_snapshot: int | None = None,
        partition: str | None = None,
    ) -> str:
        """A DuckDB SELECT over the rows of a table as of this snapshot, typed also when there are none.

        The arguments are those of `files`. Rows come in no particular order.
        """
        return self.select_files(table, self.files(table, partition, overlapping, since_snapshot), columns)

    def select_files(
        self, table: str, files: Sequence[TableFile], columns: Sequence[str] | None = None
    ) -> str:
        """As `select`, over some of this view's files."""
        return select_sql(self._tables[table], columns, files)

    def batches(
        self,
        *,
        resource: str | None = None,
        source: str | None = None,
        since_snapshot: int | None = None,
    ) -> list[LandedBatch]:
        """The batches, in the order in which they landed."""
        query = Batch.objects.using(self._alias).filter(snapshot_id__lte=self.snapshot)
        query = _narrowed(query, resource=resource, source=source, snapshot_id__gt=since_snapshot)
        columns = [field.name for field in fields(LandedBatch)]
        ordered = query.order_by("snapshot_id").values_list(*columns)
        return [LandedBatch(*row) for row in asked(self._alias, lambda: list(ordered))]

    def coverage(
        self,
        resource: str | None = None,
        source: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        call: str | None = None,
        outcome: str | None = None,
    ) -> list[LandedCoverage]:
        """The windows that were read and overlap `[start, end)`, by start."""
        query = CoverageWindow.objects.using(self._alias).filter(snapshot__lte=self.snapshot)
        query = _narrowed(
            query,
            resource=resource,
            source=source,
            start__lt=end,
            end__gte=start,
            call=call,
            outcome=outcome,
        )
        columns = [field.name for field in fields(LandedCoverage)]
        ordered = query.order_by("start", "id").values_list(*columns)
        windows = [LandedCoverage(*row) for row in asked(self._alias, lambda: list(ordered))]
        if start is None:
            return windows
        # The database also gave those that end where the asked window begins.
        return [window for window in windows if window.end > start or window.start == start]

    def rejections(self, *, batch_id: str | None = None, limit: int | None = None) -> list[LandedRejection]:
        """The records that were put aside, in the order in which they came."""
        import duckdb

        condition, parameters = ("WHERE batch_id = ?", [batch_id]) if batch_id is not None else ("", [])
        sql = f"""
            SELECT batch_id, source, resource, origin, record, field, expected, found, excerpt
            FROM ({self.select(REJECTED_RECORD)}) {condition}
            ORDER BY recorded_at, batch_id, record, origin, field {f"LIMIT {int(limit)}" if limit else ""}
        """
        with self.reading(), duckdb.connect() as connection:
            rows = connection.execute(sql, parameters).fetchall()
        return [
            LandedRejection(batch_id, source, resource, Rejection(*rejection))
            for batch_id, source, resource, *rejection in rows
        ]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Run a query over this view's files: an error that a deleted one caused becomes FilesVanished."""
        try:
            yield
        except Exception as error:
            gone = [
                file.path
                for files in self._files.values()
                for file in files
                if not (self._folder.root / file.path).exists()
            ]
            if not gone:
                raise
            raise FilesVanished(
                f"{len(gone)} files of snapshot {self.snapshot} were superseded and deleted; take a new view"
            ) from error

    def _files_of(self, table: str) -> list[DataFile]:
        if table not in self._files:
            self.look_up([table])
        return self._files[table]

    def _raw_files(self, tables: Sequence[str]) -> list[DataFile]:
        """Raw rows are only ever appended, so the files of today answer for every earlier snapshot;
        a compacted one says of each row when it came."""
        live = DataFile.objects.using(self._alias).filter(table__in=tables, removed_snapshot=None)
        return list(live.filter(first_snapshot__lte=self.snapshot))

    def _derived_files(self, tables: Sequence[str]) -> list[DataFile]:
        """The files that were live then. Those still live first: one that is superseded between the
        two questions is found twice rather than never."""
        self._require_kept()
        of_table = DataFile.objects.using(self._alias).filter(
            table__in=tables, added_snapshot_id__lte=self.snapshot
        )
        live = list(of_table.filter(removed_snapshot=None))
        superseded = list(of_table.filter(removed_snapshot_id__gt=self.snapshot))
        return list({file.id: file for file in [*live, *superseded]}.values())

    def _require_kept(self) -> None:
        if Snapshot.objects.using(self._alias).filter(number=self.snapshot, kept=False).exists():
            raise SnapshotNotKept(
                f"snapshot {self.snapshot} is not kept: its derived tables would have to be built again"
            )

    def _table_file(self, file: DataFile, since_snapshot: int | None) -> TableFile:
        too_old = since_snapshot is not None and file.first_snapshot <= since_snapshot
        too_new = file.last_snapshot > self.snapshot
        return TableFile(
            file.id,
            file.table,
            self._folder.root / file.path,
            file.partition,
            file.rows,
            file.bytes,
            file.sha256,
            file.min_time,
            file.max_time,
            file.first_snapshot,
            file.last_snapshot,
            after=since_snapshot if too_old else None,
            up_to=self.snapshot if too_new else None,
        )


def _may_overlap(file: DataFile, window: Window) -> bool:
    start, end = window
    if file.min_time is None or file.max_time is None:
        return True
    return file.min_time < end and file.max_time >= start


def _narrowed(query: QuerySet[Any], **conditions: object) -> QuerySet[Any]:
    """Only the conditions that were given."""
    return query.filter(**{name: value for name, value in conditions.items() if value is not None})
