"""How does a report become a page? One file with everything in it: no script, no outside address."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from meterhouse.reports.charts import NARROW, draw
from meterhouse.reports.document import document
from meterhouse.reports.monthly import MonthlyReport

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(report: MonthlyReport) -> bytes:
    """The page in UTF-8. The template engine escapes every name; only our own drawings are markup.

    Each chart is drawn twice, for a wide and a narrow screen; the page shows the one that fits.
    """
    from django.template import Context, Engine
    from django.utils.safestring import mark_safe

    narrow = {f"{name}_narrow": svg for name, svg in draw(report, NARROW).items()}
    # vl-convert writes XML in which names are escaped; a test renders hostile ones.
    charts = {name: mark_safe(svg) for name, svg in {**draw(report), **narrow}.items()}  # noqa: S308
    engine = Engine(dirs=[str(_TEMPLATES)], autoescape=True)
    # No localization: the document holds text only, and there are no Django settings here.
    context = Context({**asdict(document(report)), "charts": charts}, use_l10n=False, use_tz=False)
    page: str = engine.get_template("monthly.html").render(context)
    return page.encode()
