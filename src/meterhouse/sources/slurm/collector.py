"""What did a Slurm cluster run, as its accounting remembers it? The collector.

Reads windows [start, end), oldest first, each a delivery of its own. sacct tells all jobs that were
there in a window: those that ended in it or later, and those that still run, however long ago they
began. So a window a little longer than the time since the last reading (the overlap) finds every job
that went on or ended. A job that ran at the last reading, and that the window doesn't tell of any more
(its end was entered late), is asked for by its number.

The cursor says until when was read, and what ran then; it is to be kept only after its delivery has
landed. When a question fails, or its answer is cut short, that window is covered as failed, what could
be read of it lands all the same, and the next reading begins with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.delivery import Coverage, Delivery, Outcome, Rejection, Rows
from meterhouse.sources.file_content import ByteStream
from meterhouse.sources.slurm.sacct_command import CommandFailed

SOURCE = "slurm"
_TABLE = "slurm_job"
_VERSION = 1
_MOST_RUNNING = 100_000  # jobs that are remembered as running
_JOBS_A_QUESTION = 500

Batches = Iterator[pa.RecordBatch | Rejection]


@dataclass(frozen=True, slots=True)
class Habits:
    """From when on, and how much at once."""

    overlap: timedelta = timedelta(hours=1)  # read again from this long before the last reading
    chunk: timedelta = timedelta(days=1)  # asked at once, and landed at once
    history: timedelta = timedelta(days=31)  # how far back the first reading goes without history_since
    history_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the jobs of a window, or those of these numbers (of one cluster)."""

    start: datetime
    end: datetime
    jobs: tuple[int, ...] = ()
    cluster: str | None = None


class Reader(Protocol):
    """The jobs in an answer; iterate once. Afterwards `incomplete` says why not all could be read."""

    incomplete: str

    def __iter__(self) -> Batches: ...


class Accounting(Protocol):
    """A way to ask Slurm's accounting."""

    @property
    def call(self) -> str:
        """What the way is called in coverage."""

    def ask(self, question: Question) -> IO[bytes]:
        """The answer as it came, to be closed by the caller. Raises CommandFailed."""

    def read(self, answer: ByteStream, origin: str, resource: str, observed_at: datetime) -> Reader:
        """The jobs in an answer."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A delivery to land, and the cursor to keep once it has landed: it is complete only then."""

    delivery: Delivery
    cursor: dict[str, Any]


def collect(
    accounting: Accounting,
    resource: str,
    cursor: dict[str, Any] | None,
    now: datetime,
    habits: Habits | None = None,
) -> Iterator[Collected]:
    """Everything since the last reading, one delivery a window.

    `cursor` is what the last reading gave, None at first. Each delivery is to be landed before the next
    is asked for.
    """
    yield from _Reading(accounting, resource, cursor, now, habits or Habits()).read()


@dataclass(slots=True)
class _Running:
    """Jobs by cluster and number (JobIDRaw)."""

    jobs: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def kept(cls, kept: dict[str, list[int]]) -> _Running:
        return cls({(cluster, number) for cluster, numbers in kept.items() for number in numbers})

    def as_kept(self) -> dict[str, list[int]]:
        by_cluster: dict[str, list[int]] = {}
        for cluster, number in sorted(self.jobs)[-_MOST_RUNNING:]:
            by_cluster.setdefault(cluster, []).append(number)
        return by_cluster


class _Reading:
    def __init__(
        self,
        accounting: Accounting,
        resource: str,
        cursor: dict[str, Any] | None,
        now: datetime,
        habits: Habits,
    ) -> None:
        if cursor and cursor.get("version") != _VERSION:
            raise ValueError(f"cursor: expected version {_VERSION}, found {str(cursor)[:80]}")
        self._accounting = accounting
        self._resource = resource
        self._now = now.astimezone(UTC).replace(microsecond=0)
        self._habits = habits
        self._until = datetime.fromisoformat(cursor["read_until"]) if cursor else None
        self._ran_before = _Running.kept(cursor["running"] if cursor else {})
        self._running = _Running(set(self._ran_before.jobs))
        self._told: set[tuple[str, int]] = set()

    def read(self) -> Iterator[Collected]:
        for start, end in self._windows():
            collected = self._ask(Question(start, end), read_until=end)
            yield collected
            if self._until is None or self._until < end:  # it failed: the next reading begins here
                return
        for cluster, numbers in self._not_told().items():
            for first in range(0, len(numbers), _JOBS_A_QUESTION):
                some = tuple(numbers[first : first + _JOBS_A_QUESTION])
                yield self._ask(Question(self._now, self._now, some, cluster or None), read_until=self._now)

    def _windows(self) -> Iterator[tuple[datetime, datetime]]:
        if self._until is None:
            since = self._habits.history_since or self._now - self._habits.history
            start = since.astimezone(UTC).replace(microsecond=0)
        else:
            start = self._until - self._habits.overlap
        while start < self._now:
            end = min(start + self._habits.chunk, self._now)
            yield start, end
            start = end

    def _not_told(self) -> dict[str, list[int]]:
        missing: dict[str, list[int]] = {}
        for cluster, number in sorted(self._ran_before.jobs - self._told):
            missing.setdefault(cluster, []).append(number)
        return missing

    def _ask(self, question: Question, read_until: datetime) -> Collected:
        call = f"{self._accounting.call} of jobs" if question.jobs else self._accounting.call
        origin = f"{self._accounting.call} of {self._resource} at {self._now:%Y-%m-%dT%H:%M:%SZ}"
        asked = [SOURCE, self._resource, call, *map(str, (self._now, question))]
        key = hashlib.sha256(json.dumps(asked).encode())
        cursor: dict[str, Any] = {}
        self._keep(cursor)
        try:
            answer = self._accounting.ask(question)
        except CommandFailed as failure:
            key.update(str(failure).encode())
            failed = Coverage(call, question.start, question.end, "failed", 0, str(failure))
            return Collected(
                Delivery(SOURCE, self._resource, origin, key.hexdigest(), iter([failed])), cursor
            )
        while piece := answer.read(1 << 20):
            key.update(piece)
        answer.seek(0)
        stream = self._stream(answer, question, call, origin, read_until, cursor)
        return Collected(Delivery(SOURCE, self._resource, origin, key.hexdigest(), stream), cursor)

    def _stream(
        self,
        answer: IO[bytes],
        question: Question,
        call: str,
        origin: str,
        read_until: datetime,
        cursor: dict[str, Any],
    ) -> Iterator[Rows | Rejection | Coverage]:
        records = rejected = 0
        asked = {(question.cluster or "", number) for number in question.jobs}
        self._running.jobs -= asked  # but for those that are told of as running now
        with answer:
            reader = self._accounting.read(cast(ByteStream, answer), origin, self._resource, self._now)
            for item in reader:
                if isinstance(item, Rejection):
                    rejected += 1
                    yield item
                else:
                    records += item.num_rows
                    self._note(item)
                    yield Rows(_TABLE, item)
        notes = [reader.incomplete] if reader.incomplete else []
        if rejected:
            notes.append(f"{rejected:,} rejected")
        outcome: Outcome = "failed" if reader.incomplete else "ok" if records or rejected else "empty"
        yield Coverage(call, question.start, question.end, outcome, records, "; ".join(notes))
        if not reader.incomplete:
            self._until = read_until if self._until is None else max(self._until, read_until)
            self._keep(cursor)
        else:
            self._running.jobs |= asked

    def _note(self, batch: pa.RecordBatch) -> None:
        """What still runs, and what was told of what ran before."""
        clusters, numbers = batch.column("cluster"), batch.column("job_id_raw")
        # A job may be told as completed a moment before its end is entered.
        runs = pc.and_(pc.is_valid(batch.column("start")), pc.is_null(batch.column("end")))
        for cluster, number, running in zip(
            clusters.to_pylist(), numbers.to_pylist(), runs.to_pylist(), strict=True
        ):
            if number is None:
                continue
            job = cluster or "", number
            if running:
                self._running.jobs.add(job)
            else:
                self._running.jobs.discard(job)
            if job in self._ran_before.jobs:
                self._told.add(job)

    def _keep(self, cursor: dict[str, Any]) -> None:
        if self._until is not None:
            cursor |= {
                "version": _VERSION,
                "read_until": self._until.isoformat(),
                "running": self._running.as_kept(),
            }
