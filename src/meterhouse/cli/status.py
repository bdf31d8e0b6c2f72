"""`meterhouse coverage` and `meterhouse rejected`: what was read, and what could not be taken."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import AsOfOption, Format, FormatOption, open_site, print_records

_COVERAGE = ("resource", "source", "call", "start", "end", "outcome", "records", "detail")
_REJECTED = ("batch", "source", "origin", "record", "field", "expected", "found", "excerpt")


def coverage(
    context: typer.Context,
    resource: Annotated[str | None, typer.Option("--resource", "-r", help="Only this resource.")] = None,
    as_of: AsOfOption = None,
    how: FormatOption = Format.table,
) -> None:
    """Which windows of which source were read, and how that went."""
    with open_site(context) as site:
        windows = site.warehouse.view(as_of).coverage(resource=resource)
        records = [{name: getattr(window, name) for name in _COVERAGE} for window in windows]
    print_records(records, _COVERAGE, how, numeric=["records"], empty="Nothing has been read yet.")


def rejected(
    context: typer.Context,
    batch: Annotated[str | None, typer.Option("--batch", help="Only of this batch.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 1000,
    how: FormatOption = Format.table,
) -> None:
    """Records that could not be taken: where they stand, what was expected and found."""
    with open_site(context) as site:
        found = site.warehouse.view().rejections(batch_id=batch, limit=limit)
    records = [
        {
            "batch": one.batch_id,
            "source": one.source,
            **{name: getattr(one.rejection, name) for name in _REJECTED[2:]},
        }
        for one in found
    ]
    print_records(records, _REJECTED, how, numeric=["record"], empty="Nothing was rejected.")
