"""Which storage files does Open XDMoD shred? Samples of stored bytes, a file a site day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.feeds.xdmod.realms import find_realm
from meterhouse.feeds.xdmod.writing.out_files import Written, write_array
from meterhouse.feeds.xdmod.writing.period import Period, moment

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_TABLE = "storage_usage"


def write_storage_samples(
    view: View, engine: DuckDBEngine, resource: str, period: Period, folder: Path, written: Written
) -> None:
    """Write what `view` knows of `resource` in `period`, each sample once."""
    if not view.files(_TABLE):
        return
    # The realm Storage says which of several tellings of one sample counts.
    counted = (
        f"WITH {_TABLE} AS ({view.select(_TABLE, overlapping=period.window)}) {find_realm('Storage').source}"
    )
    rows = engine.query(
        f"""SELECT mountpoint, user_name, group_name, dt, file_count, logical_usage, physical_usage,
                soft_threshold, hard_threshold
            FROM ({counted})
            WHERE resource = ? AND dt >= {moment(period.start)} AND dt < {moment(period.end)}
            ORDER BY dt, mountpoint, user_name, group_name""",
        [resource],
        name="xdmod write storage",
    ).to_pylist()
    if not rows and not _has_any(view, engine, resource):
        return
    by_day: dict[str, list[dict[str, Any]]] = {day.isoformat(): [] for day in period.days}
    for row in rows:
        by_day[period.day_of(row["dt"]).isoformat()].append(row)
    for day, of_day in by_day.items():
        path = folder / "storage" / f"{resource}-{day}.json"
        written.files.append(write_array(path, _samples(resource, of_day)))


def _has_any(view: View, engine: DuckDBEngine, resource: str) -> bool:
    found = engine.query(f"SELECT 1 FROM ({view.select(_TABLE)}) WHERE resource = ? LIMIT 1", [resource])
    return bool(found.num_rows)


def _samples(resource: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        taken: datetime = row["dt"]
        sample = {
            "resource": resource,
            "mountpoint": row["mountpoint"],
            "user": row["user_name"],
            "pi": row["group_name"],
            "dt": taken.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "file_count": row["file_count"],
            "logical_usage": row["logical_usage"],
            # 0 stands for no threshold
            "soft_threshold": row["soft_threshold"] or 0,
            "hard_threshold": row["hard_threshold"] or 0,
        }
        if row["physical_usage"] is not None:
            sample["physical_usage"] = row["physical_usage"]
        yield sample
