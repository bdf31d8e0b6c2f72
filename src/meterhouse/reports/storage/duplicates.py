"""Which files may be there twice? Regular files of one size that are different inodes, from kept entries.

Equal sizes are candidates, not proof: a scan doesn't read what is in a file. What has the same name too is a
better candidate (`same_name`). Small files are of equal size by chance, so there is a least size.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.grouped import GROUPINGS
from meterhouse.reports.storage.question import Asked

LEAST_SIZE = 100 * 2**20


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """A file of a set: `copies` inodes of one size, of which all but one might be spared.

    A set has as many rows as names were asked for; `copies` and `spare_bytes` are of the whole set.
    """

    set: int
    size: int
    copies: int
    spare_bytes: int
    volume: str
    group: str
    user: str
    path: str


def duplicates(
    asked: Asked,
    *,
    least_size: int = LEAST_SIZE,
    same_name: bool = False,
    limit: int = 20,
    names: int = 3,
    groups: tuple[str, ...] = (),
    users: tuple[str, ...] = (),
) -> list[DuplicateRow]:
    """Sets of files of one size on all volumes, those first that would spare most; `names` of each set.

    `groups` and `users` look at theirs only. Raises QuestionError for a scan whose entries weren't kept.
    """
    engine = asked.engine
    silent = [scan.volume for scan in asked.scans if not asked.says("filesystem_entry", scan)]
    if silent:
        raise QuestionError(
            f"volume {', '.join(silent)}: expected a scan whose entries are kept, found one without;"
            " set entries = true in [[volumes]] and read it again"
        )
    conditions: list[str] = []
    parameters: list[str] = []
    for name, values in (("group", groups), ("user", users)):
        if values:
            conditions.append(f'AND "{name}" IN ({", ".join("?" * len(values))})')
            parameters += values
    engine.materialise(
        "owner_name",
        f"""SELECT batch_id, gid, uid, MAX({GROUPINGS["group"]}) AS "group",
                MAX({GROUPINGS["user"]}) AS "user"
            FROM ({asked.rows("filesystem_usage")}) GROUP BY batch_id, gid, uid""",
    )
    also_name = ", name" if same_name else ""
    found = engine.query(
        f"""WITH file AS (
                SELECT e.volume, e.path, e.size, e.inode, e.device, o."group", o."user",
                    SPLIT_PART(e.path, '/', -1) AS name
                FROM ({asked.rows("filesystem_entry")}) AS e
                JOIN owner_name AS o ON o.batch_id = e.batch_id AND o.gid = e.gid AND o.uid = e.uid
                WHERE e.type = 'f' AND e.links > 0 AND e.size >= {int(least_size)} {" ".join(conditions)}
            ),
            inode AS (  -- each inode by the first of its names
                SELECT volume, size, MIN(path) AS path, ARG_MIN("group", path) AS "group",
                    ARG_MIN("user", path) AS "user", ARG_MIN(name, path) AS name
                FROM file GROUP BY volume, device, inode, size
            ),
            alike AS (
                SELECT size{also_name}, COUNT(*) AS copies,
                    CAST(size AS HUGEINT) * (COUNT(*) - 1) AS spare_bytes
                FROM inode GROUP BY size{also_name} HAVING COUNT(*) > 1
            ),
            greatest AS (
                SELECT *, ROW_NUMBER() OVER (ORDER BY spare_bytes DESC, size DESC{also_name}) AS "set"
                FROM alike QUALIFY "set" <= {int(limit)}
            )
            SELECT g."set", g.size, g.copies, g.spare_bytes, i.volume, i."group", i."user", i.path
            FROM greatest AS g JOIN inode AS i USING (size{also_name})
            QUALIFY ROW_NUMBER() OVER (PARTITION BY g."set" ORDER BY i.volume, i.path) <= {int(names)}
            ORDER BY g."set", i.volume, i.path""",
        parameters,
        name="duplicates",
    )
    return [DuplicateRow(**row | {"spare_bytes": int(row["spare_bytes"])}) for row in found.to_pylist()]
