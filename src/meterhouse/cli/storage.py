"""`meterhouse storage`: reports on file systems, from scans and quotas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from meterhouse.cli import storage_publish, storage_split
from meterhouse.cli.options import Format, FormatOption, open_site, print_records
from meterhouse.cli.storage_options import (
    BytesOption,
    DayArgument,
    GroupsOption,
    PartialOption,
    ReportFormat,
    ReportFormatOption,
    VolumesOption,
    WithinOption,
    ask,
)

app = typer.Typer(
    name="storage",
    help="Who keeps what on file systems, where, and since when, from scans and quotas.",
    no_args_is_help=True,
)


@app.command("groups")
def groups(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    groups_file: GroupsOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Make a report anew that is kept.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print what is kept, and make nothing.")] = False,
    how: ReportFormatOption = ReportFormat.table,
) -> None:
    """Make and keep the report of what each group keeps on each volume, against which quota."""
    from meterhouse.reports.storage.group_report import group_report
    from meterhouse.reports.storage.kept_groups import keep, kept_groups, require_new
    from meterhouse.reports.storage.tsv import group_lines

    with open_site(context) as site:
        if show:
            rows = [row for row in kept_groups(site, day) if not volume or row.volume in volume]
        else:
            with ask(site, day, volume, within, partial, counted, groups_file) as asked:
                volumes = [scan.volume for scan in asked.scans]
                if not replace:
                    require_new(site, day, volumes)
                rows = group_report(asked)
            keep(site, day, volumes, rows, replace=replace)
    if how is ReportFormat.tsv:
        for line in group_lines(rows):
            print(line)
        return
    columns = (
        *("date", "volume", "pi", "group", "used_bytes", "quota_bytes", "consumption"),
        *("last_modified_days", "archived_directory", "is_own", "scanned_at"),
    )
    records = [{name: getattr(row, "day" if name == "date" else name) for name in columns} for row in rows]
    numeric = ("used_bytes", "quota_bytes", "last_modified_days")
    print_records(
        records, columns, Format(how.value), numeric=numeric, empty="No report of this date is kept."
    )


@app.command("projects")
def projects(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    groups_file: GroupsOption = None,
    how: ReportFormatOption = ReportFormat.table,
) -> None:
    """What each project keeps in which directory, by class of files, and what was decided about it."""
    from meterhouse.reports.storage.project_report import classes_of, project_report
    from meterhouse.reports.storage.tsv import PROJECT_CLASSES, project_lines

    with (
        open_site(context) as site,
        ask(site, day, volume, within, partial, counted, groups_file) as asked,
    ):
        rows = project_report(asked)
        classes = list(PROJECT_CLASSES) if how is ReportFormat.table else classes_of(asked)
    if how is ReportFormat.tsv:
        for line in project_lines(rows):
            print(line)
        return
    plain = ("project", "directory", "volume", "files", "total_bytes")
    more = ("last_modified_days", "pi", "group", "project_bytes")
    decided = ("status", "action", "comment")
    records = [
        {name: getattr(row, name) for name in (*plain, *more)}
        | {f"{name}_bytes": row.class_bytes.get(name, 0) for name in classes}
        | {name: getattr(row.decision, name) for name in decided}
        for row in rows
    ]
    sizes = [f"{name}_bytes" for name in classes]
    numeric = (*plain[3:], *sizes, "last_modified_days", "project_bytes")
    print_records(records, [*plain, *sizes, *more, *decided], Format(how.value), numeric=numeric)


@app.command("decide")
def decide(
    context: typer.Context,
    volume: Annotated[str, typer.Argument(metavar="VOLUME", help="Volume, as the project report says it.")],
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Project, such as projects/NAME.")],
    directory: Annotated[
        str, typer.Argument(metavar="[DIRECTORY]", help="Directory within it; the whole project if none.")
    ] = "",
    status: Annotated[str | None, typer.Option("--status", help="How it stands.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="What is to be done.")] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Anything else.")] = None,
) -> None:
    """Note what is decided about a directory of a project. It outlasts every scan."""
    from getpass import getuser

    from meterhouse.reports.storage.decisions import decide as note
    from meterhouse.reports.storage.tsv import WHOLE_PROJECT

    directory = "" if directory == WHOLE_PROJECT else directory.strip("/")
    with open_site(context) as site:
        kept = note(
            site, volume, project, directory, getuser(), status=status, action=action, comment=comment
        )
    print(f"{project}/{directory} on {volume}: {kept.status}; {kept.action}; {kept.comment}")


@app.command("decisions")
def decisions(context: typer.Context, how: FormatOption = Format.table) -> None:
    """All that was ever decided about directories, oldest first, with who and when."""
    from meterhouse.reports.storage.decisions import decision_history

    with open_site(context) as site:
        rows = decision_history(site)
    columns = ("at", "who", "volume", "project", "directory", "status", "action", "comment")
    print_records(rows, columns, how, empty="Nothing was decided yet.")


@app.command("users")
def users(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    how: ReportFormatOption = ReportFormat.table,
) -> None:
    """What each user keeps, by group and volume, and when it was last changed."""
    from meterhouse.reports.storage.tsv import user_lines
    from meterhouse.reports.storage.user_report import UserRow, user_report

    with open_site(context) as site, ask(site, day, volume, within, partial, counted) as asked:
        rows = user_report(asked)
        volumes = [scan.volume for scan in asked.scans]
    if how is ReportFormat.tsv:
        for line in user_lines(rows, volumes):
            print(line)
        return
    _print(UserRow, rows, Format(how.value), ("used_bytes", "files"))


@app.command("top")
def top(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    depth: Annotated[int, typer.Option("--depth", min=0, help="So far below the volume's top.")] = 1,
    order: Annotated[str, typer.Option("--by", help="bytes, files, inodes or directories.")] = "bytes",
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many.")] = 20,
    group: Annotated[list[str] | None, typer.Option("--group", help="Count only this group's.")] = None,
    user: Annotated[list[str] | None, typer.Option("--user", help="Count only this user's.")] = None,
    how: FormatOption = Format.table,
) -> None:
    """Which directories of one depth hold most, with all below them."""
    from meterhouse.reports.storage.directories import TopRow, top_directories

    with open_site(context) as site, ask(site, day, volume, within, partial, counted) as asked:
        rows = top_directories(
            asked, depth=depth, order=order, limit=limit, groups=tuple(group or ()), users=tuple(user or ())
        )
    _print(TopRow, rows, how, ("bytes", "files", "inodes", "directories"))


@app.command("old")
def old(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    days: Annotated[int, typer.Option("--days", help="For so long; where an age bucket begins.")] = 365,
    since: Annotated[str, typer.Option("--since", help="Not touched by access, or modification.")] = "access",
    by: Annotated[str, typer.Option("--by", help="group, user, class or directory.")] = "group",
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many.")] = 20,
    how: FormatOption = Format.table,
) -> None:
    """Which files nobody has read or changed for long."""
    from meterhouse.reports.storage.old_data import OldRow, old_data

    with open_site(context) as site, ask(site, day, volume, within, partial, counted) as asked:
        rows = old_data(asked, days=days, since=since, by=by, limit=limit)
    _print(OldRow, rows, how, ("old_bytes", "old_files", "all_bytes"))


@app.command("forecast")
def forecast(
    context: typer.Context,
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    how: FormatOption = Format.table,
) -> None:
    """When each group's quota of bytes and inodes will be full, as its last three scans tell."""
    from meterhouse.reports.storage.forecast import ForecastRow
    from meterhouse.reports.storage.forecast import forecast as foresee

    with open_site(context) as site, ask(site, day, volume, within, partial, counted) as asked:
        rows = foresee(asked)
    _print(ForecastRow, rows, how, ("used", "quota", "points", "per_day"))


@app.command("cost")
def cost(
    context: typer.Context,
    day: DayArgument,
    rate: Annotated[list[str], typer.Option("--rate", help="Per TiB and year: RATE, or VOLUME=RATE.")],
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    by: Annotated[str, typer.Option("--by", help="group, user, class or directory.")] = "group",
    how: FormatOption = Format.table,
) -> None:
    """What it costs to keep for a year what is there."""
    from meterhouse.reports.storage.cost import CostRow, cost_of_keeping, rates_of

    rates = rates_of(rate)
    with open_site(context) as site, ask(site, day, volume, within, partial, counted) as asked:
        rows = cost_of_keeping(asked, rates, by)
    _print(CostRow, rows, how, ("bytes", "rate", "cost_per_year"))


for command in (storage_publish.publish, storage_split.split, storage_split.upload):
    app.command()(command)


def _print(kind: type[Any], rows: Sequence[Any], how: Format, numeric: Sequence[str]) -> None:
    """Print rows that are dataclasses of a kind, by their fields."""
    from dataclasses import fields

    columns = [field.name for field in fields(kind)]
    records = [{name: getattr(row, name) for name in columns} for row in rows]
    print_records(records, columns, how, numeric=numeric, empty="Nothing.")
