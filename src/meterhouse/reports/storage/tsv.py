"""What do the replaced pipeline's files look like? Tab-separated, with its columns; "-" is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meterhouse.reports.storage.group_report import GroupRow

GROUP_COLUMNS = (
    *("Lustre Volume", "PI", "Unix Group", "Used (bytes)", "Quota (bytes)", "Consumption"),
    *("Last Modified (days)", "Archived Directories", "Is Humgen?"),
)


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


def line(values: Sequence[object]) -> str:
    """One line. Tabs and line ends in names are written as spaces: the format has no way to quote them."""
    return "\t".join(
        "-" if value is None else " ".join(str(value).split("\t")).replace("\n", " ") for value in values
    )
