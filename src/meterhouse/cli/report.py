"""`meterhouse report`: what people read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import AsOfOption, ProfileOption, names, open_site

app = typer.Typer(name="report", help="Reports for people: PDF, HTML, XLSX and CSV.", no_args_is_help=True)


@app.callback()
def reports() -> None:
    """Reports for people: PDF, HTML, XLSX and CSV."""


@app.command()
def monthly(
    context: typer.Context,
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path(),
    formats: Annotated[str, typer.Option("--formats", help="With commas.")] = "pdf,html,xlsx,csv",
    institution: Annotated[str | None, typer.Option("--institution", help="Only this one.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="Only this project, name or id.")] = None,
    with_log: Annotated[bool, typer.Option("--log", help="With the transaction log.")] = False,
    realm: Annotated[str, typer.Option("--realm", help="cloud, jobs, pods, or compute for all.")] = "cloud",
    profile: ProfileOption = "default",
    as_of: AsOfOption = None,
) -> None:
    """A month's usage by institution, project and user, with charts and coverage."""
    from meterhouse.reports.site_month import parse_month, site_month
    from meterhouse.reports.write import write_monthly

    with open_site(context) as site:
        report = site_month(
            site,
            parse_month(month),
            realm=realm,
            profile=profile,
            institution=institution,
            project=project,
            with_log=with_log,
            as_of=as_of,
        )
    for path in write_monthly(report, out, names(formats)):
        print(path)
