"""`meterhouse scan`, `ingest scan` and `ingest quota`: what is on file systems, and who may keep how much."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterhouse.cli.options import open_site

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.sources.delivery import Delivery

COMPILING = "The reader of scans is compiled now, once: this takes a minute at most."


def scan(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Directory to scan, with all below it.")],
    volume: Annotated[str, typer.Option("--volume", help="Volume that it is.")],
    resource: Annotated[str | None, typer.Option("--resource", "-r", help="Resource that it is on.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; gzip, as wrstat writes it.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Directories at once.")] = 4,
    only_write: Annotated[
        bool, typer.Option("--only-write", help="Write the file, and land nothing.")
    ] = False,
) -> None:
    """Scan a file system with this user's rights, and take the scan in.

    A scan that was killed goes on where it was, if it is given the same file to write. What can't be read
    is counted, and listed in the file with `.unreadable` behind its name.
    """
    from meterhouse.cli.progress import ProgressBar
    from meterhouse.operations.filesystem.volumes import resource_of, volume_of
    from meterhouse.sources.filesystem.scanner import scan as walk

    with open_site(context) as site:
        resource = resource_of(site, volume, resource)
        if out is None:
            out = _unfinished(site.path / "scans", volume)
            out.parent.mkdir(exist_ok=True)
        with ProgressBar(None, "entries") as bar:
            result = walk(path, out, threads=threads, on_chunk=lambda entries: bar.at(0, entries))
        print(f"{result.path}: {result.entries} entries{', resumed' if result.resumed else ''}")
        if result.unreadable:
            print(f"{len(result.unreadable)} could not be read:", file=sys.stderr)
            for one in result.unreadable[:20]:
                print(f"  {one}", file=sys.stderr)
        if only_write:
            return
        from meterhouse.sources.filesystem.scans import read_scan

        with ProgressBar(result.path.stat().st_size) as bar:
            delivery = read_scan(
                [result.path],
                resource,
                volume_of(site, volume),
                scanned_at=datetime.fromtimestamp(result.path.stat().st_mtime, UTC),
                scan_format="wrstat-blocks",
                unreadable=len(result.unreadable),
                progress=bar.at,
            )
            _land(site, delivery)


def _unfinished(folder: Path, volume: str) -> Path:
    """The file of a scan that was broken off, or else of a new one."""
    left = sorted(folder.glob(f"*_{volume}.stats.gz.partial"))
    if left:
        return left[-1].with_suffix("")
    return folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}_{volume}.stats.gz"


def ingest_files(
    context: typer.Context,
    kind: str,
    paths: list[Path],
    *,
    volume: str | None,
    resource: str | None,
    scanned_at: str | None,
    scan_format: str | None,
    columns: str | None,
    owner_kind: str,
    owner: str | None,
) -> None:
    """Take in the files of one scan of a volume, or each of several dumps of its quotas."""
    from meterhouse.cli.progress import ProgressBar
    from meterhouse.errors import QuestionError
    from meterhouse.operations.filesystem.volumes import resource_of, volume_of

    if volume is None:
        raise QuestionError(f"ingest {kind}: expected --volume NAME, found none")
    moment = _moment(scanned_at) if scanned_at else None
    with open_site(context) as site:
        resource = resource_of(site, volume, resource)
        if kind == "scan":
            from meterhouse.sources.filesystem.scans import read_scan

            total = sum(path.stat().st_size for path in paths if path.is_file())
            with ProgressBar(total) as bar:
                delivery = read_scan(
                    paths,
                    resource,
                    volume_of(site, volume),
                    scanned_at=moment,
                    scan_format=scan_format,
                    columns=columns,
                    progress=bar.at,
                )
                failed = _land(site, delivery)
        else:
            from meterhouse.sources.filesystem.quotas import read_quotas

            failed = False
            for path in paths:
                delivery = read_quotas(
                    path,
                    resource,
                    volume,
                    observed_at=moment,
                    owner_kind=owner_kind,
                    owner=owner,
                    mountpoint=volume_of(site, volume).top,
                )
                failed = _land(site, delivery) or failed
    if failed:
        raise typer.Exit(3)


def _land(site: Site, delivery: Delivery) -> bool:
    """Land it and say what came of it; true when nothing of it could be taken."""
    from meterhouse.sources.filesystem.compiled import is_compiled
    from meterhouse.sources.filesystem.scans import SOURCE, IncompleteScan

    if delivery.source == SOURCE and not is_compiled():
        print(COMPILING, file=sys.stderr)
    try:
        landed = site.warehouse.land(delivery)
    except IncompleteScan as incomplete:
        site.warehouse.land(incomplete.report)
        print(f"meterhouse: {incomplete}", file=sys.stderr)
        return True
    if landed.already_landed:
        print(f"{delivery.origin}: already there (batch {landed.batch_id})")
        return False
    for window in landed.coverage:
        print(f"{delivery.origin}: {window.outcome}, {window.detail} (batch {landed.batch_id})")
    if landed.rejections:
        for problem in site.warehouse.view().rejections(batch_id=landed.batch_id, limit=20):
            print(f"  {problem.rejection}", file=sys.stderr)
        if landed.rejections > 20:
            more = f"and {landed.rejections - 20} more: meterhouse rejected --batch {landed.batch_id}"
            print(f"  {more}", file=sys.stderr)
    return not landed.rows


def _moment(text: str) -> datetime:
    from meterhouse.errors import QuestionError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise QuestionError(f"scanned-at: expected a moment in ISO 8601, found {text!r}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
