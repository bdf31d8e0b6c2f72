"""`meterhouse xdmod`: what Open XDMoD would answer."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from meterhouse.cli.options import AsOfOption, Format, FormatOption, open_site, parse_day, print_records

app = typer.Typer(name="xdmod", help="Open XDMoD's statistics, from the same records.", no_args_is_help=True)


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
    """Open XDMoD's statistics, from the same records."""


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
    from meterhouse.feeds.xdmod.query import Query
    from meterhouse.feeds.xdmod.site_query import answer_site_query

    asked = Query.ask(
        realm=realm,
        statistic=statistic,
        group_by=group_by,
        unit=unit.value,
        first=first,
        last=last,
        mode=mode.value,
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
