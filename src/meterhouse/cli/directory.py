"""`meterhouse directory`: whose usage it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import open_site

app = typer.Typer(name="directory", help="People, institutions and projects.", no_args_is_help=True)


@app.command("import-xdmod")
def import_xdmod(
    context: typer.Context,
    names: Annotated[Path | None, typer.Option(help="names.csv")] = None,
    hierarchy: Annotated[Path | None, typer.Option(help="hierarchy.csv")] = None,
    group_to_hierarchy: Annotated[Path | None, typer.Option(help="group-to-hierarchy.csv")] = None,
    cloud_project_to_pi: Annotated[Path | None, typer.Option(help="cloud-project-to-pi CSV")] = None,
) -> None:
    """Import Open XDMoD's CSV files; each replaces the one of its kind that was imported before."""
    from meterhouse.errors import QuestionError
    from meterhouse.operations.directory_import import import_csv

    chosen = {
        "names": names,
        "hierarchy": hierarchy,
        "group-to-hierarchy": group_to_hierarchy,
        "cloud-project-to-pi": cloud_project_to_pi,
    }
    files = {kind: path for kind, path in chosen.items() if path is not None}
    if not files:
        raise QuestionError(f"directory import-xdmod: expected a file, one of --{', --'.join(chosen)}")
    with open_site(context) as site:
        for kind, path in files.items():
            landed = import_csv(site, kind, path)
            if landed.already_landed:
                print(f"{path}: as before")
                continue
            print(f"{path}: {sum(landed.rows.values())} records, {landed.rejections} rejected")
            for problem in site.warehouse.view().rejections(batch_id=landed.batch_id, limit=20):
                print(f"  {problem.rejection}", file=sys.stderr)
