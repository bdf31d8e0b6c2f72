"""What does each project keep in which directory, of which class, and what is to be done about it?

Files count, divided by their number of hard links unless asked otherwise; directories and links don't. A
directory's row has all that is below it, so a project's rows contain each other: `directory` "" is the whole.
Directories of one name below several roots that are shown alike (as of several MDTs) are one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from meterhouse.errors import QuestionError
from meterhouse.reports.storage import amounts
from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.decisions import Decision, decisions
from meterhouse.reports.storage.question import Asked
from meterhouse.sources.filesystem.file_classes import DIRECTORY, LINK, SPECIAL, file_classes

if TYPE_CHECKING:
    import pyarrow as pa

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
    gid: int = 0
    group: str | None = None


def project_report(asked: Asked) -> list[DirectoryRow]:
    """A row for each directory of each project, by volume, project and directory."""
    groups, said = asked.groups(), decisions(asked.site, asked.known)
    rows = []
    for scan in asked.each_scan():
        sums = _sums(asked, scan)
        for (project, directory), one in sums.items():
            known = groups.find(scan.resource, one.gid, one.group)
            rows.append(
                DirectoryRow(
                    scan.volume,
                    project,
                    directory,
                    one.files,
                    one.bytes,
                    one.classes,
                    amounts.days_since(one.newest, scan.scanned_at),
                    known.pi if known else None,
                    known.name if known else one.group or str(one.gid),
                    sums[project, ""].bytes,
                    said.get((scan.volume, project, directory), Decision()),
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


def _sums(asked: Asked, scan: Scan) -> dict[tuple[str, str], _Sum]:
    """What a scan says of each directory of a project, by both; added up by the engine."""
    engine = asked.engine
    rows = asked.rows("filesystem_usage", [scan])
    places = _places(asked, scan, rows)
    if not places.num_rows:
        return {}
    engine.relation("project_place", places)
    engine.materialise(
        "project_use",
        f"""SELECT p.project, p.within, u.gid, u.file_class, MAX(u.group_name) AS group_name,
                COALESCE(SUM(u.{asked.bytes}) FILTER (u.file_class <> '{DIRECTORY}'), 0) AS bytes,
                SUM(u.files) AS files, SUM(u.directories) AS directories, MAX(u.newest_modification) AS newest
            FROM ({rows}) AS u JOIN project_place AS p ON p.directory = u.directory
            WHERE u.file_class NOT IN ('{LINK}', '{SPECIAL}')
            GROUP BY p.project, p.within, u.gid, u.file_class""",
    )
    sums: dict[tuple[str, str], _Sum] = {}
    by_class = engine.query(
        """SELECT project, within, file_class, SUM(bytes) AS bytes, SUM(files) AS files, MAX(newest) AS newest
            FROM project_use GROUP BY project, within, file_class""",
        name="projects by class",
    )
    for row in by_class.to_pylist():
        into = sums.setdefault((row["project"], row["within"]), _Sum())
        into.newest = max(filter(None, (into.newest, row["newest"])), default=None)
        if row["file_class"] != DIRECTORY:
            into.files += int(row["files"])
            into.bytes += int(row["bytes"])
            into.classes[row["file_class"]] = int(row["bytes"])
    # whose a directory is: who keeps most bytes there; else most files, most directories; else the least id
    owners = engine.query(
        """SELECT project, within, gid, group_name FROM (
                SELECT project, within, gid, MAX(group_name) AS group_name, ROW_NUMBER() OVER (
                    PARTITION BY project, within
                    ORDER BY SUM(bytes) DESC, SUM(files) DESC, SUM(directories) DESC, gid
                ) AS place
                FROM project_use GROUP BY project, within, gid
            ) WHERE place = 1""",
        name="groups of projects",
    )
    for row in owners.to_pylist():
        into = sums[row["project"], row["within"]]
        into.gid, into.group = row["gid"], row["group_name"]
    return sums


def _places(asked: Asked, scan: Scan, rows: str) -> pa.Table:
    """Where each directory of a scan counts: columns directory, project, within; several rows a directory."""
    import pyarrow as pa

    roots = asked.roots(scan.volume)
    if roots.depth is None:
        raise QuestionError(f"volume {scan.volume}: expected [[volumes.roots]] in the settings, found none")
    if scan.depth < roots.depth:
        raise QuestionError(
            f"volume {scan.volume}: expected a scan that tells {roots.depth} names of a path apart, found"
            f" {scan.depth}; read it again with the settings of now"
        )
    found: dict[str, list[str]] = {"directory": [], "project": [], "within": []}
    directories = asked.engine.reader(f"SELECT DISTINCT directory FROM ({rows})", name="directories")
    for batch in directories:
        for directory in batch.column(0).to_pylist():
            place = roots.place(directory)
            for one in place.and_above() if place else ():
                for name, value in zip(found, (directory, one.project, "/".join(one.within)), strict=True):
                    found[name].append(value)
    return pa.table({name: pa.array(values, pa.string()) for name, values in found.items()})
