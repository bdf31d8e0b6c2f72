"""What lies in a directory? What is right below it, and whose, how old and of which class it all is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.question import Asked
from meterhouse.reports.storage.quotas import group_quotas

_MOST = 500


@dataclass(frozen=True, slots=True)
class Below:
    """A directory with all below it."""

    directory: str
    bytes: int
    files: int
    newest_modification: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """What is of one owner, age or class. `quota_bytes` is a group's: 0 is none, None not known."""

    what: str
    bytes: int
    files: int
    newest_modification: datetime | None
    quota_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """What lies in a directory of a scan, each list the greatest first, ages the youngest first."""

    scan: Scan
    path: str
    bytes: int
    files: int
    below: tuple[Below, ...]
    groups: tuple[Part, ...]
    users: tuple[Part, ...]
    classes: tuple[Part, ...]
    ages: tuple[Part, ...]  # by least days since the files were read; "" is not known


def within(asked: Asked, scan: Scan, path: str) -> Within:
    """What lies in `path`, which is the top of the scan or stands below it. Raises QuestionError."""
    top = scan.top.rstrip("/") or "/"
    path = path.rstrip("/") or top
    if path != top and not path.startswith(top.rstrip("/") + "/"):
        raise QuestionError(f"directory: expected one of {top}, found {path!r}")
    inside = f"{path.rstrip('/')}/"
    usage, directories = asked.rows("filesystem_usage", [scan]), asked.rows("filesystem_directory", [scan])
    here = "(directory = ? OR starts_with(directory, ?))"

    def parts(what: str, order: str = "bytes DESC, what", more: str = "") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = asked.engine.query(
            f"""SELECT {what} AS what, CAST(COALESCE(SUM({asked.bytes}), 0) AS HUGEINT) AS bytes,
                    CAST(SUM(files) AS BIGINT) AS files, MAX(newest_modification) AS newest_modification
                    {more}
                FROM ({usage}) WHERE {here} GROUP BY 1 ORDER BY {order} LIMIT {_MOST}""",
            [path, inside],
            name="what lies in a directory",
        ).to_pylist()
        return rows

    below = asked.engine.query(
        f"""SELECT directory, CAST(COALESCE(SUM({asked.bytes}), 0) AS HUGEINT) AS bytes,
                CAST(SUM(files) AS BIGINT) AS files, MAX(newest_modification) AS newest_modification
            FROM ({directories})
            WHERE depth = {_depth(path) + 1} AND starts_with(directory, ?)
            GROUP BY directory ORDER BY bytes DESC, directory LIMIT {_MOST}""",
        [inside],
        name="directories right below",
    ).to_pylist()
    quotas = group_quotas(asked.view, asked.engine, asked.end)
    group = "COALESCE(group_name, CAST(gid AS VARCHAR))"
    by_group = parts(group, more=", MIN(gid) AS gid")
    by_class = parts("file_class")
    return Within(
        scan,
        path,
        sum(int(row["bytes"]) for row in by_class),
        sum(int(row["files"]) for row in by_class),
        tuple(Below(**row | _whole(row)) for row in below),
        tuple(
            Part(
                row["what"],
                int(row["bytes"]),
                int(row["files"]),
                row["newest_modification"],
                quotas.find(scan, row["gid"], row["what"]).bytes if path == top else None,
            )
            for row in by_group
        ),
        tuple(Part(**row | _whole(row)) for row in parts("COALESCE(user_name, CAST(uid AS VARCHAR))")),
        tuple(Part(**row | _whole(row)) for row in by_class),
        tuple(
            Part(**row | _whole(row))
            for row in parts(
                "COALESCE(CAST(access_age_days AS VARCHAR), '')", "MIN(access_age_days) NULLS LAST"
            )
            if row["files"]
        ),
    )


def _depth(path: str) -> int:
    return len([name for name in path.split("/") if name])


def _whole(row: dict[str, Any]) -> dict[str, int]:
    return {"bytes": int(row["bytes"] or 0), "files": int(row["files"] or 0)}
