"""How does a report become a PDF? Typst sets the document; names reach it as data, never as markup."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from meterhouse.reports.charts import FONT_FOLDER, draw
from meterhouse.reports.document import document
from meterhouse.reports.monthly import MonthlyReport

_TEMPLATE = Path(__file__).parent / "templates" / "monthly.typ"
_NO_GLYPH = "could not be displayed with font"


def render_pdf(report: MonthlyReport) -> bytes:
    """A tagged PDF/UA-1 on A4, created at the report's `recorded_until`: equal reports, equal bytes.

    Set in the font that comes with the package. Characters that it lacks (Arabic, Chinese, emoji) are
    drawn with whatever fonts the machine has. PDF/UA-1 forbids a character that no font can draw; a name
    mustn't cost the whole report, so such a report is tagged all the same, but makes no claim to PDF/UA-1.
    """
    import typst

    try:
        return _compile(report, "ua-1")
    except typst.TypstError as error:
        if _NO_GLYPH not in str(error):
            raise
        return _compile(report, "1.7")


def _compile(report: MonthlyReport, standard: Literal["ua-1", "1.7"]) -> bytes:
    import typst

    data = {**asdict(document(report)), "charts": draw(report)}
    return typst.compile(
        str(_TEMPLATE),
        font_paths=[str(FONT_FOLDER)],
        format="pdf",
        pdf_standards=standard,
        sys_inputs={"report": json.dumps(data, ensure_ascii=False)},
        timestamp=int(report.recorded_until.timestamp()),
    )
