"""What do the replaced pipeline's files look like? Tab-separated, with its columns; "-" is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meterhouse.reports.storage.amounts import rounded, tib
from meterhouse.reports.storage.group_report import GroupRow
from meterhouse.reports.storage.project_report import DirectoryRow
from meterhouse.reports.storage.user_report import UserRow

GROUP_COLUMNS = (
    *("Lustre Volume", "PI", "Unix Group", "Used (bytes)", "Quota (bytes)", "Consumption"),
    *("Last Modified (days)", "Archived Directories", "Is Humgen?"),
)

PROJECT_COLUMNS = (
    *("Project", "Directory", "Total", "BAM", "CRAM", "VCF", "PED/BED", "Files", "Last Modified (days)"),
    *("PI", "Unix Group", "Volume", "Project Total", "Status", "Action", "Comment"),
)
# The classes that stand in columns of their own there.
PROJECT_CLASSES = ("bam", "cram", "vcf", "pedbed")
WHOLE_PROJECT = "*TOTAL*"


def group_lines(rows: Iterable[GroupRow]) -> Iterator[str]:
    """The lines of a group report, the heading first."""
    yield line(GROUP_COLUMNS)
    for row in rows:
        yield line(
            (
                *(row.volume, row.pi, row.group, row.used_bytes, row.quota_bytes, row.consumption),
                *(row.last_modified_days, row.archived_directory, row.is_own),
            )
        )


def project_lines(rows: Iterable[DirectoryRow]) -> Iterator[str]:
    """The lines of a project report, the heading first; sizes in TiB."""
    yield line(PROJECT_COLUMNS)
    for row in rows:
        yield line(
            (
                *(row.project, row.directory or WHOLE_PROJECT, tib(row.total_bytes, 3)),
                *(tib(row.class_bytes.get(name, 0), 3) for name in PROJECT_CLASSES),
                *(row.files, row.last_modified_days, row.pi, row.group, row.volume),
                *(tib(row.project_bytes, 3), row.decision.status or None, row.decision.action or None),
                row.decision.comment or None,
            )
        )


def line(values: Sequence[object]) -> str:
    """One line. Tabs and line ends in names are written as spaces: the format has no way to quote them."""
    return "\t".join(
        "-" if value is None else " ".join(str(value).split("\t")).replace("\n", " ") for value in values
    )


def user_lines(rows: Iterable[UserRow], volumes: Sequence[str]) -> Iterator[str]:
    """Two lines for each user and group, sizes in MiB and last changes, with a column a volume."""
    found: dict[tuple[str, str], dict[str, UserRow]] = {}
    for row in rows:
        found.setdefault((row.user, row.group), {})[row.volume] = row
    yield line(("Username", "Data", "Group", *volumes))
    for (user, group), kept in found.items():
        on = [kept.get(volume) for volume in volumes]
        yield line((user, "size", group, *(rounded(one.used_bytes, 2**20, 2) if one else None for one in on)))
        yield line((user, "mtime", group, *(one.last_modified if one else None for one in on)))
