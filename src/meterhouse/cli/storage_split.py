"""`meterhouse storage split` and `upload`: scans by group, for the programs that read them so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import open_site


def split(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scans of mpistat or wrstat.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    own: Annotated[bool, typer.Option("--own", help="Only groups that the site knows.")] = False,
    groups_file: Annotated[
        Path | None,
        typer.Option("--groups", help="With --own: CSV file with group, pi and gid, not the directory."),
    ] = None,
    below: Annotated[
        list[str] | None,
        typer.Option("--below", metavar="PATH", help="With --own: of others what lies in this directory."),
    ] = None,
    resource: Annotated[
        str, typer.Option("--resource", "-r", help="With --own: the resource that the groups are on.")
    ] = "",
    group_file: Annotated[
        Path | None, typer.Option("--group-file", help="Names of groups; this machine's if none.")
    ] = None,
    passwd_file: Annotated[
        Path | None, typer.Option("--passwd-file", help="Names of users; this machine's if none.")
    ] = None,
) -> None:
    """Split scans into one file a group, with an index, and the users and groups beside them.

    The folder is there when all of it is; an index says how long a reader takes to start.
    """
    from meterhouse.cli.progress import ProgressBar
    from meterhouse.feeds.filesystem.owner_dumps import group_dump, passwd_dump
    from meterhouse.feeds.filesystem.splitter import split as split_scans
    from meterhouse.reports.storage.known_groups import groups_of_directory, groups_of_file
    from meterhouse.sources.filesystem.owner_names import names_of
    from meterhouse.sources.filesystem.path_text import path_of_text

    def text(path: Path | None, instead: str) -> str:
        return path.read_text(encoding="utf-8", errors="surrogateescape") if path else instead

    if group_file is not None:
        names = names_of(group_file)
    else:
        import grp

        names = {one.gr_gid: one.gr_name for one in reversed(grp.getgrall())}
    dumps = {"groupfile": text(group_file, group_dump()), "passwdfile": text(passwd_file, passwd_dump())}
    with open_site(context) as site:
        known = None
        if own:
            known = (
                groups_of_file(groups_file)
                if groups_file
                else groups_of_directory(site, datetime.now(UTC).date())
            )

        def wanted(gid: int, name: str | None) -> bool:
            return known is None or known.find(resource, gid, name) is not None

        also = [path_of_text(path) for path in below or ()]
        with ProgressBar(sum(path.stat().st_size for path in files if path.is_file())) as bar:
            made = split_scans(
                files, out, names, wanted=wanted, also_below=also, dumps=dumps, progress=bar.at
            )
    for name, records in made.records.items():
        print(f"{out / name}: {records} records")
    print(f"{made.left_out} records of other groups, {made.bad_lines} bad lines")


def upload(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder whose files go there.")],
    target: Annotated[str, typer.Option("--to", metavar="TARGET", help="A folder, or s3://bucket/prefix.")],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="Of the object store; Amazon's if none.")
    ] = None,
) -> None:
    """Put the files of a folder into another or an object store: what differs, checked, the index last."""
    from meterhouse.feeds.filesystem.upload import upload as put

    done = put(folder, target, endpoint=endpoint)
    print(f"{target}: {len(done)} files put{': ' if done else ''}{', '.join(done)}")
