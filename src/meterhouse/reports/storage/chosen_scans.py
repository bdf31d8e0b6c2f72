"""Which scans does a report read? Of each volume the newest complete one of the last days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from meterhouse.errors import QuestionError
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

DAYS_BACK = 10

# What is counted as bytes; each name is a column of filesystem_usage.
BYTE_COUNTS = {"shared": "shared_bytes", "apparent": "apparent_bytes", "allocated": "allocated_bytes"}


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of a volume; of one that was read several times the newest reading."""

    volume: str
    resource: str
    scanned_at: datetime
    batch_id: str
    top: str
    depth: int
    says_allocated: bool


def complete_scans(view: View, engine: DuckDBEngine) -> list[Scan]:
    """All complete scans, oldest first."""
    rows = engine.query(
        f"""SELECT volume, resource, scanned_at, batch_id, top, depth, size_is FROM (
                SELECT *, ROW_NUMBER() OVER (
                    PARTITION BY resource, volume, scanned_at ORDER BY recorded_at DESC, batch_id DESC
                ) AS reading
                FROM ({view.select("filesystem_scan")}) WHERE complete
            ) WHERE reading = 1 ORDER BY scanned_at, resource, volume""",
        name="complete scans",
    ).to_pylist()
    return [
        Scan(
            row["volume"],
            row["resource"],
            row["scanned_at"],
            row["batch_id"],
            row["top"],
            row["depth"],
            row["size_is"] == "apparent and allocated",
        )
        for row in rows
    ]


def chosen_scans(
    scans: Sequence[Scan],
    day: date,
    zone: ZoneInfo,
    wanted: Collection[str],
    *,
    days_back: int = DAYS_BACK,
    partial: bool = False,
) -> list[Scan]:
    """Of each wanted volume the newest scan made on `day` or on the days before it, `days_back` in all.

    Raises QuestionError for volumes without one, which is no data and not zero. `partial` leaves them out.
    """
    first = day - timedelta(days=days_back - 1)
    start, end = day_start(first, zone), day_start(day + timedelta(days=1), zone)
    newest = {scan.volume: scan for scan in scans if start <= scan.scanned_at < end}
    missing = sorted(set(wanted) - newest.keys())
    if not wanted or not newest or (missing and not partial):
        raise QuestionError(
            f"volume {', '.join(missing) or '(any)'}: "
            f"expected a complete scan from {first} to {day}, found none"
            + ("; --partial reports on the others" if newest.keys() & set(wanted) else "")
        )
    return [newest[volume] for volume in sorted(newest.keys() & set(wanted))]


def rows_of(view: View, table: str, scans: Collection[Scan]) -> str:
    """A SELECT of the rows of `filesystem_usage` or `filesystem_directory` that belong to these scans."""
    first, last = min(scan.scanned_at for scan in scans), max(scan.scanned_at for scan in scans)
    window = (first, last + timedelta(seconds=1))
    batches = ", ".join(f"'{scan.batch_id}'" for scan in scans)
    return f"SELECT * FROM ({view.select(table, overlapping=window)}) WHERE batch_id IN ({batches})"


def byte_column(counted: str, scans: Collection[Scan]) -> str:
    """The column of what is to be counted. Raises QuestionError when a scan doesn't say it."""
    if counted not in BYTE_COUNTS:
        raise QuestionError(f"bytes: expected one of {', '.join(BYTE_COUNTS)}, found {counted!r}")
    silent = sorted({scan.volume for scan in scans if not scan.says_allocated})
    if counted == "allocated" and silent:
        raise QuestionError(
            f"bytes: expected scans that tell what is allocated, found others of {', '.join(silent)}"
        )
    return BYTE_COUNTS[counted]
