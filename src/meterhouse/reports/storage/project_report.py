"""What does each project keep in which directory, of which class, and what is to be done about it?

Files count, divided by their number of hard links unless asked otherwise; directories and links don't. A
directory's row has all that is below it, so a project's rows contain each other: `directory` "" is the whole.
Directories of one name below several roots that are shown alike (as of several MDTs) are one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from meterhouse.errors import QuestionError
from meterhouse.reports.storage import amounts
from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.decisions import Decision, decisions
from meterhouse.reports.storage.project_roots import Place
from meterhouse.reports.storage.question import Asked
from meterhouse.sources.filesystem.file_classes import DIRECTORY, LINK, SPECIAL, file_classes

_NO_FILES = frozenset({DIRECTORY, LINK, SPECIAL})


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """A directory of a project, with all below it. `group` is the one that keeps most there."""

    volume: str
    project: str
    directory: str
    files: int
    total_bytes: int
    class_bytes: dict[str, int]
    last_modified_days: Decimal | None
    pi: str | None
    group: str | None
    project_bytes: int
    decision: Decision


@dataclass(slots=True)
class _Sum:
    files: int = 0
    bytes: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    newest: datetime | None = None
    by_gid: dict[int, list[int]] = field(default_factory=dict)  # bytes and files, directories
    names: dict[int, str | None] = field(default_factory=dict)

    def add(self, row: dict[str, Any]) -> None:
        is_file = row["file_class"] != DIRECTORY
        bytes_ = int(row["bytes"] or 0) if is_file else 0
        self.files += int(row["files"])
        self.bytes += bytes_
        if is_file:
            self.classes[row["file_class"]] = self.classes.get(row["file_class"], 0) + bytes_
        if row["newest"] is not None:
            self.newest = max(filter(None, (self.newest, row["newest"])))
        kept = self.by_gid.setdefault(row["gid"], [0, 0, 0])
        for place, amount in enumerate((bytes_, row["files"], row["directories"])):
            kept[place] += int(amount)
        self.names.setdefault(row["gid"], row["name"])

    @property
    def gid(self) -> int:
        """Who keeps most bytes there; else most files, most directories; else the least id."""
        return min(self.by_gid, key=lambda gid: ([-one for one in self.by_gid[gid]], gid))


def project_report(asked: Asked) -> list[DirectoryRow]:
    """A row for each directory of each project, by volume, project and directory."""
    sums: dict[tuple[str, Place], _Sum] = {}
    for scan in asked.scans:
        _add_up(asked, scan, sums)
    groups, said = asked.groups(), decisions(asked.site)
    scans = {scan.volume: scan for scan in asked.scans}
    rows = []
    for (volume, place), one in sums.items():
        known = groups.find(scans[volume].resource, one.gid, one.names[one.gid])
        directory = "/".join(place.within)
        rows.append(
            DirectoryRow(
                volume,
                place.project,
                directory,
                one.files,
                one.bytes,
                one.classes,
                amounts.days_since(one.newest, scans[volume].scanned_at),
                known.pi if known else None,
                known.name if known else one.names[one.gid] or str(one.gid),
                sums[volume, Place(place.project, ())].bytes,
                said.get((volume, place.project, directory), Decision()),
            )
        )
    return sorted(rows, key=lambda row: (row.volume, row.project, row.directory))


def classes_of(asked: Asked) -> list[str]:
    """The classes that the volumes' files are told apart by, in the order of their tables."""
    found: dict[str, None] = {}
    for scan in asked.scans:
        declared = next((one for one in asked.site.settings.volumes if one.name == scan.volume), None)
        table = declared.file_classes if declared else None
        names = file_classes(asked.site.path / table if table else None).names
        found.update(dict.fromkeys(name for name in names if name not in _NO_FILES))
    return list(found)


def _add_up(asked: Asked, scan: Scan, sums: dict[tuple[str, Place], _Sum]) -> None:
    roots = asked.roots(scan.volume)
    if roots.depth is None:
        raise QuestionError(f"volume {scan.volume}: expected [[volumes.roots]] in the settings, found none")
    if scan.depth < roots.depth:
        raise QuestionError(
            f"volume {scan.volume}: expected a scan that tells {roots.depth} names of a path apart, found"
            f" {scan.depth}; read it again with the settings of now"
        )
    found = asked.engine.reader(
        f"""SELECT directory, gid, MAX(group_name) AS name, file_class, SUM({asked.bytes}) AS bytes,
                SUM(files) AS files, SUM(directories) AS directories, MAX(newest_modification) AS newest
            FROM ({asked.rows("filesystem_usage", [scan])}) WHERE file_class NOT IN ('{LINK}', '{SPECIAL}')
            GROUP BY directory, gid, file_class
            ORDER BY directory""",
        name="use by directory",
    )
    directory, places = "", []
    for batch in found:
        for row in batch.to_pylist():
            if row["directory"] != directory:
                directory = row["directory"]
                place = roots.place(directory)
                places = place.and_above() if place else []
            for one in places:
                sums.setdefault((scan.volume, one), _Sum()).add(row)
