"""`meterhouse storage top`, `old`, `duplicates`, `basedirs`, `forecast`, `cost`: one question each."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import Format, FormatOption, open_site
from meterhouse.cli.storage_options import Asking, GroupOption, LimitOption, UserOption, asking
from meterhouse.cli.storage_tables import print_answer, print_rows

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(value: str) -> int:
    """Bytes, of a number with or without K, M, G or T behind it."""
    text = value.strip().upper().removesuffix("IB")
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS and text[-1:] else (text, "")
    if not (number.isascii() and number.isdigit()):
        raise typer.BadParameter(f"expected bytes, such as 1000, 100M or 2G, found {value!r}")
    return int(number) * _UNITS[unit]


@asking
def top(
    context: typer.Context,
    asking: Asking,
    depth: Annotated[int, typer.Option("--depth", min=0, help="So far below the volume's top.")] = 1,
    order: Annotated[str, typer.Option("--by", help="bytes, files, inodes or directories.")] = "bytes",
    limit: LimitOption = 20,
    group: GroupOption = None,
    user: UserOption = None,
    how: FormatOption = Format.table,
) -> None:
    """Which directories of one depth hold most, with all below them."""
    from meterhouse.reports.storage.directories import TopRow, top_directories

    with open_site(context) as site, asking.of(site) as asked:
        rows = top_directories(
            asked, depth=depth, order=order, limit=limit, groups=tuple(group or ()), users=tuple(user or ())
        )
    print_rows(TopRow, rows, how, sizes=("bytes",), numeric=("files", "inodes", "directories"))


@asking
def old(
    context: typer.Context,
    asking: Asking,
    days: Annotated[int, typer.Option("--days", help="For so long; where an age bucket begins.")] = 365,
    since: Annotated[str, typer.Option("--since", help="Not touched by access, or modification.")] = "access",
    by: Annotated[str, typer.Option("--by", help="group, user, class or directory.")] = "group",
    limit: LimitOption = 20,
    how: FormatOption = Format.table,
) -> None:
    """Which files nobody has read or changed for long."""
    from meterhouse.reports.storage.old_data import OldRow, old_data

    with open_site(context) as site, asking.of(site) as asked:
        rows = old_data(asked, days=days, since=since, by=by, limit=limit)
    sizes = ("old_bytes", "all_bytes")
    print_rows(OldRow, rows, how, sizes=sizes, numeric=("old_files",), headings={"what": by})


@asking
def duplicates(
    context: typer.Context,
    asking: Asking,
    least_size: Annotated[
        int, typer.Option("--min-size", parser=parse_size, metavar="SIZE", help="Bytes, or as 100M, 2G.")
    ] = "100M",  # type: ignore[assignment]
    same_name: Annotated[
        bool, typer.Option("--same-name", help="Only files that have the same name, too.")
    ] = False,
    limit: LimitOption = 20,
    names: Annotated[int, typer.Option("--names", min=1, help="Show so many files of each set.")] = 3,
    group: GroupOption = None,
    user: UserOption = None,
    how: FormatOption = Format.table,
) -> None:
    """Which large files may be there twice: of one size, on any volume, and no hard links of each other.

    It needs scans whose entries are kept (entries = true in [[volumes]]).
    """
    from meterhouse.reports.storage.duplicates import DuplicateRow
    from meterhouse.reports.storage.duplicates import duplicates as alike

    with open_site(context) as site, asking.of(site) as asked:
        rows = alike(
            asked,
            least_size=least_size,
            same_name=same_name,
            limit=limit,
            names=names,
            groups=tuple(group or ()),
            users=tuple(user or ()),
        )
    print_rows(DuplicateRow, rows, how, sizes=("size", "spare_bytes"), numeric=("set", "copies"))


@asking
def basedirs(
    context: typer.Context,
    asking: Asking,
    by: Annotated[str, typer.Option("--by", help="Of each group, or user.")] = "group",
    split: Annotated[
        int, typer.Option("--split", min=0, help="One in each directory so far below the volume's top.")
    ] = 0,
    how: FormatOption = Format.table,
) -> None:
    """The deepest directories that hold all that a group or user keeps."""
    from meterhouse.reports.storage.base_directories import BaseRow, base_directories

    with open_site(context) as site, asking.of(site) as asked:
        rows = base_directories(asked, by=by, split=split)
    print_rows(BaseRow, rows, how, sizes=("bytes",), numeric=("files", "inodes"), headings={"owner": by})


@asking
def forecast(context: typer.Context, asking: Asking, how: FormatOption = Format.table) -> None:
    """When each group's quota of bytes and inodes will be full, as its last three scans tell."""
    from dataclasses import fields

    from meterhouse.reports.storage.forecast import ForecastRow
    from meterhouse.reports.storage.forecast import forecast as foresee

    with open_site(context) as site, asking.of(site) as asked:
        rows = foresee(asked)
    amounts = ("used", "quota", "per_day")
    columns = [field.name for field in fields(ForecastRow)]
    records = [{name: getattr(row, name) for name in columns} for row in rows]
    if how is Format.table:  # bytes and inodes stand in one column: each has its unit
        records = [
            record | {name: _with_measure(record["measure"], record[name]) for name in amounts}
            for record in records
        ]
    print_answer(records, columns, how, numeric=(*amounts, "points"))


@asking
def cost(
    context: typer.Context,
    asking: Asking,
    rate: Annotated[list[str], typer.Option("--rate", help="Per TiB and year: RATE, or VOLUME=RATE.")],
    by: Annotated[str, typer.Option("--by", help="group, user, class or directory.")] = "group",
    how: FormatOption = Format.table,
) -> None:
    """What it costs to keep for a year what is there."""
    from meterhouse.reports.storage.cost import CostRow, cost_of_keeping, rates_of

    rates = rates_of(rate)
    with open_site(context) as site, asking.of(site) as asked:
        rows = cost_of_keeping(asked, rates, by)
    numeric = ("rate", "cost_per_year")
    print_rows(CostRow, rows, how, sizes=("bytes",), numeric=numeric, headings={"what": by})


def _with_measure(measure: str, amount: int | None) -> str | None:
    from meterhouse.reports.storage.amounts import with_unit

    if amount is None:
        return None
    return with_unit(amount) if measure == "bytes" else f"{amount:,}"
