"""`meterhouse work`: reports and exports that were asked for on the web site."""

from __future__ import annotations

from typing import Annotated

import typer


def work(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False,
    parent: Annotated[
        int | None, typer.Option("--parent", hidden=True, help="End with the process of this number.")
    ] = None,
) -> None:
    """Make the reports and exports that were asked for on the web site, as `serve` does by itself."""
    from meterhouse.web.work.running import run_worker

    run_worker(context.obj, once=once, parent=parent)
