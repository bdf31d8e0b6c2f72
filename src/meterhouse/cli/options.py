"""Which options do several commands share, and how are answers printed?"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meterhouse.errors import QuestionError
from meterhouse.reports.exchanged import plain

if TYPE_CHECKING:
    from meterhouse.site import Site


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"


def parse_day(value: str) -> date:
    """A day as YYYY-MM-DD."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"expected a day as YYYY-MM-DD, found {value!r}") from None


def parse_as_of(value: str) -> int | datetime:
    """A snapshot number, or a moment in ISO 8601 (UTC unless it says otherwise)."""
    if re.fullmatch(r"[0-9]+", value):
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"expected a snapshot number or a moment, found {value!r}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


FormatOption = Annotated[Format, typer.Option("--format", help="How to print it.")]
FromOption = Annotated[date, typer.Option("--from", parser=parse_day, metavar="DAY", help="First day.")]
ToOption = Annotated[date, typer.Option("--to", parser=parse_day, metavar="DAY", help="Last day, included.")]
AsOfOption = Annotated[
    Any,
    typer.Option("--as-of", parser=parse_as_of, metavar="WHEN", help="As known then: a moment or snapshot."),
]
ProfileOption = Annotated[str, typer.Option("--profile", help="Meter profile: default or xdmod.")]


def open_site(context: typer.Context) -> Site:
    """The site that --site names."""
    from meterhouse.site import Site

    return Site.open(context.obj)


def names(value: str | None) -> list[str]:
    """A comma-separated list."""
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def filters(values: Iterable[str] | None) -> dict[str, list[str]]:
    """`grouping=value` options; the same grouping again adds a value."""
    found: dict[str, list[str]] = {}
    for value in values or ():
        name, sign, wanted = value.partition("=")
        if not sign:
            raise QuestionError(f"where: expected grouping=value, found {value!r}")
        found.setdefault(name, []).append(wanted)
    return found


def _cell(value: object) -> Any:
    """A value as CSV has it: nothing for null, `true` and `false`."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else plain(value)


def visible(value: object) -> str:
    """A value for a terminal: control characters, also those that turn text around, are spelt out."""
    text = "" if value is None else str(plain(value))
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _figure(value: object) -> object:
    """A figure with at most four decimals, as a terminal shows it; CSV and JSON have all of them."""
    if not isinstance(value, str | Decimal):
        return value
    try:
        exact = Decimal(value)
    except InvalidOperation:  # a word instead of a figure
        return value
    if not exact.is_finite() or int(exact.as_tuple().exponent) >= -4:
        return value
    return exact.quantize(Decimal("0.0001"))


def print_records(
    records: Iterable[Mapping[str, object]],
    columns: Sequence[str],
    how: Format,
    *,
    numeric: Iterable[str] = (),
    empty: str = "No data.",
) -> None:
    """Print records as a table, CSV (a header line, \\n line ends) or a JSON array."""
    if how is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for record in records:
            writer.writerow([_cell(record[name]) for name in columns])
    elif how is Format.json:
        rows = [{name: plain(record[name]) for name in columns} for record in records]
        json.dump(rows, sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        _print_table(list(records), columns, frozenset(numeric), empty)


def _print_table(
    records: list[Mapping[str, object]], columns: Sequence[str], numeric: frozenset[str], empty: str
) -> None:
    from meterhouse.cli.table import print_table

    if not records:
        print(empty)
        return
    # Ids of what has none are a column of nothing.
    columns = [name for name in columns if not name.endswith("_id") or any(one[name] for one in records)]
    rows = [
        [visible(_figure(one[name]) if name in numeric else one[name]) for name in columns] for one in records
    ]
    print_table(columns, rows, numeric)
