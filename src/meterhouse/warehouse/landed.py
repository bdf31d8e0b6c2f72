"""What does the catalogue say of a file, a batch, a window that was read, and a record put aside?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from meterhouse.sources.delivery import Rejection


@dataclass(frozen=True, slots=True)
class TableFile:
    """A Parquet file of a table. `after` and `up_to` are set where it holds rows of other snapshots
    than those asked for: only rows with `after < snapshot <= up_to` are meant."""

    id: int
    table: str
    path: Path
    partition: str
    rows: int
    bytes: int
    sha256: str
    min_time: datetime | None
    max_time: datetime | None
    first_snapshot: int
    last_snapshot: int
    after: int | None = None
    up_to: int | None = None


@dataclass(frozen=True, slots=True)
class LandedBatch:
    """A batch as it stands in the catalogue."""

    id: str
    source: str
    resource: str
    origin: str
    recorded_at: datetime
    snapshot: int
    rows: int
    rows_by_table: dict[str, int]
    rejections: int
    min_time: datetime | None
    max_time: datetime | None


@dataclass(frozen=True, slots=True)
class LandedCoverage:
    """A window `[start, end)` that was read, with the batch that told of it."""

    batch_id: str
    snapshot: int
    source: str
    resource: str
    call: str
    start: datetime
    end: datetime
    outcome: str
    records: int
    detail: str


@dataclass(frozen=True, slots=True)
class LandedRejection:
    """A record that was put aside, with the batch in which it came."""

    batch_id: str
    source: str
    resource: str
    rejection: Rejection
