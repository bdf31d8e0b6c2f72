"""What does one reading of a source deliver? Raw records, rejections and coverage, as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import pyarrow as pa

Outcome = Literal["ok", "empty", "failed"]


@dataclass(frozen=True, slots=True)
class Rows:
    """A chunk of raw records of one raw table (`sources.tables`), in the order they were said."""

    table: str
    records: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be taken: where it stands, and what was expected and found.

    `record` counts from 1 within `origin`; 0 means the whole of `origin`. `field` is empty when
    the record as a whole is broken. `excerpt` is at most 200 characters of what was there.
    """

    origin: str
    record: int
    field: str
    expected: str
    found: str
    excerpt: str = ""

    def __str__(self) -> str:
        field = f", field {self.field}" if self.field else ""
        return f"{self.origin}: record {self.record}{field}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One call that was made (or one file that was read) for a window `[start, end)`, and how it went.

    `outcome` tells *no data in the window* ("empty") from *we don't know* ("failed").
    """

    call: str
    start: datetime
    end: datetime
    outcome: Outcome
    records: int = 0
    detail: str = ""


class Call(Protocol):
    """A call that was made, as `Coverage` says it and as the warehouse keeps it."""

    @property
    def call(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def outcome(self) -> str: ...
    @property
    def records(self) -> int: ...
    @property
    def detail(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reading of one source, to be landed as one batch.

    `content_key` is a hex SHA-256 over what was said (and `source` and `resource`): the same content
    lands once. It is known before the stream is read. The stream yields Rows, Rejections and
    Coverage in any order; an exception from it means that nothing of this delivery lands.
    """

    source: str
    resource: str
    origin: str
    content_key: str
    stream: Iterator[Rows | Rejection | Coverage]
