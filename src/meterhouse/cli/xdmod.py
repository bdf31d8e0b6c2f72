"""`meterhouse xdmod`: what Open XDMoD would answer, and the files that it reads."""

from __future__ import annotations

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import (
    AsOfOption,
    Format,
    FormatOption,
    FromOption,
    ToOption,
    open_site,
    parse_day,
    print_records,
    visible,
)

app = typer.Typer(
    name="xdmod", help="Open XDMoD's statistics from the same records, and its files.", no_args_is_help=True
)
_SHOWN = 20


class Unit(StrEnum):
    """Which of Open XDMoD's tables is asked."""

    day = "day"
    month = "month"
    quarter = "quarter"
    year = "year"


class Mode(StrEnum):
    """A figure for each period, or one for all of them."""

    timeseries = "timeseries"
    aggregate = "aggregate"


class Capacity(StrEnum):
    """What a utilisation is a share of."""

    auto = "auto"
    declared = "declared"
    hypervisors = "hypervisors"


@app.callback()
def group() -> None:
    """Open XDMoD's statistics from the same records, and its files."""


@app.command()
def query(
    context: typer.Context,
    first: Annotated[
        date | None, typer.Option("--from", parser=parse_day, metavar="DAY", help="First day.")
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=parse_day, metavar="DAY", help="Last day, included.")
    ] = None,
    statistic: Annotated[
        str | None, typer.Option("--statistic", help="Statistic; --list names them.")
    ] = None,
    realm: Annotated[str, typer.Option("--realm", help="Realm: Cloud, Jobs or Storage.")] = "Cloud",
    group_by: Annotated[str, typer.Option("--group-by", help="Group-by; --list names them.")] = "none",
    unit: Annotated[
        Unit, typer.Option("--unit", help="Table that is asked, in both modes; its periods count whole.")
    ] = Unit.day,
    mode: Annotated[Mode, typer.Option("--mode", help="Every period, or all together.")] = Mode.timeseries,
    capacity: Annotated[
        Capacity, typer.Option("--capacity", help="What a utilisation is a share of.")
    ] = Capacity.auto,
    user: Annotated[
        str | None, typer.Option("--user", metavar="LOGIN", help="Only what this user sees: their own use.")
    ] = None,
    pi: Annotated[
        str | None,
        typer.Option(
            "--pi", metavar="LOGIN", help="Only what this PI sees: their own use and their groups'."
        ),
    ] = None,
    as_of: AsOfOption = None,
    how: FormatOption = Format.table,
    list_all: Annotated[bool, typer.Option("--list", help="List realms, statistics and group-bys.")] = False,
) -> None:
    """One statistic as Open XDMoD prints it: columns period, label and value.

    A time series has every label in every period; 0 without decimals is also what Open XDMoD prints for a
    label that nothing has in a period.
    """
    from meterhouse.errors import QuestionError

    if list_all:
        from meterhouse.feeds.xdmod.listing import LISTING_COLUMNS, listing

        print_records(listing(), LISTING_COLUMNS, how)
        return
    if statistic is None or first is None or last is None:
        raise QuestionError("xdmod query: expected --statistic, --from and --to (or --list)")
    if user is not None and pi is not None:
        raise QuestionError("xdmod query: expected one of --user and --pi, found both")
    from meterhouse.feeds.xdmod.query import Query, SeenBy
    from meterhouse.feeds.xdmod.site_query import answer_site_query

    seen_by = SeenBy("user", user) if user is not None else SeenBy("pi", pi) if pi is not None else None
    asked = Query.ask(
        realm=realm,
        statistic=statistic,
        group_by=group_by,
        unit=unit.value,
        first=first,
        last=last,
        mode=mode.value,
        seen_by=seen_by,
    )
    with open_site(context) as site:
        rows = answer_site_query(site, asked, capacity=capacity.value, as_of=as_of)
    print_records(
        [{"period": row.period, "label": row.label, "value": row.value} for row in rows],
        ("period", "label", "value"),
        how,
        numeric=("value",),
        empty="No data: nothing touches these days.",
    )


@app.command()
def write(
    context: typer.Context,
    resource: Annotated[str, typer.Option("--resource", "-r", help="Resource that the files are about.")],
    first: FromOption,
    last: ToOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    milli_cpu: Annotated[
        bool, typer.Option("--milli-cpu", help="Count CPUs of jobs and pods in thousandths of a core.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write what there is of a period that is not covered.")
    ] = False,
    as_of: AsOfOption = None,
) -> None:
    """Write the files that Open XDMoD shreds: OpenStack events, Slurm lines, storage, hypervisor facts,
    resources.json and resource_specs.json.

    A period that is not covered is refused: what is missing would be taken for zero. Exit code 3: there were
    records that Open XDMoD has no room for.
    """
    from meterhouse.feeds.xdmod.writing.site_files import write_site_files

    with open_site(context) as site:
        written = write_site_files(
            site, resource, first, last, out, milli_cpu=milli_cpu, partial=partial, as_of=as_of
        )
    for file in written.files:
        print(f"{file.path}: {file.records} records")
    _complain([*written.remarks, *(f"left out: {one}" for one in written.left_out)])
    if written.left_out:
        raise typer.Exit(3)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders.")],
    remarks: Annotated[
        bool, typer.Option("--remarks", help="Name also the records that Open XDMoD takes but doesn't count.")
    ] = False,
) -> None:
    """Check files against Open XDMoD's formats: names, fields, types and limits.

    Exit code 1: there was something that Open XDMoD would refuse or lose.
    """
    from meterhouse.feeds.xdmod.checking.files import check_file
    from meterhouse.sources.file_formats import files_below

    wrong = False
    for path in files_below(paths, "check"):
        checked = check_file(path)
        wrong = wrong or bool(checked.faults)
        told = f"{checked.records} records, {len(checked.faults)} faults, {len(checked.remarks)} not counted"
        print(f"{visible(path)}: {checked.format}, {told}")
        _complain([f"  {fault}" for fault in checked.faults])
        if remarks:
            _complain([f"  {remark}" for remark in checked.remarks])
    if wrong:
        raise typer.Exit(1)


def _complain(lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        print(visible(line), file=sys.stderr)
    if len(lines) > _SHOWN:
        print(f"and {len(lines) - _SHOWN:,} more", file=sys.stderr)
