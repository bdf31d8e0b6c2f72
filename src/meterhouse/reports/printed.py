"""What is a printed page made of? Cells, tables and sections as text, and how figures get into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from meterhouse.reports.figures import NO_DATA, grouped
from meterhouse.reports.monthly import Dimension, Meter, MonthlyReport, Quantities
from meterhouse.reports.names import shown

# Paper has room for so many; the files hold all.
HOURS_ON_PAPER = 4
COUNTS_ON_PAPER = 3

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


def paper_meters(report: MonthlyReport) -> tuple[Meter, ...]:
    """The meters that fit on A4 beside a name: the first of those with decimals, the first of the counts."""
    decimals = [meter for meter in report.meters if meter.places][:HOURS_ON_PAPER]
    counts = [meter for meter in report.meters if not meter.places][:COUNTS_ON_PAPER]
    return tuple(meter for meter in report.meters if meter in (*decimals, *counts))


def meter_headings(report: MonthlyReport) -> tuple[Heading, ...]:
    return tuple(meter_heading(meter) for meter in paper_meters(report))


def meter_heading(meter: Meter) -> Heading:
    """A count names what it counts in its title; other figures need their unit."""
    named = meter.unit.lower() == meter.title.lower() or not meter.places
    return Heading(meter.title, "" if named else meter.unit, figures=True)


def figure_cells(report: MonthlyReport, quantities: Quantities) -> tuple[Cell, ...]:
    return tuple(figure_cell(meter.figure(quantities)) for meter in paper_meters(report))


def unattributed_rows(report: MonthlyReport, dimension: Dimension) -> list[Row]:
    """The usage without an institution, project or user: always shown, also when there is none."""
    lines = report.remainder(dimension)
    if not lines:
        nothing = {meter.id: 0 for meter in report.meters if meter.adds_up and meter.id in report.totals}
        label = Cell("Not attributed", "nothing: all usage is attributed")
        return [Row((label, *figure_cells(report, nothing)), "unattributed")]
    return [
        Row(
            (Cell("Not attributed", shown(line.reason)), *figure_cells(report, line.quantities)),
            "unattributed",
        )
        for line in lines
    ]


def total_row(report: MonthlyReport) -> Row:
    return Row((Cell("Total"), *figure_cells(report, report.totals)), "total")


def day_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def figure_cell(figure: Decimal | None) -> Cell:
    return Cell(figure_text(figure), figure=True)


def figure_text(figure: Decimal | None) -> str:
    return NO_DATA if figure is None else grouped(figure)
