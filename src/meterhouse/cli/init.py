"""`meterhouse init`: make a site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make the site in.")],
    name: Annotated[str | None, typer.Option("--name", help="The site's name.")] = None,
) -> None:
    """Make a site: settings, register and warehouse. Asks nothing."""
    from meterhouse.site import Site

    with Site.init(directory, name) as site:
        print(f"Site {site.settings.site.name!r} in {site.path}.")
        print("Next: declare its resources in meterhouse.toml.")
