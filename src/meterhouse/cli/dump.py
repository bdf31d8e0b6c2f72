"""`meterhouse dump`: the data itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import AsOfOption, FromOption, ToOption, open_site


class DumpFormat(StrEnum):
    """How the tables are written."""

    csv = "csv"
    parquet = "parquet"


def dump(
    context: typer.Context,
    first: FromOption,
    last: ToOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to: new, or empty.")],
    project: Annotated[list[str] | None, typer.Option("--project", help="Only this one, name or id.")] = None,
    institution: Annotated[list[str] | None, typer.Option("--institution", help="Only this one.")] = None,
    as_of: AsOfOption = None,
    how: Annotated[DumpFormat, typer.Option("--format", help="How to write it.")] = DumpFormat.csv,
) -> None:
    """A CSV or Parquet file per table for a period, with a manifest and checksums."""
    from meterhouse.reports.site_dump import dump_site
    from meterhouse.usage.meters import find_grouping

    chosen = {"project": project, "institution": institution}
    filters = tuple((find_grouping(name), tuple(values)) for name, values in chosen.items() if values)
    with open_site(context) as site:
        print(dump_site(site, first, last, out, form=how.value, filters=filters, as_of=as_of))
