"""What has one reading of a cloud said so far? Typed rows, rejections and coverage, ready to be delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Outcome, Rejection, Rows
from meterhouse.sources.openstack.cloud import Answer, CallFailed, Patience
from meterhouse.sources.openstack.said import Columns, canonical, typed, without_secrets
from meterhouse.sources.tables import RAW_TABLES

SOURCE = "openstack"
ROWS_A_CHUNK = 5_000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Habits:
    """How often what is read, and from when on. The defaults suit a reading every 5 to 15 minutes."""

    overlap: timedelta = timedelta(
        minutes=10
    )  # changes are read again from this long before the last reading
    full_listing: timedelta = timedelta(hours=1)  # all servers, and what changes rarely
    quotas: timedelta = timedelta(days=1)  # three calls a project
    history_since: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # how far back the first reading goes
    services: tuple[str, ...] = ("identity", "compute", "block_storage", "image", "network", "object_store")
    patience: Patience = field(default_factory=Patience)


class Cursor:
    """Until when each call has been read. A plain dict outside, to be kept as JSON by the caller."""

    VERSION = 1

    def __init__(self, kept: dict[str, Any] | None) -> None:
        kept = kept or {"version": self.VERSION, "read_until": {}}
        if kept.get("version") != self.VERSION or not isinstance(kept.get("read_until"), dict):
            raise ValueError(f"cursor: expected version {self.VERSION}, found {canonical(kept)[:80]}")
        self._until = {call: datetime.fromisoformat(moment) for call, moment in kept["read_until"].items()}

    def until(self, call: str) -> datetime | None:
        return self._until.get(call)

    def advance(self, call: str, until: datetime) -> None:
        self._until[call] = max(until, self._until.get(call, until))

    def kept(self) -> dict[str, Any]:
        return {
            "version": self.VERSION,
            "read_until": {call: moment.isoformat() for call, moment in sorted(self._until.items())},
        }


class Call:
    """One call in progress: takes the records that it answers."""

    def __init__(self, reading: Reading, name: str) -> None:
        self._reading = reading
        self.name = name
        self.records = 0
        self.taken = 0
        self.rejected = 0
        self.failures = 0
        self.remarks: list[str] = []

    def take(
        self,
        table: str,
        columns: Columns,
        answer: Answer,
        complete: Callable[[Row], None] | None = None,
        **known: Any,
    ) -> Row | None:
        """Type one record into `table`. `known` are values that the record itself doesn't carry."""
        self.records += 1
        self._reading.remember(self.name, answer, known)
        row = typed(answer.said, columns, f"{self._reading.origin} {self.name}", self.records)
        if isinstance(row, Rejection):
            self.rejected += 1
            self._reading.rejections.append(row)
            return None
        row.update(known, observed_at=answer.observed_at)
        if complete is not None:
            complete(row)
        self.taken += 1
        self._reading.add(table, row)
        return row

    def part_failed(self, failure: CallFailed) -> None:
        """One of many questions behind this call failed: the others go on, the call counts as failed."""
        self.failures += 1
        if self.failures <= 3:
            self.remarks.append(str(failure))


class Reading:
    """Collects what the calls say, until it is handed over as a delivery."""

    def __init__(self, resource: str, now: datetime, cursor: Cursor, habits: Habits) -> None:
        self.resource = resource
        self.now = now
        self.cursor = cursor
        self.habits = habits
        self.origin = f"cloud {resource} at {now.astimezone(UTC).isoformat(timespec='seconds')}"
        self.rejections: list[Rejection] = []
        self._start_over()

    def _start_over(self) -> None:
        self.rejections = []
        self._coverage: list[Coverage] = []
        self._rows: dict[str, list[Row]] = {}
        self._chunks: list[Rows] = []
        self._records = 0
        self._content = hashlib.sha256(canonical([SOURCE, self.resource, self.now.isoformat()]).encode())

    @property
    def size(self) -> int:
        return self._records

    def is_due(self, call: str, every: timedelta) -> bool:
        last = self.cursor.until(call)
        return last is None or self.now - last >= every

    @contextmanager
    def call(self, name: str, start: datetime | None = None) -> Iterator[Call]:
        """A call for the window from `start` (default: its last success) until now, with its outcome.

        A failure ends the call, keeps what it had said, and leaves the cursor where it was.
        """
        call = Call(self, name)
        start = start or self.cursor.until(name) or self.now
        try:
            yield call
        except CallFailed as failure:
            self._cover(Coverage(name, start, self.now, "failed", call.taken, str(failure)))
            return
        if call.rejected:
            call.remarks.append(f"{call.rejected} of {call.records} records rejected")
        if call.failures:
            detail = f"{call.failures} questions failed: " + "; ".join(call.remarks)
            self._cover(Coverage(name, start, self.now, "failed", call.taken, detail))
            return
        self.cursor.advance(name, self.now)
        outcome: Outcome = "ok" if call.records else "empty"
        self._cover(Coverage(name, start, self.now, outcome, call.taken, "; ".join(call.remarks)))

    def _cover(self, coverage: Coverage) -> None:
        self._coverage.append(coverage)
        self._content.update(
            canonical(
                [
                    coverage.call,
                    coverage.start.isoformat(),
                    coverage.end.isoformat(),
                    coverage.outcome,
                    coverage.detail,
                ]
            ).encode()
        )

    def remember(self, call: str, answer: Answer, known: Row) -> None:
        """Put what was said into the content key."""
        said = [call, answer.observed_at.isoformat(), without_secrets(answer.said), sorted(known)]
        self._content.update(canonical(said).encode())

    def add(self, table: str, row: Row) -> None:
        self._records += 1
        rows = self._rows.setdefault(table, [])
        rows.append({**row, "resource": self.resource, "record": self._records})
        if len(rows) >= ROWS_A_CHUNK:
            self._close_chunk(table)

    def _close_chunk(self, table: str) -> None:
        rows = self._rows.pop(table)
        self._chunks.append(Rows(table, pa.RecordBatch.from_pylist(rows, schema=RAW_TABLES[table].schema)))

    def deliver(self) -> Delivery:
        """Hand over what has been read, and start over."""
        for table in list(self._rows):
            self._close_chunk(table)
        stream: Iterator[Rows | Rejection | Coverage] = iter(
            [*self._chunks, *self.rejections, *self._coverage]
        )
        delivery = Delivery(SOURCE, self.resource, self.origin, self._content.hexdigest(), stream)
        self._start_over()
        return delivery
