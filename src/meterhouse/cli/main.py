"""Which commands are there? Each is a few lines in a module of its own; nothing heavy is imported here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli import (
    allocations,
    build,
    collect,
    demo,
    directory,
    dump,
    ingest,
    init,
    log,
    report,
    scan,
    serve,
    spans,
    status,
    storage,
    usage,
    users,
    verify,
    work,
    xdmod,
)

app = typer.Typer(
    name="meterhouse",
    help="The accounts of a research computing centre, from raw records to reports that can be explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def site_option(
    context: typer.Context,
    site: Annotated[Path, typer.Option("--site", help="Folder of the site.")] = Path(),
) -> None:
    """Where the site is."""
    context.obj = site


for command in (
    init.init,
    demo.demo,
    collect.collect,
    ingest.ingest,
    scan.scan,
    build.build,
    build.compact,
    usage.usage,
    spans.spans,
    log.log,
    dump.dump,
    verify.verify,
    serve.serve,
    work.work,
    status.coverage,
    status.rejected,
):
    app.command()(command)
for group in (report.app, directory.app, allocations.app, storage.app, xdmod.app, users.app):
    app.add_typer(group)


def main() -> None:
    """Run the command line; a mistake that a person can mend is one clear line and exit code 1."""
    from meterhouse.errors import MeterhouseError

    try:
        app()
    except MeterhouseError as error:
        print(f"meterhouse: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


if __name__ == "__main__":
    main()
