"""`meterhouse build`: raw records to spans to daily usage; `meterhouse compact`: few large files."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import open_site


def build(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Everything anew, not only what is new.")] = False,
) -> None:
    """Make spans and daily usage from everything that has landed."""
    from meterhouse.usage.build import build as build_usage
    from meterhouse.usage.rollups import roll_up

    with open_site(context) as site:
        report = build_usage(site.warehouse, site.engine, site.settings.site.time_zone, full=full)
        roll_up(site.warehouse.view(), site.engine)
    if report.way == "nothing new":
        print("Nothing new to build.")
        return
    rows = ", ".join(f"{count} {table}" for table, count in sorted(report.rows.items()))
    print(f"Built ({report.way}): {report.items} items; rows written: {rows}; snapshot {report.snapshot}.")


def compact(
    context: typer.Context,
    daily_after: Annotated[
        int | None,
        typer.Option("--daily-after", min=1, metavar="DAYS", help="Then keep one snapshot a day."),
    ] = None,
) -> None:
    """Merge small files of the warehouse and delete what no snapshot needs. Merging runs by itself, too.

    Without --daily-after, every build can be read as of for ever. Raw records are never deleted here.
    """
    from datetime import UTC, datetime, timedelta

    with open_site(context) as site:
        if daily_after is not None:
            site.warehouse.thin_snapshots(datetime.now(UTC) - timedelta(days=daily_after))
        report = site.warehouse.compact()
        garbage = site.warehouse.collect_garbage()
    print(f"Merged {report.files_before} small files into {len(report.merges)}.")
    print(f"Deleted {garbage.superseded_files + garbage.orphaned_files} files, {garbage.bytes:,} bytes.")
