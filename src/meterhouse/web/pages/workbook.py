"""How does an answer become a workbook? Numbers as numbers, names never as formulas, the question beside."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from io import BytesIO

import xlsxwriter

from meterhouse.errors import QuestionError
from meterhouse.usage.answer import Answer

_ROWS = 1_048_000  # Excel's own limit is a little above
_CHARACTERS = 32_767


def workbook_of(found: Answer, command: str, site: str, made: datetime) -> bytes:
    """A sheet with the figures and one that says what was asked. Numbers there have 15 digits at most."""
    records, columns = found.records(), found.columns()
    if len(records) > _ROWS:
        raise QuestionError(f"xlsx: expected at most {_ROWS} rows, found {len(records)}; CSV has no limit")
    out = BytesIO()
    workbook = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    head = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    sheet = workbook.add_worksheet("Figures")
    meters = {meter.name: meter for meter in found.question.meters}
    titles = [f"{meters[name].title} ({meters[name].unit})" if name in meters else name for name in columns]
    formats = {
        name: workbook.add_format(
            {"num_format": "#,##0" + ("." + "0" * one.decimals if one.decimals else "")}
        )
        for name, one in meters.items()
    }
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title, head)
        sheet.set_column(place, place, 18 if columns[place] in meters else 26)
    for number, record in enumerate(records, start=1):
        for place, name in enumerate(columns):
            value = record[name]
            if isinstance(value, Decimal):
                sheet.write_number(number, place, float(value), formats.get(name))
            elif value is not None:
                sheet.write_string(number, place, value[:_CHARACTERS])
    sheet.freeze_panes(1, 0)
    if records:
        sheet.autofilter(0, 0, len(records), len(columns) - 1)
    about = workbook.add_worksheet("Question")
    about.set_column(0, 0, 14)
    about.set_column(1, 1, 100)
    for number, (title, text) in enumerate(
        (
            ("Site", site),
            ("Asked", command),
            ("Snapshot", str(found.snapshot)),
            ("Made (UTC)", f"{made:%Y-%m-%d %H:%M}"),
            *((meter.title, meter.meaning) for meter in found.question.meters),
        )
    ):
        about.write_string(number, 0, title, head)
        about.write_string(number, 1, text[:_CHARACTERS])
    workbook.close()
    return out.getvalue()
