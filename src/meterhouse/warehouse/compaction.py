"""How do many small raw files become few large ones, without a gap for anyone who reads?

Files are merged in tiers: 32 of one level, neighbours in the order in which they landed, become one
of the next. So a row is rewritten once per level, and the number of files grows with the logarithm
of the number of batches. A file that has reached its target size is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Count, QuerySet

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import asked, committed
from meterhouse.warehouse.catalogue.models import DataFile
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.parquet import ROW_GROUP_ROWS, ParquetFile, WrittenFile
from meterhouse.warehouse.tables import SNAPSHOT_COLUMN, Table, Tables

FILES_AT_ONCE = 32
FULL_BYTES = 64 * 1024 * 1024  # a file of this size is not merged again
_MERGED_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one table that became one."""

    table: str
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did. `given_up`: merges that another process did first."""

    merges: tuple[Merge, ...]
    given_up: int

    @property
    def files_before(self) -> int:
        return sum(merge.files for merge in self.merges)


def compact(
    folder: Folder,
    alias: str,
    tables: Tables,
    *,
    only: list[str] | None = None,
    at_most: int | None = None,
    every_small_file: bool = False,
) -> CompactionReport:
    """Merge small files of raw tables until no tier is full, or `at_most` merges were done.

    `every_small_file` merges what is left over as well; done often, that would rewrite rows often.
    """
    done: list[Merge] = []
    given_up = 0
    while at_most is None or len(done) + given_up < at_most:
        inputs = _next_inputs(alias, only or tables.raw_names(), 2 if every_small_file else FILES_AT_ONCE)
        if not inputs:
            break
        merge = _merge(folder, alias, tables[inputs[0].table], inputs)
        if merge is None:
            given_up += 1
        else:
            done.append(merge)
    return CompactionReport(tuple(done), given_up)


def _next_inputs(alias: str, names: list[str], at_least: int) -> list[DataFile]:
    """The oldest small files of a tier that is full, or nothing."""
    small = DataFile.objects.using(alias).filter(removed_snapshot=None, table__in=names, bytes__lt=FULL_BYTES)
    if at_least < FILES_AT_ONCE:  # whatever is small, of any tier
        tiers = small.values("table").annotate(files=Count("id"))
    else:
        tiers = small.values("table", "level").annotate(files=Count("id"))
    full = tiers.filter(files__gte=at_least).order_by("-files", "table")
    for tier in asked(alias, lambda: list(full)):
        same = {name: value for name, value in tier.items() if name != "files"}
        inputs = _that_fit_together(asked(alias, partial(_oldest, small.filter(**same))))
        if len(inputs) >= 2:
            return inputs
    return []


def _oldest(files: QuerySet[DataFile]) -> list[DataFile]:
    return list(files.order_by("first_snapshot", "id")[:FILES_AT_ONCE])


def _that_fit_together(files: list[DataFile]) -> list[DataFile]:
    """As many as make one file of a good size, and always two: both are small."""
    total = 0
    for position, file in enumerate(files):
        total += file.bytes
        if position >= 2 and total > _MERGED_BYTES:
            return files[:position]
    return files


def _merge(folder: Folder, alias: str, table: Table, inputs: list[DataFile]) -> Merge | None:
    """Write one file with the rows of all, and swap them; None if another process was faster."""
    schema = table.schema.append(pa.field(SNAPSHOT_COLUMN, pa.int64()))
    path = folder.new_path(table.name)
    merged = ParquetFile(table.name, path, schema, table.time_column)
    try:
        for file in inputs:
            for records in _rows_of(folder, file, schema):
                merged.write(records)
        written = merged.finish()
        folder.settle([path])
    except BaseException as error:
        merged.abandon()
        if isinstance(error, FileNotFoundError) and not asked(alias, lambda: _all_live(alias, inputs)):
            return None
        raise
    if committed(alias, lambda: _swap(alias, folder, inputs, written)):
        return Merge(table.name, len(inputs), written.rows, written.bytes)
    path.unlink(missing_ok=True)
    return None


def _rows_of(folder: Folder, file: DataFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a file in its order, with the snapshot of each; columns that it lacks are null."""
    with pq.ParquetFile(folder.root / file.path) as parquet:
        present = set(parquet.schema_arrow.names)
        for records in parquet.iter_batches(batch_size=ROW_GROUP_ROWS):
            columns = []
            for field in schema:
                if field.name in present:
                    columns.append(records.column(field.name).cast(field.type))
                elif field.name == SNAPSHOT_COLUMN:
                    columns.append(pa.repeat(pa.scalar(file.first_snapshot, pa.int64()), records.num_rows))
                else:
                    columns.append(pa.nulls(records.num_rows, field.type))
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _all_live(alias: str, inputs: list[DataFile]) -> bool:
    ids = [file.id for file in inputs]
    return DataFile.objects.using(alias).filter(id__in=ids, removed_snapshot=None).count() == len(ids)


def _swap(alias: str, folder: Folder, inputs: list[DataFile], written: WrittenFile) -> bool:
    """Let the merged file take the place of its inputs, unless one of them is no longer live."""
    counter = lock_catalogue(alias)
    path = folder.relative(written.path)
    if DataFile.objects.using(alias).filter(path=path).exists():
        return True  # committed by a go whose answer got lost
    if not _all_live(alias, inputs):
        return False
    snapshot = next_snapshot(alias, "compact", counter)
    DataFile.objects.using(alias).filter(id__in=[file.id for file in inputs]).update(
        removed_snapshot=snapshot
    )
    DataFile.objects.using(alias).create(
        table=written.table,
        path=path,
        level=max(file.level for file in inputs) + 1,
        rows=written.rows,
        bytes=written.bytes,
        sha256=written.sha256,
        min_time=written.min_time,
        max_time=written.max_time,
        first_snapshot=min(file.first_snapshot for file in inputs),
        last_snapshot=max(file.last_snapshot for file in inputs),
        has_snapshot_column=True,
        added_snapshot=snapshot,
    )
    return True
