"""How does a file of JSON records become a delivery? Rows, rejections, and what it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.delivery import Coverage, Outcome, Rejection, Rows
from meterhouse.sources.fields import TypedRecords
from meterhouse.sources.file_content import FileContent
from meterhouse.sources.json_records import JsonRecords, Records
from meterhouse.sources.tables import RAW_TABLES

ROWS_PER_CHUNK = 20_000
LONGEST_EVENT = 1 << 21  # characters; more than every field and `extra` at their limits, escaped

Item = Rows | Rejection | Coverage
Window = tuple[datetime, datetime]


@dataclass(slots=True)
class Tally:
    """What has come out of a file so far: good records and the times between which they stand."""

    table: str
    records: int = 0
    rejected: int = 0
    first: datetime | None = None
    last: datetime | None = None
    _time_column: str = field(init=False)

    def __post_init__(self) -> None:
        self._time_column = RAW_TABLES[self.table].time_column

    def count(self, batch: pa.RecordBatch) -> None:
        """Add the records of a batch that isn't empty."""
        bounds = pc.min_max(batch.column(self._time_column)).as_py()
        first, last = bounds["min"].astimezone(UTC), bounds["max"].astimezone(UTC)
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)
        self.records += batch.num_rows

    def coverage(
        self, content: FileContent, call: str, failure: str = "", window: Window | None = None
    ) -> Coverage:
        """The coverage of the file: its own window if it names one, else that of its good records.

        A file that says nothing about time covers nothing: an empty window at its last change.
        """
        if self.first is not None and self.last is not None:
            of_records = (self.first, self.last + timedelta(microseconds=1))
        else:
            of_records = (content.changed_at, content.changed_at)
        start, end = window or of_records
        notes = [failure] if failure else []
        if self.rejected:
            notes.append(f"{self.rejected:,} rejected")
        if self.records and (of_records[0] < start or of_records[1] > end):
            notes.append(f"records from {self.first:%Y-%m-%d %H:%M:%S} to {self.last:%Y-%m-%d %H:%M:%S}")
        outcome: Outcome = "failed" if failure else "ok" if self.records or self.rejected else "empty"
        return Coverage(call, start, end, outcome, self.records, "; ".join(notes))


Prepare = Callable[[Records, str], tuple[Records, list[Rejection]]]


def _as_said(records: Records, origin: str) -> tuple[Records, list[Rejection]]:
    return records, []


def record_stream(
    content: FileContent,
    resource: str,
    table: str,
    typed: TypedRecords,
    call: str,
    window: Window | None = None,
    prepare: Prepare = _as_said,
) -> Iterator[Item]:
    """Rows, rejections and the coverage of a file that holds one record of `table` in each object.

    `prepare` may flatten the objects, and reject some, before they are typed.
    """
    tally = Tally(table)
    batches: list[pa.RecordBatch] = []
    marks = frozenset({"event_type", RAW_TABLES[table].time_column})
    with content.open() as file:
        reader = JsonRecords(file, content.origin, marks, LONGEST_EVENT)
        for item in reader:
            if isinstance(item, Rejection):
                tally.rejected += 1
                yield item
                continue
            prepared, refused = prepare(item, content.origin)
            batch, rejections = typed.batch(prepared.numbers, prepared.objects, resource, content.origin)
            tally.rejected += len(refused) + len(rejections)
            yield from refused
            yield from rejections
            if batch.num_rows:
                tally.count(batch)
                batches.append(batch)
            if sum(batch.num_rows for batch in batches) >= ROWS_PER_CHUNK:
                yield Rows(table, pa.concat_batches(batches))
                batches.clear()
    if batches:
        yield Rows(table, pa.concat_batches(batches))
    content.check_unchanged()
    yield tally.coverage(content, call, reader.incomplete, window)
