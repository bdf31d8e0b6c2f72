"""Which options do the commands of `meterhouse storage` share, and how is their question asked?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterhouse.cli.options import parse_day

if TYPE_CHECKING:
    from meterhouse.reports.storage.question import Asked
    from meterhouse.site import Site


class ReportFormat(StrEnum):
    """How a report is printed: `tsv` has the columns of the pipeline that this replaces."""

    table = "table"
    csv = "csv"
    json = "json"
    tsv = "tsv"


DayArgument = Annotated[date, typer.Argument(parser=parse_day, metavar="DATE", help="Day of the report.")]
VolumesOption = Annotated[list[str] | None, typer.Option("--volume", help="Only this volume.")]
WithinOption = Annotated[
    int, typer.Option("--within", min=1, help="Take the newest complete scan of so many days.")
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Leave out volumes without a complete scan, instead of failing.")
]
BytesOption = Annotated[
    str,
    typer.Option("--bytes", help="shared (divided by hard links), apparent, or allocated on disk."),
]
GroupsOption = Annotated[
    Path | None,
    typer.Option("--groups", help="CSV file with group, pi and gid, instead of the directory."),
]
ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help="How to print it.")]


@contextmanager
def ask(
    site: Site,
    day: date,
    volumes: list[str] | None,
    within: int,
    partial: bool,
    counted: str = "shared",
    groups: Path | None = None,
) -> Iterator[Asked]:
    """Choose the scans that answer the question of a command."""
    from meterhouse.reports.storage.question import StorageQuestion, asked

    question = StorageQuestion(day, tuple(volumes or ()), within, partial, counted, groups)
    with asked(site, question) as opened:
        yield opened
