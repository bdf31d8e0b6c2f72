"""`meterhouse log`: the transaction log."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from meterhouse.cli.options import AsOfOption, FromOption, ProfileOption, ToOption, open_site


class LogFormat(StrEnum):
    """How the log is printed."""

    text = "text"
    csv = "csv"
    json = "json"


def log(
    context: typer.Context,
    first: FromOption,
    last: ToOption,
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Only this project, name or id.")
    ] = None,
    user: Annotated[list[str] | None, typer.Option("--user", help="Only this user.")] = None,
    institution: Annotated[list[str] | None, typer.Option("--institution", help="Only this one.")] = None,
    item: Annotated[list[str] | None, typer.Option("--item", help="Only this item, by its id.")] = None,
    profile: ProfileOption = "default",
    as_of: AsOfOption = None,
    how: Annotated[LogFormat, typer.Option("--format", help="How to print it.")] = LogFormat.text,
) -> None:
    """What happened, when and by whose account: a line for each change of state, in plain words."""
    from zoneinfo import ZoneInfo

    from meterhouse.reports.site_log import read_log
    from meterhouse.reports.transaction_log import write_log

    chosen = {"project": project, "user": user, "institution": institution}
    with open_site(context) as site:
        lines = read_log(
            site,
            first,
            last,
            filters={name: values for name, values in chosen.items() if values},
            items=item,
            rules=profile,
            as_of=as_of,
        )
        write_log(lines, sys.stdout, how.value, ZoneInfo(site.settings.site.time_zone))
        if not lines and how is LogFormat.text:
            print("Nothing happened, as far as is known.", file=sys.stderr)
