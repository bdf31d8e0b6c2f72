"""`meterhouse spans`: session export."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import (
    AsOfOption,
    Format,
    FormatOption,
    FromOption,
    ProfileOption,
    ToOption,
    open_site,
    print_records,
)
from meterhouse.cli.options import filters as parse_filters


def spans(
    context: typer.Context,
    first: FromOption,
    last: ToOption,
    where: Annotated[list[str] | None, typer.Option("--where", help="Keep column=value.")] = None,
    profile: ProfileOption = "default",
    as_of: AsOfOption = None,
    how: FormatOption = Format.csv,
) -> None:
    """Every item in one state and size, from when to when: the sessions behind the figures."""
    from meterhouse.reports.spans import SPAN_COLUMNS, read_spans

    with open_site(context) as site:
        records = read_spans(site, first, last, rules=profile, where=parse_filters(where), as_of=as_of)
        print_records(records, SPAN_COLUMNS, how)
