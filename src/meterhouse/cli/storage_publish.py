"""`meterhouse storage publish`: reports on file systems into the tables of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterhouse.cli.options import open_site
from meterhouse.cli.storage_options import Asking, GroupsOption, asking_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meterhouse.feeds.filesystem.report_tables import ProjectRecord, Remarks, UsageRecord
    from meterhouse.reports.storage.group_report import GroupRow
    from meterhouse.reports.storage.project_report import DirectoryRow
    from meterhouse.site import Site


@asking_now
def publish(
    context: typer.Context,
    asking: Asking,
    url: Annotated[
        str,
        typer.Option(
            "--to", metavar="URL", help="postgresql://, mariadb:// or mysql://user@host:port/database."
        ),
    ],
    groups_file: GroupsOption = None,
    projects: Annotated[
        bool, typer.Option("--projects/--no-projects", help="Whether to write spaceman too.")
    ] = True,
    replace: Annotated[bool, typer.Option("--replace", help="Swap what is there of that date.")] = False,
    password_env: Annotated[
        str | None, typer.Option("--password-env", help="Environment variable with the password.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the password.")
    ] = None,
) -> None:
    """Write the kept group report and the project report to a database, in one transaction.

    The tables are lustre_usage and spaceman. What people wrote into spaceman as status, action or comment
    stays there, and is noted in the site too.
    """
    from meterhouse.errors import QuestionError
    from meterhouse.feeds.filesystem.databases import connected
    from meterhouse.feeds.filesystem.sql_sink import make_tables, put_projects, put_usage
    from meterhouse.reports.storage.kept_groups import kept_groups
    from meterhouse.reports.storage.project_report import project_report

    with open_site(context) as site:
        password = _password(site, password_env, password_file)
        day = asking.day
        kept = [row for row in kept_groups(site, day) if not asking.volume or row.volume in asking.volume]
        volumes = sorted({row.volume for row in kept})
        if not kept:
            raise QuestionError(f"publish: expected a kept group report of {day}, found none")
        directories: list[DirectoryRow] = []
        scanned: list[str] = []
        if projects:
            with asking.of(site, groups_file) as asked:
                directories = project_report(asked)
                scanned = [scan.volume for scan in asked.scans]
        with connected(url, password) as database:
            make_tables(database)
            put_usage(database, day, volumes, [_usage(row) for row in kept], replace=replace)
            remarks = (
                put_projects(database, scanned, [_project(row) for row in directories]) if scanned else {}
            )
        noted = _note(site, remarks)
    print(
        f"lustre_usage: {len(kept)} rows of {day}; spaceman: {len(directories)} rows; {noted} remarks noted"
    )


def _password(site: Site, env: str | None, file: Path | None) -> str | None:
    from meterhouse.settings_section import Secret

    if env is None and file is None:
        return None
    return Secret(env=env, file=file).reveal(site.path)


def _usage(row: GroupRow) -> UsageRecord:
    from meterhouse.feeds.filesystem.report_tables import UsageRecord

    return UsageRecord(
        row.volume,
        row.pi,
        row.group,
        row.used_bytes,
        row.quota_bytes,
        row.consumption,
        row.last_modified_days,
        row.archived_directory,
        row.day,
        row.is_own,
    )


def _project(row: DirectoryRow) -> ProjectRecord:
    from meterhouse.feeds.filesystem.report_tables import ProjectRecord, Remarks
    from meterhouse.reports.storage.amounts import tib
    from meterhouse.reports.storage.tsv import PROJECT_CLASSES, WHOLE_PROJECT

    bam, cram, vcf, pedbed = (tib(row.class_bytes.get(name, 0), 3) for name in PROJECT_CLASSES)
    return ProjectRecord(
        row.project,
        row.directory or WHOLE_PROJECT,
        row.volume,
        row.files,
        tib(row.total_bytes, 3),
        bam,
        cram,
        vcf,
        pedbed,
        row.last_modified_days,
        row.pi,
        tib(row.project_bytes, 3),
        row.group,
        Remarks(row.decision.status, row.decision.action, row.decision.comment),
    )


def _note(site: Site, remarks: Mapping[tuple[str, str, str], Remarks]) -> int:
    """Note what people wrote into the table where the site has nothing to say; how many it was."""
    from meterhouse.reports.storage.decisions import Decision, decide, decisions
    from meterhouse.reports.storage.tsv import WHOLE_PROJECT

    said = decisions(site)
    noted = 0
    for (project, directory, volume), told in remarks.items():
        within = "" if directory == WHOLE_PROJECT else directory
        mine = said.get((volume, project, within), Decision())
        new = {
            name: getattr(told, name)
            for name in ("status", "action", "comment")
            if getattr(told, name) and not getattr(mine, name)
        }
        if new:
            decide(site, volume, project, within, "spaceman", **new)
            noted += 1
    return noted
