"""How does a report become a page? One file with everything in it: no script, no outside address."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from meterhouse.reports.charts import NARROW, daily_by_institution, largest_projects, to_svg
from meterhouse.reports.document import document
from meterhouse.reports.monthly import MonthlyReport

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(report: MonthlyReport) -> bytes:
    """The page in UTF-8. Every name is escaped by the template engine; only our own drawings are placed as markup.

    Each chart is drawn twice, for a wide and a narrow screen; the page shows the one that fits.
    """
    from django.template import Context, Engine
    from django.utils.safestring import mark_safe

    meter = report.main_meter
    charts = {
        "daily": mark_safe(to_svg(daily_by_institution(report, meter))),
        "daily_narrow": mark_safe(to_svg(daily_by_institution(report, meter, NARROW))),
        "projects": mark_safe(to_svg(largest_projects(report, meter))),
        "projects_narrow": mark_safe(to_svg(largest_projects(report, meter, NARROW))),
    }
    engine = Engine(dirs=[str(_TEMPLATES)], autoescape=True)
    # No localization: the document holds text only, and there are no Django settings here.
    context = Context({**asdict(document(report)), "charts": charts}, use_l10n=False, use_tz=False)
    page: str = engine.get_template("monthly.html").render(context)
    return page.encode()
