"""Which directories hold most? Those of one depth, with all below them, so that none contains another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterhouse.errors import QuestionError
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
    depths = " OR ".join(
        f"(batch_id = '{scan.batch_id}' AND depth = {_names_in(scan.top) + depth})" for scan in asked.scans
    )
    rows = asked.rows("filesystem_directory")
    told = asked.engine.query(f"SELECT DISTINCT volume FROM ({rows})", name="volumes with directories")
    silent = {scan.volume for scan in asked.scans} - set(told.column(0).to_pylist())
    if silent:
        raise QuestionError(
            f"volume {', '.join(sorted(silent))}: expected a scan with its directories, found one without"
        )
    owner = {"group": groups, "user": users}
    conditions = [
        f"COALESCE({name}_name, CAST({name[0]}id AS VARCHAR)) IN ({', '.join('?' * len(values))})"
        for name, values in owner.items()
        if values
    ]
    found = asked.engine.query(
        f"""SELECT volume, directory, CAST(SUM({asked.bytes}) AS HUGEINT) AS bytes, SUM(files) AS files,
                SUM(inodes) AS inodes, SUM(directories) AS directories, MIN(oldest_access) AS oldest_access,
                MAX(newest_modification) AS newest_modification
            FROM ({rows}) WHERE {" AND ".join([f"({depths})", *conditions])}
            GROUP BY volume, directory ORDER BY {order} DESC, volume, directory LIMIT {int(limit)}""",
        [*groups, *users],
        name="top directories",
    )
    counts = ("bytes", "files", "inodes", "directories")
    return [TopRow(**row | {name: int(row[name] or 0) for name in counts}) for row in found.to_pylist()]


def _names_in(path: str) -> int:
    return len([name for name in path.split("/") if name])
