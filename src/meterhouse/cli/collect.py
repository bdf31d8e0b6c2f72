"""`meterhouse collect`: read the configured systems."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meterhouse.cli.options import open_site


def collect(
    context: typer.Context,
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="All if none.")] = None,
    listen: Annotated[bool, typer.Option("--listen", help="Keep listening to notifications.")] = False,
) -> None:
    """Read the configured systems once. A call that fails is told, and read again the next time."""
    import logging

    from meterhouse.operations.collection.collecting import chosen_sources, collect_source

    # What is tried again and works in the end is no news; what fails is told with its coverage.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    failed = False
    with open_site(context) as site:
        for source in chosen_sources(site, sources or []):
            for one in collect_source(site, source, idle_seconds=None if listen else 10.0):
                print(f"{one.source}: {one.records} records, {one.landed.rejections} rejected", flush=True)
                for failure in one.failures:
                    failed = True
                    print(f"  failed: {failure}", file=sys.stderr)
    if failed:
        raise typer.Exit(4)
