"""`meterhouse verify`: are the figures right?"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from meterhouse.cli.options import (
    AsOfOption,
    Format,
    FormatOption,
    open_site,
    parse_day,
    print_records,
)

if TYPE_CHECKING:
    from meterhouse.operations.verify import Verification

_COLUMNS = ("severity", "check", "what", "expected", "found", "where")


def verify(
    context: typer.Context,
    first: Annotated[
        date | None, typer.Option("--from", parser=parse_day, metavar="DAY", help="First day to compare.")
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=parse_day, metavar="DAY", help="Last day to compare, included."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Only the rules of this profile: default or xdmod.")
    ] = None,
    as_of: AsOfOption = None,
    how: FormatOption = Format.table,
) -> None:
    """Count everything again from the raw records by another way and compare; exit code 1 if it differs."""
    from meterhouse.operations.verify import verify as verify_site

    with open_site(context) as site:
        found = verify_site(site, first=first, last=last, profile=profile, as_of=as_of)
    records = [{name: getattr(finding, name) for name in _COLUMNS} for finding in found.findings]
    if how is Format.json:
        print(json.dumps({"good": found.is_good, "snapshot": found.snapshot, "checked": found.checked,
                          "findings": records}, indent=1))  # fmt: skip
    elif how is Format.csv:
        print_records(records, _COLUMNS, how)
    else:
        if records:
            print_records(records, _COLUMNS, how)
        print(_summary(found))
    if not found.is_good:
        raise typer.Exit(1)


def _summary(found: Verification) -> str:
    looked_at = ", ".join(f"{count} {what}" for what, count in found.checked.items()) or "nothing"
    counts = f"{found.count('error')} errors, {found.count('warning')} warnings, {found.count('note')} notes"
    if not found.is_good:
        verdict = "Not everything is as it should be"
    elif found.count("warning"):
        verdict = "No figure is wrong, but see the warnings"
    else:
        verdict = "All figures agree with the raw records"
    return f"{verdict}: {counts}. Looked at {looked_at}; snapshot {found.snapshot}."
