"""What does each group keep on each volume, against which quota, and since when untouched?

What is used is `shared_bytes` unless asked otherwise: every name, divided by its number of hard links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from meterhouse.reports.storage import amounts
from meterhouse.reports.storage.project_roots import ProjectRoots
from meterhouse.reports.storage.question import Asked
from meterhouse.settings import ProjectRoot

# A group that keeps less than this may have had its data archived: then its directory has a marker.
_HARDLY_ANYTHING = 100 * 2**20
_MARKER, _MARKER_CLASS = ".imirrored", "marker"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group on a volume. A quota of 0 is no limit; None is not known."""

    day: date
    volume: str
    pi: str | None
    group: str
    used_bytes: int
    quota_bytes: int | None
    last_modified_days: Decimal | None
    archived_directory: str | None
    is_own: bool
    scanned_at: datetime
    batch_id: str

    @property
    def consumption(self) -> str:
        """Use and quota in words."""
        return amounts.consumption(self.used_bytes, self.quota_bytes)


@dataclass(slots=True)
class _Used:
    gid: int
    name: str | None
    pi: str | None
    is_own: bool
    bytes: int = 0
    newest: datetime | None = None


def group_report(asked: Asked) -> list[GroupRow]:
    """A row for each volume and group that has something there, by volume, PI (unknown last) and group."""
    from meterhouse.reports.storage.quotas import group_quotas

    quotas = group_quotas(asked.view, asked.engine, asked.end)
    used = _used(asked)
    archived = _Archived(asked)
    rows = []
    for (batch_id, name), one in used.items():
        if one.bytes == 0 and one.newest is None:
            continue
        scan = asked.scan_of(batch_id)
        rows.append(
            GroupRow(
                asked.question.day,
                scan.volume,
                one.pi,
                name,
                one.bytes,
                quotas.find(scan, one.gid, name).bytes,
                amounts.days_since(one.newest, scan.scanned_at),
                archived.directory(scan.volume, name) if one.bytes < _HARDLY_ANYTHING else None,
                one.is_own,
                scan.scanned_at,
                batch_id,
            )
        )
    return sorted(rows, key=lambda row: (row.volume, row.pi is None, row.pi or "", row.group))


def _used(asked: Asked) -> dict[tuple[str, str], _Used]:
    """What was used by batch and group; ids of one name are one group, ids without a name are their own."""
    groups = asked.groups()
    used: dict[tuple[str, str], _Used] = {}
    for scan in asked.each_scan():
        found = asked.engine.query(
            f"""SELECT gid, MAX(group_name) AS name, SUM({asked.bytes}) AS bytes,
                    MAX(newest_modification) AS newest
                FROM ({asked.rows("filesystem_usage", [scan])}) GROUP BY gid ORDER BY gid""",
            name="use by group",
        )
        for row in found.to_pylist():
            known = groups.find(scan.resource, row["gid"], row["name"])
            name = known.name if known else row["name"] or str(row["gid"])
            first = _Used(row["gid"], row["name"], known.pi if known else None, known is not None)
            into = used.setdefault((scan.batch_id, name), first)
            into.bytes += int(row["bytes"] or 0)
            into.newest = max(filter(None, (into.newest, row["newest"])), default=None)
    return used


class _Archived:
    """Directories of groups with a marker right in them: their data lies in an archive."""

    def __init__(self, asked: Asked) -> None:
        self._marked: dict[str, list[str]] = {}
        for volume, directory in _marked(asked):
            self._marked.setdefault(volume, []).append(directory)
        self._roots: dict[str, ProjectRoots] = {}
        for scan in asked.scans:
            declared = next((one for one in asked.site.settings.volumes if one.name == scan.volume), None)
            top = scan.top.rstrip("/")
            usual = tuple(ProjectRoot(path=f"{top}/{name}") for name in ("teams", "projects"))
            self._roots[scan.volume] = ProjectRoots(declared.roots if declared and declared.roots else usual)

    def directory(self, volume: str, group: str) -> str | None:
        """The marked directory that is called as the group: below the first root that has one."""
        places = [
            (number, directory)
            for directory in self._marked.get(volume, ())
            if (number := self._roots[volume].is_at_root(directory, group)) is not None
        ]
        return min(places)[1] if places else None


def _marked(asked: Asked) -> Iterator[tuple[str, str]]:
    """Volume and directory wherever a file or a directory is a marker."""
    files = asked.engine.query(
        f"""SELECT DISTINCT volume, directory FROM ({asked.rows("filesystem_usage")})
            WHERE file_class = '{_MARKER_CLASS}'""",
        name="markers",
    )
    directories = asked.engine.query(
        f"""SELECT DISTINCT volume, directory FROM ({asked.rows("filesystem_directory")})
            WHERE directory LIKE '%/{_MARKER}'""",
        name="marker directories",
    )
    for row in files.to_pylist():
        yield row["volume"], row["directory"]
    for row in directories.to_pylist():
        yield row["volume"], row["directory"].removesuffix(f"/{_MARKER}")
