"""What does the reader of a monthly report see, page by page? The words and figures that PDF and HTML set.

Everything in a `Document` is text, ready to be placed as text: rounded, grouped, unseen characters written
out. The renderers choose type and colour, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from meterhouse.reports.coverage_words import coverage_callout, coverage_rows
from meterhouse.reports.figures import NO_DATA, grouped, percent
from meterhouse.reports.monthly import (
    Dimension,
    ItemRow,
    Meter,
    MonthlyReport,
    ProjectBranch,
    Quantities,
    by_use,
    project_tree,
    total,
)
from meterhouse.reports.names import shown
from meterhouse.reports.tables import hours, states_of
from meterhouse.reports.transaction_log import LogLine
from meterhouse.reports.wording import KINDS, state_word

# Paper has room for so many; the files hold all.
METERS_ON_PAPER = 7
ROWS_ON_PAPER = 500
LOG_LINES_ON_PAPER = 2000

RowStyle = Literal["plain", "branch", "own", "unattributed", "rest", "total"]


@dataclass(frozen=True, slots=True)
class Cell:
    """`sub` stands small below the text; `code` is set in a fixed-width face; a figure stands right."""

    text: str
    sub: str = ""
    code: str = ""
    figure: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: text columns share the width that the figures leave, by `weight`."""

    title: str
    unit: str = ""
    figures: bool = False
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Cell, ...]
    style: RowStyle = "plain"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class PrintedTable:
    id: str
    title: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    title: str
    figure: str
    unit: str
    change: str


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    title: str
    intro: tuple[str, ...]
    tables: tuple[PrintedTable, ...] = ()
    command: str = ""
    chart: str = ""  # name of a chart
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    site: str
    label: str
    subtitle: str
    footer: str
    complete: bool
    coverage: tuple[str, ...]
    headlines: tuple[Headline, ...]
    chart_title: str
    chart_description: str
    projects_chart_description: str
    rounding: str
    institutions: PrintedTable
    notes: tuple[str, ...]
    sections: tuple[Section, ...]


def document(report: MonthlyReport) -> Document:
    complete, coverage = coverage_callout(report)
    meter = report.main_meter
    sections = [_projects(report), _users(report)]
    if report.items is not None:
        sections.append(_items(report))
    sections += [_coverage(report), Section("definitions", "Definitions", (), terms=tuple(definitions(report)))]
    if report.log is not None:
        sections.append(_log(report, report.log))
    site, label = shown(report.site), shown(report.label)
    scope = (shown(report.scope),) if report.scope else ()
    return Document(
        title=f"{site}: usage in {label}",
        site=site,
        label=label,
        subtitle=" · ".join((f"{_day(report.start)} to {_day(report.last_day)}", f"times in {report.zone}", *scope)),
        footer=f"{site} · {label} · {_state_of_data(report)}",
        complete=complete,
        coverage=tuple(coverage),
        headlines=tuple(_headline(report, meter) for meter in report.meters[:4]),
        chart_title=f"{meter.title} a day, by institution",
        chart_description=_describe_daily(report),
        projects_chart_description=_describe_projects(report),
        rounding=ROUNDING,
        institutions=_institutions(report),
        notes=tuple(shown(note) for note in report.notes),
        sections=tuple(sections),
    )


ROUNDING = (
    "Each figure is rounded once, from exact seconds, a half going up. "
    "So the rows of a table may differ from its total in the last digit; the total is right."
)


def headline_facts(report: MonthlyReport) -> list[tuple[str, str]]:
    """What a reader must know before any figure: label and words."""
    _, coverage = coverage_callout(report)
    facts = [
        ("Period", f"{_day(report.start)} to {_day(report.last_day)}, days of {report.zone}"),
        ("Limited to", shown(report.scope) if report.scope else "nothing: all usage of the site"),
        ("Counted", f"Profile {report.profile}: {report.profile_counts}"),
        ("State of the data", _state_of_data(report)),
        ("Coverage", " ".join(coverage)),
        ("Rounding", ROUNDING),
    ]
    return facts + [("Note", shown(note)) for note in report.notes]


def definitions(report: MonthlyReport) -> list[tuple[str, str]]:
    """Every word that the report uses in a sense of its own."""
    terms = [(meter.title, f"{meter.meaning} Unit: {meter.unit}.") for meter in report.meters]
    terms += [
        (f"Profile {shown(report.profile)}", report.profile_counts),
        (
            "Own use, with sub-projects",
            "A project's own use is what was booked on the project itself. With sub-projects adds everything "
            "below it in the tree. The total counts each use once.",
        ),
        (
            "Not attributed",
            "Usage of which the institution, project or user isn't known. It is part of every total and "
            "shown as a row of its own, never spread over others.",
        ),
        (
            f"{NO_DATA} and zero",
            f"{NO_DATA} means that nothing is known; zero means that it is known that nothing was used.",
        ),
        (
            "Not covered, failed",
            "Not covered is time for which a source was never asked. Failed is time for which it was asked "
            "and didn't answer. Use in such times is missing from this report.",
        ),
        ("Rounding", ROUNDING),
        (
            "State of the data",
            f"{_state_of_data(report)}. Made again from the same state, this report is the same to the byte.",
        ),
    ]
    return terms


def _headline(report: MonthlyReport, meter: Meter) -> Headline:
    unit = "" if meter.unit.lower() == meter.title.lower() else meter.unit
    change = ""
    if report.previous is not None:
        before = meter.figure(report.previous.totals)
        compared = _change(report.totals, report.previous.totals, meter)
        was = f"{shown(report.previous.label)}: {_text(before)}"
        change = f"{compared} ({was})" if compared else was
    return Headline(meter.title, _text(meter.figure(report.totals)), unit, change)


def _change(now: Quantities, before: Quantities, meter: Meter) -> str:
    """`+12.3 %`, or nothing where there is nothing to compare with."""
    if meter.id not in now or not before.get(meter.id):
        return ""
    difference = percent(now[meter.id] - before[meter.id], before[meter.id])
    return (difference if difference and difference.startswith("-") else f"+{difference}").replace("-", "−")


def _institutions(report: MonthlyReport) -> PrintedTable:
    meter = report.main_meter
    rows = []
    for row in by_use(report.institutions, meter):
        facts = [_several(row.projects, "project"), _several(row.users, "user")]
        share = percent(row.quantities.get(meter.id, 0), report.totals.get(meter.id, 0))
        if share:
            facts.append(f"{share} of {meter.unit}")
        if report.previous and row.name in report.previous.institutions:
            change = _change(row.quantities, report.previous.institutions[row.name], meter)
            facts += [f"{change} on {shown(report.previous.label)}"] if change else []
        rows.append(Row((Cell(shown(row.name), " · ".join(facts)), *_figures(report, row.quantities))))
    rows += _remainder(report, "institution", 1)
    rows.append(_total(report, 1))
    note = ""
    if report.previous and not report.previous.complete:
        note = f"{shown(report.previous.label)} isn't fully covered, so changes are against a part of it."
    return PrintedTable("institutions", "By institution", (Heading("Institution"), *_headings(report)), tuple(rows), note)


def _projects(report: MonthlyReport) -> Section:
    rows: list[Row] = []
    for branch in project_tree(report):
        row = branch.row
        code = shown(row.key) if row.key != row.name else ""
        cell = Cell(shown(row.name), " · ".join(_about_project(branch)), code)
        if branch.has_subprojects:
            rows.append(Row((cell, *_figures(report, branch.with_subprojects)), "branch", branch.depth))
            own = Cell(f"{shown(row.name)}: own use")
            rows.append(Row((own, *_figures(report, row.quantities)), "own", branch.depth + 1))
        else:
            rows.append(Row((cell, *_figures(report, row.quantities)), "plain", branch.depth))
    rows += _remainder(report, "project", 1)
    rows.append(_total(report, 1))
    table = PrintedTable("projects", "Projects", (Heading("Project"), *_headings(report)), tuple(rows))
    intro = [
        "Sub-projects stand indented below their project. A project with sub-projects shows what all of "
        "them used together, in bold, and then its own use.",
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


def _users(report: MonthlyReport) -> Section:
    users = by_use(report.users, report.main_meter)
    rows = []
    for row in users[:ROWS_ON_PAPER]:
        facts = [shown(row.institution) if row.institution else "institution not known"]
        if row.projects:
            more = f" and {len(row.projects) - 4} more" if len(row.projects) > 4 else ""
            facts.append(", ".join(shown(project) for project in row.projects[:4]) + more)
        code = shown(row.key) if row.key != row.name else ""
        rows.append(Row((Cell(shown(row.name), " · ".join(facts), code), *_figures(report, row.quantities))))
    rows += _rest(report, "user", [row.quantities for row in users[ROWS_ON_PAPER:]], 1)
    rows += _remainder(report, "user", 1)
    rows.append(_total(report, 1))
    table = PrintedTable("users", "Users", (Heading("User"), *_headings(report)), tuple(rows))
    return Section("users", "Users", ("Use is booked on the user whose account owned the item at the time.",), (table,))


def _items(report: MonthlyReport) -> Section:
    kinds = sorted({row.kind for row in report.items or ()}, key=lambda kind: (list(KINDS) + [kind]).index(kind))
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
        Heading(KINDS.get(kind, (kind, kind))[0].capitalize() if kind != "vm" else "VM", weight=3),
        Heading("Project and user", weight=2),
        *(Heading(state_word(state, kind).capitalize(), "hours", figures=True) for state in states),
        *(_heading(meter) for meter in meters),
    )
    rows = [Row(_item_cells(row, states, meters)) for row in items[:ROWS_ON_PAPER]]
    rest = items[ROWS_ON_PAPER:]
    if rest:
        rows.append(Row((Cell(_more(len(rest), kind)), Cell(""), *_item_sums(rest, states, meters)), "rest"))
    rows.append(Row((Cell("Total"), Cell(""), *_item_sums(items, states, meters)), "total"))
    return PrintedTable(f"items-{kind}", KINDS.get(kind, (kind, kind))[1], headings, tuple(rows))


def _item_cells(row: ItemRow, states: list[str], meters: list[Meter]) -> tuple[Cell, ...]:
    size = ", ".join(part for part in (shown(row.size) if row.size else "", shown(row.resource)) if part)
    return (
        Cell(shown(row.name or row.item), size, shown(row.item) if row.name else ""),
        Cell(shown(row.project) if row.project else "project not known", shown(row.user) if row.user else "user not known"),
        *(_figure(hours(row.state_seconds.get(state, 0))) for state in states),
        *(_figure(meter.figure(row.quantities)) for meter in meters),
    )


def _item_sums(items: Sequence[ItemRow], states: list[str], meters: list[Meter]) -> tuple[Cell, ...]:
    seconds = total([row.state_seconds for row in items], states)
    quantities = total([row.quantities for row in items], [meter.id for meter in meters if meter.adds_up])
    return (
        *(_figure(hours(int(seconds.get(state, 0)))) for state in states),
        *(_figure(meter.figure(quantities)) for meter in meters),
    )


def _coverage(report: MonthlyReport) -> Section:
    headings = (Heading("Resource and source", weight=2), Heading("Gaps", weight=3), Heading("Read", "of the period", True))
    rows = tuple(
        Row((Cell(resource, source), Cell(gaps, detail), Cell(read, figure=True))) for resource, source, gaps, detail, read in coverage_rows(report)
    )
    intro = (
        f"Which part of {shown(report.label)} each source was read for, in {report.zone}. A source that was read and "
        "had nothing to tell counts as read.",
    )
    return Section("coverage", "Coverage", intro, (PrintedTable("coverage", "Coverage", headings, rows),) if rows else ())


def _log(report: MonthlyReport, lines: tuple[LogLine, ...]) -> Section:
    headings = (Heading("Time", weight=2), Heading("User and project", weight=3), Heading("What happened", weight=7))
    rows = tuple(
        Row(
            (
                Cell(f"{line.time.astimezone(report.time_zone):%Y-%m-%d %H:%M}"),
                Cell(shown(line.user) if line.user else "user not known", shown(line.project) if line.project else ""),
                Cell(line.action),
            )
        )
        for line in lines[:LOG_LINES_ON_PAPER]
    )
    intro = f"Every change behind the figures, in order of time ({report.zone})."
    if len(lines) > LOG_LINES_ON_PAPER:
        intro = f"{intro} The first {LOG_LINES_ON_PAPER:,} of {len(lines):,} lines; the files hold all."
    return Section("log", "Transaction log", (intro,), (PrintedTable("log", "Transaction log", headings, rows),))


def _headings(report: MonthlyReport) -> tuple[Heading, ...]:
    return tuple(_heading(meter) for meter in report.meters[:METERS_ON_PAPER])


def _heading(meter: Meter) -> Heading:
    unit = "" if meter.unit.lower() == meter.title.lower() else meter.unit
    return Heading(meter.title, unit, figures=True)


def _figures(report: MonthlyReport, quantities: Quantities) -> tuple[Cell, ...]:
    return tuple(_figure(meter.figure(quantities)) for meter in report.meters[:METERS_ON_PAPER])


def _remainder(report: MonthlyReport, dimension: Dimension, columns: int) -> list[Row]:
    """The usage without an institution, project or user: always shown, also when there is none."""
    blank = (Cell(""),) * (columns - 1)
    lines = report.remainder(dimension)
    if not lines:
        nothing = total([], ()) | {meter.id: 0 for meter in report.meters if meter.id in report.totals and meter.adds_up}
        return [Row((Cell("Not attributed", "nothing: all usage is attributed"), *blank, *_figures(report, nothing)), "unattributed")]
    return [
        Row((Cell("Not attributed", shown(line.reason)), *blank, *_figures(report, line.quantities)), "unattributed")
        for line in lines
    ]


def _rest(report: MonthlyReport, what: str, rest: list[Quantities], columns: int) -> list[Row]:
    if not rest:
        return []
    sums = total(rest, [meter.id for meter in report.meters if meter.adds_up])
    blank = (Cell(""),) * (columns - 1)
    return [Row((Cell(_more(len(rest), what)), *blank, *_figures(report, sums)), "rest")]


def _more(number: int, what: str) -> str:
    return f"{number:,} more of the kind {what}, all of them in the files"


def _total(report: MonthlyReport, columns: int) -> Row:
    return Row((Cell("Total"), *(Cell(""),) * (columns - 1), *_figures(report, report.totals)), "total")


def _describe_daily(report: MonthlyReport) -> str:
    """The chart in words, for those who can't see it."""
    meter = report.main_meter
    days: dict[str, Quantities] = {}
    for day in report.days:
        parts = [row.quantities for row in report.daily if row.day == day]
        days[_day(day)] = total(parts, [meter.id])
    used = {day: quantities[meter.id] for day, quantities in days.items() if quantities.get(meter.id)}
    if not used:
        return f"Bar chart of {meter.unit} a day: there was none in the period."
    peak = max(used, key=lambda day: used[day])
    figure = _text(meter.figure(days[peak]))
    return (
        f"Stacked bar chart of {meter.unit} a day by institution in {shown(report.label)}: use on {len(used)} of "
        f"{len(days)} days, most on {peak} with {figure} {meter.unit}. The table below holds the sums."
    )


def _describe_projects(report: MonthlyReport) -> str:
    meter = report.main_meter
    return f"Bar chart of the projects with most {meter.unit} of their own, without sub-projects. The table holds all."


def _state_of_data(report: MonthlyReport) -> str:
    return f"snapshot {report.snapshot}, recorded until {report.recorded_until:%Y-%m-%d %H:%M:%S} UTC"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _figure(figure: Decimal | None) -> Cell:
    return Cell(_text(figure), figure=True)


def _text(figure: Decimal | None) -> str:
    return NO_DATA if figure is None else grouped(figure)
