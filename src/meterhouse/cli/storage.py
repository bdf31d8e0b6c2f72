"""`meterhouse storage`: reports on file systems, from scans and quotas."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli import (
    storage_collect,
    storage_decisions,
    storage_publish,
    storage_questions,
    storage_split,
)
from meterhouse.cli.options import Format, open_site
from meterhouse.cli.storage_options import (
    Asking,
    GroupsOption,
    ReportFormat,
    ReportFormatOption,
    asking,
)
from meterhouse.cli.storage_tables import print_answer, print_rows

app = typer.Typer(
    name="storage",
    help="Who keeps what on file systems, where, and since when, from scans and quotas.",
    no_args_is_help=True,
)


@app.command("groups")
@asking
def groups(
    context: typer.Context,
    asking: Asking,
    groups_file: GroupsOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Make a report anew that is kept.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print what is kept, and make nothing.")] = False,
    how: ReportFormatOption = ReportFormat.table,
) -> None:
    """Make and keep the report of what each group keeps on each volume, against which quota.

    With --as-of it is only printed: what is kept is what was known when it was made.
    """
    from meterhouse.reports.storage.group_report import group_report
    from meterhouse.reports.storage.kept_groups import keep, kept_groups, require_new
    from meterhouse.reports.storage.tabled import GROUP_COLUMNS, group_records
    from meterhouse.reports.storage.tsv import group_lines

    with open_site(context) as site:
        if show:
            kept = kept_groups(site, asking.day)
            rows = [row for row in kept if not asking.volume or row.volume in asking.volume]
        else:
            keeps = asking.as_of is None
            with asking.of(site, groups_file) as asked:
                volumes = [scan.volume for scan in asked.scans]
                if keeps and not replace:
                    require_new(site, asking.day, volumes)
                rows = group_report(asked)
            if keeps:
                keep(site, asking.day, volumes, rows, replace=replace)
    if how is ReportFormat.tsv:
        for line in group_lines(rows):
            print(line)
        return
    print_answer(
        group_records(rows),
        GROUP_COLUMNS,
        Format(how.value),
        sizes=("used_bytes", "quota_bytes"),
        numeric=("last_modified_days",),
        headings={"last_modified_days": "days since change", "is_own": "own"},
        empty="No report of this date is kept.",
    )


@app.command("projects")
@asking
def projects(
    context: typer.Context,
    asking: Asking,
    groups_file: GroupsOption = None,
    how: ReportFormatOption = ReportFormat.table,
) -> None:
    """What each project keeps in which directory, by class of files, and what was decided about it."""
    from meterhouse.reports.storage.project_report import classes_of, project_report
    from meterhouse.reports.storage.tabled import project_columns, project_records
    from meterhouse.reports.storage.tsv import PROJECT_CLASSES, WHOLE_PROJECT, project_lines

    with open_site(context) as site, asking.of(site, groups_file) as asked:
        rows = project_report(asked)
        classes = list(PROJECT_CLASSES) if how is ReportFormat.table else classes_of(asked)
    if how is ReportFormat.tsv:
        for line in project_lines(rows):
            print(line)
        return
    records = project_records(rows, classes)
    if how is ReportFormat.table:
        records = [one | {"directory": one["directory"] or WHOLE_PROJECT} for one in records]
    sizes = [f"{name}_bytes" for name in classes]
    print_answer(
        records,
        project_columns(classes),
        Format(how.value),
        sizes=("total_bytes", *sizes, "project_bytes"),
        numeric=("files", "last_modified_days"),
        headings={"last_modified_days": "days since change", "project_bytes": "project total"},
        empty="No project: nothing stands below the roots in the settings.",
    )


@app.command("users")
@asking
def users(context: typer.Context, asking: Asking, how: ReportFormatOption = ReportFormat.table) -> None:
    """What each user keeps, by group and volume, and when it was last changed."""
    from meterhouse.reports.storage.tsv import user_lines
    from meterhouse.reports.storage.user_report import UserRow, user_report

    with open_site(context) as site, asking.of(site) as asked:
        rows = user_report(asked)
        volumes = [scan.volume for scan in asked.scans]
    if how is ReportFormat.tsv:
        for line in user_lines(rows, volumes):
            print(line)
        return
    print_rows(UserRow, rows, Format(how.value), sizes=("used_bytes",), numeric=("files",))


for command in (
    *(storage_questions.top, storage_questions.old, storage_questions.duplicates),
    *(storage_questions.basedirs, storage_questions.forecast, storage_questions.cost),
    *(storage_decisions.decide, storage_decisions.decisions, storage_collect.collect),
    *(storage_publish.publish, storage_split.split, storage_split.upload),
):
    app.command()(command)
