"""What stands behind the first page of a report? Projects, users, items, coverage and the log as sections."""

from __future__ import annotations

from collections.abc import Sequence

from meterhouse.reports.coverage_words import coverage_rows
from meterhouse.reports.monthly import (
    ItemRow,
    Meter,
    MonthlyReport,
    ProjectBranch,
    UserRow,
    by_use,
    project_tree,
    total,
)
from meterhouse.reports.names import shown
from meterhouse.reports.printed import (
    Cell,
    Heading,
    PrintedTable,
    Row,
    Section,
    figure_cell,
    figure_cells,
    meter_heading,
    meter_headings,
    total_row,
    unattributed_rows,
)
from meterhouse.reports.tables import hours, states_of
from meterhouse.reports.transaction_log import LogLine
from meterhouse.reports.wording import KINDS, state_heading

# Paper has room for so many; the files hold all.
ROWS_ON_PAPER = 500
LOG_LINES_ON_PAPER = 2000


def projects_section(report: MonthlyReport) -> Section:
    rows: list[Row] = []
    for branch in project_tree(report):
        row = branch.row
        code = shown(row.key) if row.key != row.name else ""
        cell = Cell(shown(row.name), " · ".join(_about_project(branch)), code)
        if branch.has_subprojects:
            rows.append(Row((cell, *figure_cells(report, branch.with_subprojects)), "branch", branch.depth))
            own = Cell(f"{shown(row.name)}: own use")
            rows.append(Row((own, *figure_cells(report, row.quantities)), "own", branch.depth + 1))
        else:
            rows.append(Row((cell, *figure_cells(report, row.quantities)), "plain", branch.depth))
    rows += unattributed_rows(report, "project")
    rows.append(total_row(report))
    table = PrintedTable("projects", "Projects", (Heading("Project"), *meter_headings(report)), tuple(rows))
    intro = [
        (
            "Sub-projects stand indented below their project. A project with sub-projects shows what all "
            "of them used together, in bold, and then its own use."
        ),
        "Every change of every item behind a row is listed by this command, here for the first project:"
        if report.projects
        else "No project used anything.",
    ]
    first = report.log_command(shown(project_tree(report)[0].row.key)) if report.projects else ""
    chart = "projects" if any(row.quantities.get(report.main_meter.id) for row in report.projects) else ""
    return Section("projects", "Projects", tuple(intro), (table,), first, chart)


def _about_project(branch: ProjectBranch) -> list[str]:
    facts = []
    if branch.parent_name:
        facts.append(f"sub-project of {shown(branch.parent_name)}")
    if branch.has_subprojects:
        facts.append("with sub-projects")
    facts.append(f"PI {shown(branch.row.pi)}" if branch.row.pi else "PI not known")
    facts.append(shown(branch.row.institution) if branch.row.institution else "institution not known")
    return facts


def users_section(report: MonthlyReport) -> Section:
    users = by_use(report.users, report.main_meter)
    rows = []
    for row in users[:ROWS_ON_PAPER]:
        facts = [shown(row.institution) if row.institution else "institution not known"]
        if row.projects:
            more = f" and {len(row.projects) - 4} more" if len(row.projects) > 4 else ""
            facts.append(", ".join(shown(project) for project in row.projects[:4]) + more)
        # a key that repeats the name tells nothing more
        who = Cell(shown(row.name), " · ".join(facts), "" if row.name in row.key else shown(row.key))
        rows.append(Row((who, *figure_cells(report, row.quantities))))
    rows += _rest(report, users[ROWS_ON_PAPER:])
    rows += unattributed_rows(report, "user")
    rows.append(total_row(report))
    table = PrintedTable("users", "Users", (Heading("User"), *meter_headings(report)), tuple(rows))
    return Section(
        "users", "Users", ("Use is booked on the user whose account owned the item at the time.",), (table,)
    )


def items_section(report: MonthlyReport) -> Section:
    kinds = sorted({row.kind for row in report.items or ()}, key=lambda kind: [*KINDS, kind].index(kind))
    intro = "Hours by state are wall-clock hours that the item spent in it within the period."
    if not kinds:
        intro = "No item existed in the period, as far as it is covered."
    return Section("items", "Items", (intro,), tuple(_items_of(report, kind) for kind in kinds))


def _items_of(report: MonthlyReport, kind: str) -> PrintedTable:
    items = [row for row in by_use(report.items or (), report.main_meter) if row.kind == kind]
    states = states_of(report, kind)
    # the first meter that these items have: cores of VMs, space of volumes
    meters = [meter for meter in report.meters if any(row.quantities.get(meter.id) for row in items)][:1]
    headings = (
        Heading(KINDS.get(kind, (kind, kind))[0].capitalize() if kind != "vm" else "VM", weight=5),
        Heading("Project and user", weight=3),
        *(Heading(state_heading(state, kind), "hours", figures=True) for state in states),
        *(meter_heading(meter) for meter in meters),
    )
    rows = [Row(_item_cells(row, states, meters)) for row in items[:ROWS_ON_PAPER]]
    rest = items[ROWS_ON_PAPER:]
    several = KINDS.get(kind, (kind, kind))[1]
    if rest:
        more = Cell(_more(len(rest), several.lower()))
        rows.append(Row((more, Cell(""), *_item_sums(rest, states, meters)), "rest"))
    rows.append(Row((Cell("Total"), Cell(""), *_item_sums(items, states, meters)), "total"))
    return PrintedTable(f"items-{kind}", several, headings, tuple(rows))


def _item_cells(row: ItemRow, states: list[str], meters: list[Meter]) -> tuple[Cell, ...]:
    size = ", ".join(part for part in (shown(row.size) if row.size else "", shown(row.resource)) if part)
    return (
        Cell(shown(row.name or row.item), size, shown(row.item) if row.name else ""),
        Cell(
            shown(row.project) if row.project else "project not known",
            shown(row.user) if row.user else "user not known",
        ),
        *(figure_cell(hours(row.state_seconds.get(state, 0))) for state in states),
        *(figure_cell(meter.figure(row.quantities)) for meter in meters),
    )


def _item_sums(items: Sequence[ItemRow], states: list[str], meters: list[Meter]) -> tuple[Cell, ...]:
    seconds = total([row.state_seconds for row in items], states)
    quantities = total([row.quantities for row in items], [meter.id for meter in meters if meter.adds_up])
    return (
        *(figure_cell(hours(int(seconds.get(state, 0)))) for state in states),
        *(figure_cell(meter.figure(quantities)) for meter in meters),
    )


def coverage_section(report: MonthlyReport) -> Section:
    headings = (
        Heading("Resource and source", weight=2),
        Heading("Gaps", weight=3),
        Heading("Read", "of the period", True),
    )
    rows = tuple(
        Row((Cell(resource, source), Cell(gaps, detail), Cell(read, figure=True)))
        for resource, source, gaps, detail, read in coverage_rows(report)
    )
    intro = (
        f"Which part of {shown(report.label)} each source was read for, in {report.zone}. "
        "A source that was read and had nothing to tell counts as read."
    )
    table = PrintedTable("coverage", "Coverage", headings, rows)
    return Section("coverage", "Coverage", (intro,), (table,) if rows else ())


def log_section(report: MonthlyReport, lines: tuple[LogLine, ...]) -> Section:
    headings = (
        Heading("Time", weight=2),
        Heading("User and project", weight=3),
        Heading("What happened", weight=7),
    )
    rows = tuple(
        Row(
            (
                Cell(f"{line.time.astimezone(report.time_zone):%Y-%m-%d %H:%M}"),
                Cell(
                    shown(line.user) if line.user else "user not known",
                    shown(line.project) if line.project else "",
                ),
                Cell(line.action),
            )
        )
        for line in lines[:LOG_LINES_ON_PAPER]
    )
    intro = f"Every change behind the figures, in order of time ({report.zone})."
    if len(lines) > LOG_LINES_ON_PAPER:
        intro = f"{intro} The first {LOG_LINES_ON_PAPER:,} of {len(lines):,} lines; the files hold all."
    return Section(
        "log", "Transaction log", (intro,), (PrintedTable("log", "Transaction log", headings, rows),)
    )


def _rest(report: MonthlyReport, rest: list[UserRow]) -> list[Row]:
    if not rest:
        return []
    sums = total([row.quantities for row in rest], [meter.id for meter in report.meters if meter.adds_up])
    return [Row((Cell(_more(len(rest), "users")), *figure_cells(report, sums)), "rest")]


def _more(number: int, what: str) -> str:
    return f"{number:,} more {what}: see the files"
