"""What does each user keep, by group and volume, and when was it last changed?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from meterhouse.reports.storage.grouped import grouping_sql
from meterhouse.reports.storage.question import Asked


@dataclass(frozen=True, slots=True)
class UserRow:
    """What a user keeps in the name of a group on a volume; names, or ids where nobody knows them."""

    user: str
    group: str
    volume: str
    used_bytes: int
    files: int
    last_modified: date | None


def user_report(asked: Asked) -> list[UserRow]:
    """A row for each user, group and volume, in this order."""
    zone = ZoneInfo(asked.site.settings.site.time_zone)
    rows = []
    for scan in asked.each_scan():
        found = asked.engine.query(
            f"""SELECT {grouping_sql("user")} AS user_name, {grouping_sql("group")} AS group_name,
                    SUM({asked.bytes}) AS bytes, SUM(files) AS files, MAX(newest_modification) AS newest
                FROM ({asked.rows("filesystem_usage", [scan])}) GROUP BY 1, 2""",
            name="use by user",
        )
        rows += [
            UserRow(
                row["user_name"],
                row["group_name"],
                scan.volume,
                int(row["bytes"] or 0),
                int(row["files"]),
                row["newest"].astimezone(zone).date() if row["newest"] else None,
            )
            for row in found.to_pylist()
        ]
    return sorted(rows, key=lambda row: (row.user, row.group, row.volume))
