"""How does a report become a PDF? Typst sets the document; names reach it as data, never as markup."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from meterhouse.reports.charts import FONT_FOLDER, daily_by_institution, largest_projects, to_svg
from meterhouse.reports.document import document
from meterhouse.reports.monthly import MonthlyReport

_TEMPLATE = Path(__file__).parent / "templates" / "monthly.typ"


def render_pdf(report: MonthlyReport) -> bytes:
    """A tagged PDF/UA-1 on A4. Its creation date is the report's `recorded_until`: equal reports, equal bytes.

    Set in the font that comes with the package. Characters that it lacks (Arabic, Chinese, emoji) are
    drawn with whatever fonts the machine has.
    """
    import typst

    data = {
        **asdict(document(report)),
        "charts": {
            "daily": to_svg(daily_by_institution(report, report.main_meter)),
            "projects": to_svg(largest_projects(report, report.main_meter)),
        },
    }
    pdf: bytes = typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=[str(FONT_FOLDER)],
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"report": json.dumps(data, ensure_ascii=False)},
        timestamp=int(report.recorded_until.timestamp()),
    )
    return pdf
