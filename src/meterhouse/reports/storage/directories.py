"""Which directories hold most? Those of one depth, with all below them, so that none contains another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.grouped import grouping_sql
from meterhouse.reports.storage.question import Asked

ORDERS = ("bytes", "files", "inodes", "directories")


@dataclass(frozen=True, slots=True)
class TopRow:
    """A directory with all below it."""

    volume: str
    directory: str
    bytes: int
    files: int
    inodes: int
    directories: int
    oldest_access: datetime | None
    newest_modification: datetime | None


def top_directories(
    asked: Asked,
    *,
    depth: int = 1,
    order: str = "bytes",
    limit: int = 20,
    groups: tuple[str, ...] = (),
    users: tuple[str, ...] = (),
) -> list[TopRow]:
    """The directories `depth` below the top of their volume that hold most, the greatest first.

    `groups` and `users` count only what is theirs. Raises QuestionError for a scan without directories.
    """
    if order not in ORDERS:
        raise QuestionError(f"by: expected one of {', '.join(ORDERS)}, found {order!r}")
    owner = {"group": groups, "user": users}
    conditions = [
        f"{grouping_sql(name)} IN ({', '.join('?' * len(values))})"
        for name, values in owner.items()
        if values
    ]
    counts = ("bytes", "files", "inodes", "directories")
    top = []
    for scan in asked.each_scan():
        rows = asked.rows("filesystem_directory", [scan])
        require_directories(asked, scan)
        found = asked.engine.query(
            f"""SELECT directory, CAST(SUM({asked.bytes}) AS HUGEINT) AS bytes, SUM(files) AS files,
                    SUM(inodes) AS inodes, SUM(directories) AS directories,
                    MIN(oldest_access) AS oldest_access, MAX(newest_modification) AS newest_modification
                FROM ({rows})
                WHERE {" AND ".join([f"depth = {names_in(scan.top) + depth}", *conditions])}
                GROUP BY directory ORDER BY {order} DESC, directory LIMIT {int(limit)}""",
            [*groups, *users],
            name="top directories",
        )
        top += [
            TopRow(scan.volume, **row | {name: int(row[name] or 0) for name in counts})
            for row in found.to_pylist()
        ]
    return sorted(top, key=lambda row: (-getattr(row, order), row.volume, row.directory))[:limit]


def require_directories(asked: Asked, scan: Scan) -> None:
    """Raises QuestionError for a scan of which directories weren't kept."""
    if not asked.says("filesystem_directory", scan):
        raise QuestionError(
            f"volume {scan.volume}: expected a scan with its directories, found one without"
            " (directories = false in the settings of then)"
        )


def names_in(path: str) -> int:
    """How many names a path has."""
    return len([name for name in path.split("/") if name])
