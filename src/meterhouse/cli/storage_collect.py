"""`meterhouse storage collect`: take in the newest complete scan of every volume."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from meterhouse.cli.options import open_site, parse_day
from meterhouse.cli.storage_options import VolumesOption, WithinOption
from meterhouse.cli.storage_questions import parse_size

if TYPE_CHECKING:
    from meterhouse.operations.filesystem.collecting import Reading


def collect(
    context: typer.Context,
    day: Annotated[
        date | None,
        typer.Option("--day", parser=parse_day, metavar="DATE", help="Newest as of this day; today if none."),
    ] = None,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    memory: Annotated[
        int,
        typer.Option(
            "--memory", parser=parse_size, metavar="SIZE", help="What all of it may take, such as 4G."
        ),
    ] = "1G",  # type: ignore[assignment]
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="At most so many volumes at once; else as many as cores."),
    ] = None,
) -> None:
    """Find and take in the newest complete scan of every volume that has scans = PATTERN in the settings.

    Volumes are read at the same time, as memory and cores allow. Exit code 3: of some volume there is none.
    """
    from meterhouse.cli.progress import ProgressBar
    from meterhouse.cli.scan import COMPILING
    from meterhouse.operations.filesystem.collecting import collect_scans, scans_of, workers_within
    from meterhouse.sources.filesystem.compiled import is_compiled

    with open_site(context) as site:
        today = datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
        scans = scans_of(site, day or today, within, volume or ())
        workers = workers_within(memory >> 20, jobs, len(scans))
        total = sum(path.stat().st_size for sets in scans.values() for one in sets[:1] for path in one.files)
        if not is_compiled():
            print(COMPILING, file=sys.stderr)
        readings: dict[str, Reading] = {}
        with ProgressBar(total) as bar:

            def progress(reading: Reading) -> None:
                readings[reading.volume] = reading
                bar.at(
                    sum(one.read_bytes for one in readings.values()),
                    sum(one.lines for one in readings.values()),
                )

            collected = collect_scans(site, scans, workers, progress)
    for one in collected:
        print(
            f"{one.volume}: {one.outcome}: {one.detail}",
            file=sys.stderr if one.outcome == "failed" else sys.stdout,
        )
    if any(one.outcome == "failed" for one in collected):
        raise typer.Exit(3)
