"""`meterhouse ingest`: read files of a known format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import open_site


def ingest(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Format; --list names them.")] = "",
    paths: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Files or folders.")] = None,
    resource: Annotated[str | None, typer.Option("--resource", "-r", help="Resource they come from.")] = None,
    volume: Annotated[str | None, typer.Option("--volume", help="scan, quota: the volume.")] = None,
    scanned_at: Annotated[
        str | None, typer.Option("--scanned-at", metavar="WHEN", help="scan, quota: when it was made.")
    ] = None,
    scan_format: Annotated[
        str | None, typer.Option("--scan-format", help="scan: its format, instead of what its lines tell.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="scan: order of the columns of a GPFS policy list.")
    ] = None,
    owner_kind: Annotated[
        str, typer.Option("--owner-kind", help="quota: group, user or project, where a dump doesn't say it.")
    ] = "group",
    owner: Annotated[
        str | None, typer.Option("--owner", help="quota: whose it is, where a dump of one doesn't name them.")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", help="slurm: of the clock that its lines show, instead of UTC."),
    ] = None,
    list_formats: Annotated[bool, typer.Option("--list", help="List the known formats.")] = False,
) -> None:
    """Read files of a known format: good records land, bad ones are reported and kept aside.

    Exit code 3: there was a file of which nothing could be taken.
    """
    from meterhouse.errors import QuestionError
    from meterhouse.sources.file_formats import file_formats, files_below

    formats = file_formats()
    if list_formats:
        for name, one in sorted(formats.items()):
            print(f"{name:20}  {one.doc}")
        return
    if kind not in formats:
        raise QuestionError(f"ingest: expected a format, one of {', '.join(sorted(formats))}, found {kind!r}")
    if not paths:
        raise QuestionError("ingest: expected at least one file, found none")
    if kind in ("scan", "quota"):  # all files are one reading of a volume
        from meterhouse.cli.scan import ingest_files

        ingest_files(
            context,
            kind,
            files_below(paths, "ingest"),
            volume=volume,
            resource=resource,
            scanned_at=scanned_at,
            scan_format=scan_format,
            columns=columns,
            owner_kind=owner_kind,
            owner=owner,
        )
        return
    if resource is None:
        raise QuestionError("ingest: expected --resource NAME, found none")
    how = {} if time_zone is None else {"time_zone": _time_zone(kind, time_zone)}
    failed = False
    with open_site(context) as site:
        site.settings.resource(resource)
        for path in files_below(paths, "ingest"):
            landed = site.warehouse.land(formats[kind].read(path, resource, **how))
            if landed.already_landed:
                print(f"{path}: already there (batch {landed.batch_id})")
                continue
            rows = sum(landed.rows.values())
            print(f"{path}: {rows} records, {landed.rejections} rejected (batch {landed.batch_id})")
            if landed.rejections:
                failed = failed or not rows
                for problem in site.warehouse.view().rejections(batch_id=landed.batch_id, limit=20):
                    print(f"  {problem.rejection}", file=sys.stderr)
                if landed.rejections > 20:
                    print(
                        f"  and {landed.rejections - 20} more: meterhouse rejected --batch {landed.batch_id}",
                        file=sys.stderr,
                    )
    if failed:  # a file of which nothing could be taken; bad records beside good ones are no failure
        raise typer.Exit(3)


def _time_zone(kind: str, name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from meterhouse.errors import QuestionError

    if kind != "slurm":
        raise QuestionError(f"ingest: expected --time-zone with slurm only, found it with {kind}")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise QuestionError(
            f"ingest: --time-zone: expected a zone such as Europe/London, found {name!r}"
        ) from None
