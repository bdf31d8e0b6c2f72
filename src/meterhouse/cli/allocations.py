"""`meterhouse allocations`: how much may be used, and what is left."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meterhouse.cli.options import Format, FormatOption, open_site, parse_day, print_records

if TYPE_CHECKING:
    from meterhouse.allocations.file.reading import Refused

app = typer.Typer(name="allocations", help="How much may be used, and what is left.", no_args_is_help=True)

DayOption = Annotated[
    date | None,
    typer.Option("--as-of", parser=parse_day, metavar="DAY", help="At the end of this day; today."),
]
WhoOption = Annotated[str | None, typer.Option("--who", help="Who is recorded as the author.")]


def _who(value: str | None) -> str:
    import getpass

    return value or getpass.getuser()


@app.command()
def load(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="FILE.toml, FILE.json or FILE.csv")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    rebuild: Annotated[bool, typer.Option(help="Work out the open periods afterwards.")] = True,
    who: WhoOption = None,
    how: FormatOption = Format.table,
) -> None:
    """Set up grants, pools, allocations and all else from a file. The same file again changes nothing."""
    from meterhouse.operations.allocations.site_ledger import load_file, rebuild_ledger

    with open_site(context) as site:
        loaded = load_file(site, file, who=_who(who), dry_run=dry_run)
        if rebuild and not dry_run:
            rebuild_ledger(site, who=_who(who))
    records = [
        {
            "change": one.change,
            "kind": one.kind,
            "name": one.what,
            "before": "; ".join(f"{name}: {value}" for name, value in one.before.items()),
            "after": "; ".join(f"{name}: {value}" for name, value in one.after.items()),
        }
        for one in loaded.differences
    ]
    records += [
        {"change": "booked", "kind": kind, "name": name, "before": "", "after": ""}
        for kind, names in (("usage", loaded.posted.booked), ("adjustment", loaded.adjusted.booked))
        for name in names
    ]
    print_records(records, ["change", "kind", "name", "before", "after"], how, empty="No change.")
    for name, why in loaded.posted.suspended.items():
        print(f"usage {name}: suspended: {why}", file=sys.stderr)
    _tell_refused(loaded.refused)


def _tell_refused(refused: list[Refused]) -> None:
    for one in refused:
        print(f"{one.id}: refused: {one.why}", file=sys.stderr)
    if refused:
        raise typer.Exit(1)


_POOL_COLUMNS = ["project", "pool", "period", "resource_pool", "units", "function"]
_FIGURES = ["allocated", "used", "remaining", "percent", "available", "lapsed", "pending", "overdrawn"]
_MORE = ["raw_used", "peak_day", "observed_days", "estimated_days", "elapsed_days"]


@app.command()
def pools(
    context: typer.Context,
    period: Annotated[str | None, typer.Option(help="Only of this period.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also of periods that are over.")] = False,
    as_of: DayOption = None,
    how: FormatOption = Format.table,
) -> None:
    """What every project may use, and what is left."""
    from meterhouse.operations.allocations.pool_records import pool_records
    from meterhouse.operations.allocations.site_ledger import default_day

    with open_site(context) as site:
        day = as_of or default_day(site)
        records = pool_records(site.register.alias, day, period=period, over=all_ or period is not None)
    _print_pools(records, [*_POOL_COLUMNS, "status"], how)


@app.command()
def show(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's code.")],
    all_: Annotated[bool, typer.Option("--all", help="Also of periods that are over.")] = False,
    as_of: DayOption = None,
    how: FormatOption = Format.table,
) -> None:
    """What a project may use, and what is left: of its own, and of those above that pay for it."""
    from meterhouse.operations.allocations.pool_records import project_records
    from meterhouse.operations.allocations.site_ledger import default_day, require_project

    with open_site(context) as site:
        found = require_project(site, project)
        day = as_of or default_day(site)
        records = project_records(site.register.alias, found.pk, project, day, over=all_)
    _print_pools(records, [*_POOL_COLUMNS, "pays"], how)


def _print_pools(records: list[dict[str, Any]], columns: list[str], how: Format) -> None:
    names = [*columns, *_FIGURES, *([] if how is Format.table else _MORE)]
    print_records(records, names, how, numeric=_FIGURES, empty="No allocation pools.")


@app.command()
def statement(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="The period's name.")],
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    how: FormatOption = Format.table,
) -> None:
    """What stood when a period was closed, as it was frozen then."""
    from meterhouse.operations.allocations.pool_records import statement_records

    with open_site(context) as site:
        records = statement_records(site.register.alias, period, project)
    columns = ["project", "pool", "resource_pool", "units", "allocated", "used", "raw_used", "remaining"]
    columns += ["percent", "overdrawn", "lapsed", "closed_at", "closed_by"]
    columns += [] if how is Format.table else ["hash"]
    if how is Format.json:
        columns += ["draws", "submitted_projects", "peak_day"]
    print_records(records, columns, how, numeric=columns[4:11], empty="No allocation pools.")


@app.command()
def unfunded(context: typer.Context, as_of: DayOption = None, how: FormatOption = Format.table) -> None:
    """What nobody pays for, by the project at which the search for an allocation ended."""
    from meterhouse.operations.allocations.pool_records import unfunded_records
    from meterhouse.operations.allocations.site_ledger import default_day

    with open_site(context) as site:
        records = unfunded_records(site.register.alias, as_of or default_day(site))
    columns = ["project", "resource_pool", "units", "quantity"]
    print_records(records, columns, how, numeric=["quantity"], empty="Everything is funded.")


@app.command()
def rebuild(
    context: typer.Context,
    late: Annotated[
        bool, typer.Option("--late", help="Also post what was learnt of closed periods since.")
    ] = False,
    who: WhoOption = None,
) -> None:
    """Work out the charges and draws of all open periods anew. The same usage gives the same rows."""
    from meterhouse.allocations.rules.quantities import shown
    from meterhouse.operations.allocations.site_ledger import rebuild_ledger

    with open_site(context) as site:
        done = rebuild_ledger(site, who=_who(who), late=late)
    print(f"{done.rebuilt.charges} charges, {done.rebuilt.draws} draws")
    for change in done.late:
        where = f"posted to {change.posted_to}" if change.posted_to else f"not posted: {change.why_not}"
        print(f"late: {change.pool}: {shown(change.quantity)}: {where}")
    for (resource, ref), raw in sorted(done.measured.unattributed.items()):
        print(f"unattributed: {resource}: {ref}: {shown(raw)}", file=sys.stderr)


@app.command()
def close(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="The period's name.")],
    who: WhoOption = None,
) -> None:
    """Close a period for good: freeze a statement of each pool. What comes later is posted elsewhere."""
    from meterhouse.operations.allocations import site_ledger

    with open_site(context) as site:
        statements = site_ledger.close(site, period, who=_who(who))
    print(f"{period}: closed with {len(statements)} statements")


@app.command()
def alerts(
    context: typer.Context,
    as_of: DayOption = None,
    send: Annotated[bool, typer.Option(help="Send what is to be sent.")] = True,
) -> None:
    """Tell people whose allocations reached a percentage: once a crossing, by mail and webhook."""
    from meterhouse.operations.allocations.site_ledger import alert

    with open_site(context) as site:
        new, delivered = alert(site, as_of=as_of, send=send)
    print(f"{new} new crossings, {delivered.sent} messages sent, {len(delivered.failed)} failed")
    for line in delivered.failed:
        print(line, file=sys.stderr)
    if delivered.failed:
        raise typer.Exit(1)


@app.command()
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Cases of the form kep5-cases/1.")],
    register: Annotated[
        str | None,
        typer.Option(
            help="A PostgreSQL server on which a scratch database is made; the site's, if it has one."
        ),
    ] = None,
    how: FormatOption = Format.table,
) -> None:
    """Play cases in a scratch database, and compare what the ledger answers with what they expect."""
    from meterhouse.allocations.replay import play, read_cases
    from meterhouse.operations.allocations.scratch import scratch_register, server_of

    cases = read_cases(file)
    with scratch_register(register or server_of(context.obj)) as alias:
        played = [play(alias, case) for case in cases]
    differing = [one for one in played if not one.passed]
    if how is Format.json:
        import json

        rows = [{"id": one.id, "passed": one.passed, "differences": list(one.differences)} for one in played]
        json.dump(rows, sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        records = [
            {"id": one.id, "passed": one.passed, "differences": "; ".join(one.differences)} for one in played
        ]
        print_records(records, ["id", "passed", "differences"], how, empty="No cases.")
    print(f"{len(played) - len(differing)} passed, {len(differing)} failed", file=sys.stderr)
    if differing:
        raise typer.Exit(1)
