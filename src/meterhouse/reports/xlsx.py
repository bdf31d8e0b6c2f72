"""How does a report become a workbook? A sheet per table: numbers as numbers, names never as formulas."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from meterhouse.reports.document import definitions, headline_facts
from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.names import shown
from meterhouse.reports.tables import Column, Table, Value, tables

# Excel's own limit for the text of a cell.
_CELL_CHARACTERS = 32_767
# Excel's own limit is 1,048,576 rows; one for the header, one to say what was left out.
_SHEET_ROWS = 1_048_574
_WIDEST = 44


def render_xlsx(report: MonthlyReport) -> bytes:
    """The workbook. Its creation date is the report's `recorded_until`, so equal reports give equal bytes.

    A spreadsheet's numbers are doubles: 15 digits. The CSV files hold every digit.
    """
    out = BytesIO()
    options: dict[str, Any] = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    workbook = xlsxwriter.Workbook(out, options)
    created = report.recorded_until.astimezone(UTC).replace(tzinfo=None)
    workbook.set_properties(
        {
            "title": f"{shown(report.site)}: usage in {report.label}",
            "author": "Meterhouse",
            "created": created,
        }
    )
    formats = _Formats(workbook)
    for table in tables(report):
        sheet = workbook.add_worksheet(table.title)
        if table.name == "summary":
            _summary_sheet(sheet, report, table, formats)
        else:
            _sheet(sheet, table, formats)
        _print_setup(sheet, report)
    workbook.close()
    return out.getvalue()


class _Formats:
    """The cell formats of the workbook; a number's by its decimals."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._numbers: dict[int, Format] = {}
        self.title = workbook.add_format({"bold": True, "font_size": 18, "font_color": "#12324a"})
        self.section = workbook.add_format({"bold": True, "font_size": 12, "font_color": "#12324a"})
        self.label = workbook.add_format({"font_color": "#55606b", "valign": "top"})
        self.wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        self.text = workbook.add_format({"valign": "top"})
        self.date = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"})
        self.time = workbook.add_format(
            {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left", "valign": "top"}
        )
        head = {
            "bold": True,
            "font_color": "#ffffff",
            "bg_color": "#12324a",
            "text_wrap": True,
            "valign": "vcenter",
        }
        self.head = workbook.add_format(head)
        self.head_of_numbers = workbook.add_format({**head, "align": "right"})

    def number(self, places: int) -> Format:
        if places not in self._numbers:
            pattern = "#,##0" + ("." + "0" * places if places else "")
            self._numbers[places] = self._workbook.add_format({"num_format": pattern, "valign": "top"})
        return self._numbers[places]


def _summary_sheet(sheet: Worksheet, report: MonthlyReport, table: Table, formats: _Formats) -> None:
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, _cell_text(f"{report.site}: usage in {report.label}"), formats.title)
    sheet.set_row(0, 28)
    row = 2
    for label, text in headline_facts(report):
        sheet.write_string(row, 0, label, formats.label)
        sheet.merge_range(row, 1, row, 4, "", formats.wrapped)
        sheet.write_string(row, 1, _cell_text(text), formats.wrapped)
        sheet.set_row(row, 15 * (1 + len(text) // 90))
        row += 1
    row += 1
    columns = [(n, column) for n, column in enumerate(table.columns) if column.kind != "exact"]
    for place, (_, column) in enumerate(columns):
        sheet.write_string(row, place, _cell_text(column.title), _head(column, formats))
    for meter, values in zip(report.meters, table.rows, strict=True):
        row += 1
        for place, (n, column) in enumerate(columns):
            shown_as = Column(column.name, column.title, column.kind, meter.places)
            _write(sheet, row, place, values[n], shown_as, formats)
    row += 2
    sheet.write_string(row, 0, "Definitions", formats.section)
    for term, text in definitions(report):
        row += 1
        sheet.write_string(row, 0, _cell_text(term), formats.label)
        sheet.merge_range(row, 1, row, 4, "", formats.wrapped)
        sheet.write_string(row, 1, _cell_text(text), formats.wrapped)
        sheet.set_row(row, 15 * (1 + len(text) // 90))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 4, 20)


def _sheet(sheet: Worksheet, table: Table, formats: _Formats) -> None:
    columns = [(n, column) for n, column in enumerate(table.columns) if column.kind != "exact"]
    left_out = len(table.rows) - _SHEET_ROWS
    if left_out > 0:
        more: tuple[Value, ...] = (
            f"{left_out:,} more rows: see {table.name}.csv",
            *(None,) * (len(table.columns) - 1),
        )
        table = replace(table, rows=(*table.rows[:_SHEET_ROWS], more))
    sheet.set_row(0, 32)
    for place, (n, column) in enumerate(columns):
        sheet.write_string(0, place, _cell_text(column.title), _head(column, formats))
        for row, values in enumerate(table.rows, start=1):
            _write(sheet, row, place, values[n], column, formats)
        sheet.set_column(place, place, _width(column, [values[n] for values in table.rows]))
    sheet.freeze_panes(1, _frozen_columns(table))
    sheet.autofilter(0, 0, len(table.rows), len(columns) - 1)


def _write(sheet: Worksheet, row: int, place: int, value: Value, column: Column, formats: _Formats) -> None:
    if value is None:
        sheet.write_blank(row, place, None, formats.text)
    elif isinstance(value, int | Decimal):
        sheet.write_number(row, place, value, formats.number(column.places))
    elif isinstance(value, datetime):
        # Excel counts days from 1900 on and knows no time zone.
        sheet.write_datetime(row, place, value.astimezone(UTC).replace(tzinfo=None), formats.time)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, formats.date)
    else:
        sheet.write_string(row, place, _cell_text(value), formats.text)


def _cell_text(text: str) -> str:
    """Unseen characters written out, an empty cell left empty, and no more than a cell can hold."""
    return shown(text)[:_CELL_CHARACTERS] if text else ""


def _head(column: Column, formats: _Formats) -> Format:
    return formats.head_of_numbers if column.kind == "number" else formats.head


def _width(column: Column, values: list[Value]) -> int:
    if column.kind == "time":
        return 20
    if column.kind == "number":
        longest = max(
            (len(f"{value:,.{column.places}f}") for value in values if value is not None), default=0
        )
        return max(longest + 3, min(len(column.title), 14) + 3)
    longest = max((len(str(value)) for value in values), default=0)
    return min(max(longest, len(column.title) + 3) + 2, _WIDEST)


def _frozen_columns(table: Table) -> int:
    """How many columns stay in sight when one scrolls right: those up to the name."""
    return {"institutions": 1, "projects": 2, "users": 2, "items": 3, "daily": 2, "coverage": 2, "log": 1}[
        table.name
    ]


def _print_setup(sheet: Worksheet, report: MonthlyReport) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    if sheet.get_name() != "Summary":
        sheet.repeat_rows(0)
    # & starts a code in headers and footers
    site = shown(report.site).replace("&", "&&")[:120]
    sheet.set_footer(f"&L{site}, {report.label}, snapshot {report.snapshot}&RPage &P of &N")
