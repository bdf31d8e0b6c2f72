"""How does a delivery become a batch? Files first, then all of it visible in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
from django.db import IntegrityError

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import asked, committed
from meterhouse.sources.delivery import Coverage, Delivery, Outcome, Rejection, Rows
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.warehouse.catalogue.data_files import catalogued, discard
from meterhouse.warehouse.catalogue.models import (
    Batch,
    CoverageWindow,
    DataFile,
    Snapshot,
)
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot
from meterhouse.warehouse.errors import DeliveryRefused
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.parquet import ParquetFile, WrittenFile
from meterhouse.warehouse.tables import REJECTED_RECORD, Tables

_REJECTIONS_AT_ONCE = 4096
_CONTENT_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a delivery. `rows` by raw table, without rejected records.

    `already_landed`: the same content was there before; nothing was changed, the rest tells of then.
    """

    batch_id: str
    snapshot: int
    rows: dict[str, int]
    rejections: int
    coverage: tuple[Coverage, ...]
    already_landed: bool


def land(folder: Folder, alias: str, tables: Tables, delivery: Delivery) -> Landed:
    """Land a delivery. Whatever goes wrong before the end, nothing of it is visible."""
    _check_key(delivery)
    earlier = asked(alias, lambda: _landed_earlier(alias, delivery.content_key))
    if earlier is not None:
        return earlier
    batch = _BatchBeingWritten(folder, tables, delivery)
    try:
        for part in delivery.stream:
            batch.take(part)
        files = batch.finish()
        landed = _publish_once(alias, folder, batch, files)
    except BaseException:
        batch.abandon(alias)
        raise
    if (
        landed.already_landed
    ):  # raced: the other one's files are in the catalogue, or, after a lost answer, ours
        batch.abandon(alias)
    return landed


class _BatchBeingWritten:
    """The files, counts and coverage of a delivery while its stream is read."""

    def __init__(self, folder: Folder, tables: Tables, delivery: Delivery) -> None:
        self.delivery = delivery
        self.batch_id = batch_id_of(delivery.content_key)
        self.recorded_at = datetime.now(UTC)
        self.coverage: list[Coverage] = []
        self.rejections = 0
        self._folder = folder
        self._tables = tables
        self._open: dict[str, ParquetFile] = {}
        self._finished: list[WrittenFile] = []
        self._rejected: list[Rejection] = []

    def take(self, part: Rows | Rejection | Coverage) -> None:
        if isinstance(part, Rows):
            self._take_rows(part)
        elif isinstance(part, Rejection):
            self.rejections += 1
            self._rejected.append(part)
            if len(self._rejected) >= _REJECTIONS_AT_ONCE:
                self._write_rejected()
        elif isinstance(part, Coverage):
            self.coverage.append(_checked(part, self.delivery))
        else:
            raise DeliveryRefused(
                f"{self.delivery.origin}: expected Rows, Rejection or Coverage, found {type(part).__name__}"
            )

    def finish(self) -> list[WrittenFile]:
        """Have everything on disk."""
        self._write_rejected()
        for file in self._open.values():
            if file.rows:
                self._finished.append(file.finish())
            else:
                file.abandon()
        self._folder.settle(file.path for file in self._finished)
        return self._finished

    @property
    def rows(self) -> dict[str, int]:
        return {file.table: file.rows for file in self._finished if file.table != REJECTED_RECORD}

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        known = [
            time
            for table, file in self._open.items()
            if table != REJECTED_RECORD
            for time in file.times
            if time is not None
        ]
        return (min(known), max(known)) if known else (None, None)

    def abandon(self, alias: str) -> None:
        """Remove the files, except those that turn out to be in the catalogue."""
        finished = {file.path for file in self._finished}
        for file in self._open.values():
            if file.path not in finished:
                file.abandon()
        discard(self._folder, alias, finished)

    def _take_rows(self, rows: Rows) -> None:
        if rows.table not in RAW_TABLES:
            raise DeliveryRefused(f"{self.delivery.origin}: expected a raw table, found {rows.table!r}")
        expected = RAW_TABLES[rows.table].schema
        if not rows.records.schema.equals(expected):
            raise DeliveryRefused(
                f"{self.delivery.origin}: table {rows.table}: {_difference(expected, rows.records.schema)}"
            )
        self._write(rows.table, rows.records.columns, rows.records.num_rows, at_the_end=True)

    def _write_rejected(self) -> None:
        if not self._rejected:
            return
        count, rejected = len(self._rejected), self._rejected
        columns = [
            pa.array([rejection.record for rejection in rejected], pa.int64()),
            pa.array([self.delivery.resource] * count, pa.string()),
            pa.array([self.delivery.source] * count, pa.string()),
            *[
                pa.array(
                    [_clean(getattr(rejection, field)) for rejection in rejected],
                    pa.string(),
                )
                for field in ("origin", "field", "expected", "found", "excerpt")
            ],
        ]
        self._write(REJECTED_RECORD, columns, count, at_the_end=False)
        self._rejected = []

    def _write(self, name: str, columns: list[pa.Array], count: int, at_the_end: bool) -> None:
        table = self._tables[name]
        if name not in self._open:
            path = self._folder.new_path(name)
            self._open[name] = ParquetFile(name, path, table.schema, table.time_column)
        of_batch = [
            pa.repeat(pa.scalar(self.batch_id), count),
            pa.repeat(pa.scalar(self.recorded_at, TIME), count),
        ]
        columns = [*columns, *of_batch] if at_the_end else [*of_batch, *columns]
        self._open[name].write(pa.RecordBatch.from_arrays(columns, schema=table.schema))


def batch_id_of(content_key: str) -> str:
    """A batch is named after its content: 80 bits of the key are enough for a name in every row."""
    return content_key[:20]


def _publish_once(alias: str, folder: Folder, batch: _BatchBeingWritten, files: list[WrittenFile]) -> Landed:
    """Publish a batch, unless its content is there already: the content key is unique."""
    try:
        return committed(alias, lambda: _publish(alias, folder, batch, files))
    except IntegrityError:
        earlier = asked(alias, lambda: _landed_earlier(alias, batch.delivery.content_key))
        if earlier is None:
            raise
        mine = [folder.relative(file.path) for file in files]
        if mine and catalogued(alias, mine):  # by a go of our own whose answer got lost
            return replace(earlier, already_landed=False)
        return earlier


def _publish(alias: str, folder: Folder, batch: _BatchBeingWritten, files: list[WrittenFile]) -> Landed:
    """Make a batch visible in all its tables, within the open transaction."""
    counter = lock_catalogue(alias)
    delivery = batch.delivery
    snapshot = next_snapshot(alias, "land", counter)
    min_time, max_time = batch.times
    Batch.objects.using(alias).bulk_create(
        [
            Batch(
                id=batch.batch_id,
                content_key=delivery.content_key,
                source=delivery.source,
                resource=delivery.resource,
                origin=_clean(delivery.origin),
                recorded_at=batch.recorded_at,
                snapshot=snapshot,
                rows=sum(batch.rows.values()),
                rows_by_table=batch.rows,
                rejections=batch.rejections,
                min_time=min_time,
                max_time=max_time,
            )
        ]
    )
    DataFile.objects.using(alias).bulk_create(
        [_data_file(folder, file, snapshot, batch.batch_id) for file in files]
    )
    CoverageWindow.objects.using(alias).bulk_create(
        [
            CoverageWindow(
                batch_id=batch.batch_id,
                snapshot=snapshot.number,
                source=delivery.source,
                resource=delivery.resource,
                call=window.call,
                start=window.start,
                end=window.end,
                outcome=window.outcome,
                records=window.records,
                detail=window.detail,
            )
            for window in batch.coverage
        ],
        batch_size=500,
    )
    return Landed(
        batch.batch_id,
        snapshot.number,
        batch.rows,
        batch.rejections,
        tuple(batch.coverage),
        False,
    )


def _data_file(folder: Folder, file: WrittenFile, snapshot: Snapshot, batch_id: str) -> DataFile:
    return DataFile(
        table=file.table,
        path=folder.relative(file.path),
        batch_id=batch_id,
        rows=file.rows,
        bytes=file.bytes,
        sha256=file.sha256,
        min_time=file.min_time,
        max_time=file.max_time,
        first_snapshot=snapshot.number,
        last_snapshot=snapshot.number,
        added_snapshot=snapshot,
    )


def _landed_earlier(alias: str, content_key: str) -> Landed | None:
    batch = Batch.objects.using(alias).filter(content_key=content_key).first()
    if batch is None:
        return None
    windows = CoverageWindow.objects.using(alias).filter(batch=batch).order_by("id")
    coverage = tuple(
        Coverage(
            window.call,
            window.start,
            window.end,
            cast(Outcome, window.outcome),  # a constraint holds it to these
            window.records,
            window.detail,
        )
        for window in windows
    )
    return Landed(
        batch.id,
        batch.snapshot_id,
        batch.rows_by_table,
        batch.rejections,
        coverage,
        True,
    )


def _check_key(delivery: Delivery) -> None:
    if not _CONTENT_KEY.fullmatch(delivery.content_key):
        raise DeliveryRefused(
            f"{delivery.origin}: content_key: expected 64 hexadecimal digits, "
            f"found {delivery.content_key[:80]!r}"
        )
    for name, value in (("source", delivery.source), ("resource", delivery.resource)):
        if not 0 < len(value) <= 200:
            raise DeliveryRefused(
                f"{delivery.origin}: {name}: expected 1 to 200 characters, found {len(value)}"
            )


def _checked(window: Coverage, delivery: Delivery) -> Coverage:
    where = f"{delivery.origin}: coverage of {window.call}"
    if window.start.tzinfo is None or window.end.tzinfo is None:
        raise DeliveryRefused(f"{where}: expected times with their zone, found {window.start}, {window.end}")
    if window.end < window.start:
        raise DeliveryRefused(f"{where}: expected start before end, found {window.start}, {window.end}")
    if window.records < 0 or (window.outcome == "empty" and window.records):
        raise DeliveryRefused(f"{where}: expected a count that fits, found {window.outcome} {window.records}")
    return Coverage(
        _clean(window.call),
        window.start,
        window.end,
        window.outcome,
        window.records,
        _clean(window.detail),
    )


def _difference(expected: pa.Schema, found: pa.Schema) -> str:
    """The first column in which two schemas differ."""
    for position, field in enumerate(expected):
        if position >= len(found):
            return f"expected column {field.name}, found no more columns"
        if not found.field(position).equals(field):
            other = found.field(position)
            return f"expected column {field.name} {field.type}, found {other.name} {other.type}"
    return f"expected {len(expected)} columns, found {len(found)}"


def _clean(text: str) -> str:
    """Text from outside as every database and file takes it: no NUL, no half characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
