"""Where is all that somebody keeps? The deepest directories that hold everything of a group or user.

Somebody's base directory is the deepest one that has all that is theirs: names of files, directories and
links. What is theirs often lies in several places, so a volume can be split into areas, the directories so
many names below its top; then each area has a base directory for each who keeps something there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.directories import names_in, require_directories
from meterhouse.reports.storage.grouped import grouping_sql
from meterhouse.reports.storage.question import Asked

OWNERS = ("group", "user")


@dataclass(frozen=True, slots=True)
class BaseRow:
    """A base directory, and what its owner keeps there."""

    volume: str
    owner: str
    directory: str
    bytes: int
    files: int
    inodes: int
    newest_modification: datetime | None


def base_directories(asked: Asked, *, by: str = "group", split: int = 0) -> list[BaseRow]:
    """The base directories of every group (or user), by volume, owner and directory.

    `split`: areas begin so many names below a volume's top; what lies above them has no base directory then.
    """
    if by not in OWNERS:
        raise QuestionError(f"by: expected one of {', '.join(OWNERS)}, found {by!r}")
    counts = ("bytes", "files", "inodes")
    bases = []
    for scan in asked.each_scan():
        require_directories(asked, scan)
        depth = names_in(scan.top) + split
        found = asked.engine.query(
            f"""WITH kept AS (
                    SELECT {grouping_sql(by)} AS owner, directory, depth, SUM({asked.bytes}) AS bytes,
                        SUM(files) AS files, SUM(inodes) AS inodes,
                        SUM(files + directories + others) AS names,
                        MAX(newest_modification) AS newest_modification
                    FROM ({asked.rows("filesystem_directory", [scan])}) WHERE depth >= {depth}
                    GROUP BY 1, 2, 3
                )
                SELECT owner, directory, bytes, files, inodes, newest_modification FROM kept
                -- the area's own directory has all names; of those that have as many the deepest is the base
                QUALIFY ROW_NUMBER() OVER (
                    PARTITION BY owner, ARRAY_TO_STRING(STRING_SPLIT(directory, '/')[1:{depth + 1}], '/')
                    ORDER BY names DESC, depth DESC, directory
                ) = 1
                ORDER BY owner, directory""",
            name="base directories",
        )
        bases += [
            BaseRow(scan.volume, **row | {name: int(row[name] or 0) for name in counts})
            for row in found.to_pylist()
        ]
    return bases
