"""What does the reader of a monthly report see, page by page? The words and figures that PDF and HTML set.

Everything in a `Document` is text, ready to be placed as text: rounded, grouped, unseen characters written
out. The renderers choose type and colour, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterhouse.reports.coverage_words import coverage_callout
from meterhouse.reports.figures import NO_DATA, percent
from meterhouse.reports.monthly import Meter, MonthlyReport, Quantities, by_use, total
from meterhouse.reports.names import shortened, shown
from meterhouse.reports.printed import (
    Cell,
    Heading,
    Headline,
    PrintedTable,
    Row,
    Section,
    day_words,
    figure_cells,
    figure_text,
    meter_headings,
    paper_meters,
    total_row,
    unattributed_rows,
)
from meterhouse.reports.sections import (
    coverage_section,
    items_section,
    log_section,
    projects_section,
    users_section,
)

ROUNDING = (
    "Each figure is rounded once, from exact seconds, a half going up. "
    "So the rows of a table may differ from its total in the last digit; the total is right."
)


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
    sections = [projects_section(report), users_section(report)]
    if report.items is not None:
        sections.append(items_section(report))
    sections += [
        coverage_section(report),
        Section("definitions", "Definitions", (), terms=tuple(definitions(report))),
    ]
    if report.log is not None:
        sections.append(log_section(report, report.log))
    site, label = shown(report.site), shown(report.label)
    scope = (shown(report.scope),) if report.scope else ()
    return Document(
        title=f"{site}: usage in {label}",
        site=site,
        label=label,
        subtitle=" · ".join(
            (f"{day_words(report.start)} to {day_words(report.last_day)}", f"times in {report.zone}", *scope)
        ),
        footer=f"{shortened(site, 60)} · {label} · {_state_of_data(report)}",
        complete=complete,
        coverage=tuple(coverage),
        headlines=tuple(_headline(report, meter) for meter in paper_meters(report)[:4]),
        chart_title=f"{meter.title} a day, by institution",
        chart_description=_describe_daily(report),
        projects_chart_description=_describe_projects(report),
        rounding=ROUNDING,
        institutions=_institutions(report),
        notes=(*(shown(note) for note in report.notes), *_further_meters(report)),
        sections=tuple(sections),
    )


def headline_facts(report: MonthlyReport) -> list[tuple[str, str]]:
    """What a reader must know before any figure: label and words."""
    _, coverage = coverage_callout(report)
    facts = [
        ("Period", f"{day_words(report.start)} to {day_words(report.last_day)}, days of {report.zone}"),
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
            (
                "A project's own use is what was booked on the project itself. With sub-projects adds "
                "everything below it in the tree. The total counts each use once."
            ),
        ),
        (
            "Not attributed",
            (
                "Usage of which the institution, project or user isn't known. It is part of every total and "
                "shown as a row of its own, never spread over others."
            ),
        ),
        (
            f"{NO_DATA} and zero",
            f"{NO_DATA} means that nothing is known; zero means that it is known that nothing was used.",
        ),
        (
            "Not covered, failed",
            (
                "Not covered is time for which a source was never asked. Failed is time for which it was "
                "asked and didn't answer. Use in such times is missing from this report."
            ),
        ),
        ("Rounding", ROUNDING),
        (
            "State of the data",
            (
                f"{_state_of_data(report).capitalize()}. "
                "Made again from the same state, this report is the same to the byte."
            ),
        ),
    ]
    return terms


def _further_meters(report: MonthlyReport) -> list[str]:
    further = [meter.title for meter in report.meters if meter not in paper_meters(report)]
    if not further:
        return []
    return [f"The workbook and the CSV files also hold: {', '.join(further)}."]


def _headline(report: MonthlyReport, meter: Meter) -> Headline:
    unit = "" if meter.unit.lower() == meter.title.lower() else meter.unit
    change = ""
    if report.previous is not None:
        before = meter.figure(report.previous.totals)
        compared = _change(report.totals, report.previous.totals, meter)
        known = "" if report.previous.complete else ", not fully covered"
        was = f"{shown(report.previous.label)}{known}: {figure_text(before)}"
        change = f"{compared} ({was})" if compared else was
    return Headline(meter.title, figure_text(meter.figure(report.totals)), unit, change)


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
        rows.append(Row((Cell(shown(row.name), " · ".join(facts)), *figure_cells(report, row.quantities))))
    rows += unattributed_rows(report, "institution")
    rows.append(total_row(report))
    note = ""
    if report.previous and not report.previous.complete:
        note = f"{shown(report.previous.label)} isn't fully covered, so changes are against a part of it."
    return PrintedTable(
        "institutions", "By institution", (Heading("Institution"), *meter_headings(report)), tuple(rows), note
    )


def _describe_daily(report: MonthlyReport) -> str:
    """The chart in words, for those who can't see it."""
    meter = report.main_meter
    days: dict[str, Quantities] = {}
    for day in report.days:
        parts = [row.quantities for row in report.daily if row.day == day]
        days[day_words(day)] = total(parts, [meter.id])
    used = {day: quantities[meter.id] for day, quantities in days.items() if quantities.get(meter.id)}
    if not used:
        return f"Bar chart of {meter.unit} a day: there was none in the period."
    peak = max(used, key=lambda day: used[day])
    figure = figure_text(meter.figure(days[peak]))
    return (
        f"Stacked bar chart of {meter.unit} a day by institution in {shown(report.label)}: use on "
        f"{len(used)} of {len(days)} days, most on {peak} with {figure} {meter.unit}. "
        "The table below holds the sums."
    )


def _describe_projects(report: MonthlyReport) -> str:
    meter = report.main_meter
    return (
        f"Bar chart of the projects with most {meter.unit} of their own, without sub-projects. "
        "The table holds all."
    )


def _state_of_data(report: MonthlyReport) -> str:
    return f"snapshot {report.snapshot}, recorded until {report.recorded_until:%Y-%m-%d %H:%M:%S} UTC"


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
