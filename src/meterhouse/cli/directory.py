"""`meterhouse directory`: whose usage it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from meterhouse.cli.options import (
    Format,
    FormatOption,
    FromOption,
    ToOption,
    open_site,
    parse_as_of,
    parse_day,
    print_records,
)

if TYPE_CHECKING:
    from meterhouse.operations.directory_import import Imported
    from meterhouse.site import Site

app = typer.Typer(name="directory", help="People, institutions and projects.", no_args_is_help=True)

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would change; nothing is written.")
]
EffectiveOption = Annotated[
    Any,
    typer.Option(
        "--effective", parser=parse_day, metavar="DAY", help="From when on it is true. Else: today."
    ),
]
AsOfDayOption = Annotated[
    Any,
    typer.Option("--as-of", parser=parse_day, metavar="DAY", help="What was true on that day. Else: today."),
]
EverOption = Annotated[
    bool, typer.Option("--ever", help="What is new has always been so, not only from the day on.")
]
KnownOption = Annotated[
    Any,
    typer.Option("--known", parser=parse_as_of, metavar="WHEN", help="As known then: a moment or snapshot."),
]


@app.command("import")
def import_source(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A [[directory]] section of meterhouse.toml.")],
    file: Annotated[
        list[Path] | None, typer.Option("--file", help="Read this saved answer instead of asking the source.")
    ] = None,
    dry_run: DryRunOption = False,
    effective: EffectiveOption = None,
    ever: EverOption = False,
    inactive_after: Annotated[
        int | None, typer.Option("--inactive-after", min=1, help="Runs after which the unseen is inactive.")
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Believe a source that says nothing at all.")
    ] = False,
) -> None:
    """Read a portal, identity provider or scheduler, and write what changed."""
    from meterhouse.operations.directory_import import import_statement
    from meterhouse.operations.directory_sources import find_source, said_by

    with open_site(context) as site:
        source = find_source(site, name)
        imported = import_statement(
            site,
            said_by(site, source, file or ()),
            effective=effective,
            inactive_after=inactive_after or source.inactive_after,
            dry_run=dry_run,
            allow_empty=allow_empty,
            ever=ever or None,
        )
    _tell(name, imported, dry_run)


@app.command("load")
def load(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A TOML file, or JSON as .json.")],
    dry_run: DryRunOption = False,
    effective: EffectiveOption = None,
    ever: EverOption = False,
) -> None:
    """Enter people, projects, shares and contacts that an administrator wrote down."""
    from meterhouse.operations.directory_import import import_statement
    from meterhouse.sources.directory.toml_file import read

    with open_site(context) as site:
        imported = import_statement(
            site, read(file, "file"), effective=effective, dry_run=dry_run, ever=ever or None
        )
    _tell(str(file), imported, dry_run)
    if imported.skipped:
        raise typer.Exit(1)


@app.command("import-xdmod")
def import_xdmod(
    context: typer.Context,
    names: Annotated[Path | None, typer.Option(help="names.csv")] = None,
    hierarchy: Annotated[Path | None, typer.Option(help="hierarchy.csv")] = None,
    group_to_hierarchy: Annotated[Path | None, typer.Option(help="group-to-hierarchy.csv")] = None,
    cloud_project_to_pi: Annotated[Path | None, typer.Option(help="cloud-project-to-pi CSV")] = None,
    dry_run: DryRunOption = False,
    enter: Annotated[
        bool, typer.Option("--enter", help="Also enter into the directory, with days, what the files say.")
    ] = False,
    effective: EffectiveOption = None,
    ever: EverOption = False,
    inactive_after: Annotated[
        int, typer.Option("--inactive-after", min=1, help="Runs after which the unseen is inactive.")
    ] = 1,
) -> None:
    """Import Open XDMoD's CSV files; each replaces the one of its kind that was imported before."""
    from meterhouse.errors import QuestionError
    from meterhouse.operations.directory_import import (
        csv_differences,
        import_csv,
        import_statement,
        xdmod_statement,
    )

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
            if dry_run:
                differences = csv_differences(site, kind, path)
                for line in differences:
                    print(_visible(line))
                print(f"{path}: {len(differences)} differences; nothing was written")
                continue
            landed = import_csv(site, kind, path)
            if landed.already_landed:
                print(f"{path}: as before")
                continue
            print(f"{path}: {sum(landed.rows.values())} records, {landed.rejections} rejected")
            for problem in site.warehouse.view().rejections(batch_id=landed.batch_id, limit=20):
                print(f"  {problem.rejection}", file=sys.stderr)
        if enter:
            imported = import_statement(
                site,
                xdmod_statement(site, files),
                effective=effective,
                inactive_after=inactive_after,
                dry_run=dry_run,
                ever=ever or None,
            )
            _tell("Open XDMoD's files", imported, dry_run)


@app.command("export")
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", help="Folder for the four files.")] = Path(),
    as_of: AsOfDayOption = None,
    known: KnownOption = None,
    columns: Annotated[
        int, typer.Option("--columns", min=2, max=3, help="3 as xdmod-import-csv takes them, or 2.")
    ] = 3,
) -> None:
    """Write hierarchy.csv, group.csv, names.csv and pi2project.csv as of a day."""
    from meterhouse.operations.directory_export import export_hierarchy

    with open_site(context) as site:
        written, ambiguous = export_hierarchy(
            site, output, as_of or _today(site), _moment(site, known), 2 if columns == 2 else 3
        )
    for path, lines in written.items():
        print(f"{path}: {lines} lines")
    for name in ambiguous:
        print(f"{_visible(name)}: several PIs have a project of that name", file=sys.stderr)


@app.command("projects")
def projects(
    context: typer.Context,
    as_of: AsOfDayOption = None,
    known: KnownOption = None,
    how: FormatOption = Format.table,
) -> None:
    """List projects with their PI, field, funding and names on resources, as of a day."""
    from meterhouse.operations.directory_listing import PROJECT_COLUMNS, project_rows

    with open_site(context) as site:
        rows = project_rows(site, as_of or _today(site), _moment(site, known))
    print_records(rows, PROJECT_COLUMNS, how, empty="No projects.")


@app.command("people")
def people(
    context: typer.Context,
    as_of: AsOfDayOption = None,
    known: KnownOption = None,
    how: FormatOption = Format.table,
) -> None:
    """List people with their institution, career level, field and accounts, as of a day."""
    from meterhouse.operations.directory_listing import PERSON_COLUMNS, person_rows

    with open_site(context) as site:
        rows = person_rows(site, as_of or _today(site), _moment(site, known))
    print_records(rows, PERSON_COLUMNS, how, empty="No people.")


@app.command("history")
def history(
    context: typer.Context,
    first: Annotated[Any, typer.Option("--from", parser=parse_day, metavar="DAY", help="First day.")] = None,
    how: FormatOption = Format.table,
) -> None:
    """Show each change: when it became known, who made it, why, and the row before and after."""
    from meterhouse.operations.directory_listing import HISTORY_COLUMNS, history_rows

    with open_site(context) as site:
        since = None if first is None else datetime.combine(first, datetime.min.time(), tzinfo=UTC)
        rows = history_rows(site, since)
    print_records(rows, HISTORY_COLUMNS, how, empty="No changes.")


@app.command("unattributed")
def unattributed(
    context: typer.Context,
    first: FromOption,
    last: ToOption,
    what: Annotated[str, typer.Option("--what", help="project, person or all.")] = "all",
    how: FormatOption = Format.table,
) -> None:
    """List the ids in usage that nobody owns on the days of use, with how much there is of each."""
    from meterhouse.errors import QuestionError
    from meterhouse.operations.directory_listing import UNATTRIBUTED_COLUMNS, unattributed_rows

    if what not in ("project", "person", "all"):
        raise QuestionError(f"what: expected project, person or all, found {what!r}")
    with open_site(context) as site:
        rows = unattributed_rows(site, first, last, what)
    print_records(
        rows, UNATTRIBUTED_COLUMNS, how, numeric=["days", "wall_seconds"], empty="Nothing is unattributed."
    )


def _tell(name: str, imported: Imported, dry_run: bool) -> None:
    _lines(imported.differences)
    for skipped in imported.skipped:
        print(f"  skipped: {_visible(skipped)}", file=sys.stderr)
    what = f"{len(imported.differences)} differences, {len(imported.skipped)} skipped"
    print(f"{name}: {what}; nothing was written" if dry_run else f"{name}: {what}")


def _lines(differences: Iterable[object]) -> None:
    for difference in differences:
        print(_visible(difference))


def _visible(value: object) -> str:
    from meterhouse.cli.options import visible

    return visible(str(value))


def _today(site: Site) -> date:
    return datetime.now(ZoneInfo(site.settings.site.time_zone)).date()


def _moment(site: Site, known: int | datetime | None) -> datetime | None:
    """When a snapshot was made; a moment is itself, and nothing is now."""
    return site.warehouse.view(known).recorded_until if isinstance(known, int) else known
