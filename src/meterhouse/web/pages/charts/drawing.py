"""How does a chart become a file? Drawn as the page draws it, in light colours, without a browser."""

from __future__ import annotations

from typing import Any

from meterhouse.reports.charts import FONT, FONT_FOLDER
from meterhouse.web.pages.charts.specs import Spec

DRAWN = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
_WIDTH = 900
_INK, _LINE = "#1b2430", "#d5dae1"
_COLOURS = ["#1f77b4", "#d1610a", "#2b7a3f", "#b3261e", "#7a52a8", "#7a5348", "#b8408f", "#6b7380"]
_CONFIG: dict[str, Any] = {
    "font": FONT,
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "gridColor": _LINE,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
    },
    "legend": {"labelColor": _INK, "titleColor": _INK, "labelFontSize": 12},
    "title": {"color": _INK, "subtitleColor": _INK, "anchor": "start", "fontSize": 16, "offset": 12},
    "view": {"stroke": None},
    "range": {"category": _COLOURS, "heatmap": ["#e8f0f8", "#14568a"]},
}


def draw(spec: Spec, how: str, title: str, subtitle: str) -> bytes:
    """The chart as PNG, SVG or PDF, with a title above it."""
    import vl_convert

    vl_convert.register_font_directory(str(FONT_FOLDER))
    whole = spec | {
        "width": _WIDTH,
        "background": "white",
        "padding": 16,
        "title": {"text": title, "subtitle": subtitle},
        "config": _CONFIG,
    }
    if how == "svg":
        return str(vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])).encode()
    if how == "pdf":
        return bytes(vl_convert.vegalite_to_pdf(whole, allowed_base_urls=[]))
    return bytes(vl_convert.vegalite_to_png(whole, scale=2, allowed_base_urls=[]))
