"""Which data has nobody read or changed for long? Files by age, as of their scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.grouped import GROUPINGS, grouping_sql
from meterhouse.reports.storage.question import Asked
from meterhouse.sources.filesystem.file_classes import DIRECTORY, LINK, SPECIAL, age_buckets

SINCE = ("access", "modification")


@dataclass(frozen=True, slots=True)
class OldRow:
    """What is that old, of all that there is."""

    volume: str
    what: str
    old_bytes: int
    old_files: int
    all_bytes: int
    oldest_access: datetime | None


def old_data(
    asked: Asked, *, days: int = 365, since: str = "access", by: str = "group", limit: int = 20
) -> list[OldRow]:
    """Files not read (or changed, `since` "modification") for `days`, by volume and `by`; most bytes first.

    `days` must be where an age bucket begins. Files whose time isn't known are in `all_bytes` only.
    """
    buckets = [least for least, _ in age_buckets()]
    if days not in buckets:
        raise QuestionError(f"days: expected one of {', '.join(map(str, buckets))}, found {days}")
    if since not in SINCE or by not in GROUPINGS:
        raise QuestionError(
            f"expected since {' or '.join(SINCE)} and by {', '.join(GROUPINGS)}, found {since!r} and {by!r}"
        )
    old = f"{since}_age_days >= {days}"
    counts = ("old_bytes", "old_files", "all_bytes")
    rows = []
    for scan in asked.each_scan():
        found = asked.engine.query(
            f"""SELECT {grouping_sql(by)} AS what,
                    COALESCE(SUM({asked.bytes}) FILTER ({old}), 0) AS old_bytes,
                    COALESCE(SUM(files) FILTER ({old}), 0) AS old_files,
                    COALESCE(SUM({asked.bytes}), 0) AS all_bytes, MIN(oldest_access) AS oldest_access
                FROM ({asked.rows("filesystem_usage", [scan])})
                WHERE file_class NOT IN ('{DIRECTORY}', '{LINK}', '{SPECIAL}')
                GROUP BY 1 HAVING old_files > 0 ORDER BY old_bytes DESC, what LIMIT {int(limit)}""",
            name="old data",
        )
        rows += [
            OldRow(scan.volume, **row | {name: int(row[name]) for name in counts})
            for row in found.to_pylist()
        ]
    return sorted(rows, key=lambda row: (-row.old_bytes, row.volume, row.what))[:limit]
