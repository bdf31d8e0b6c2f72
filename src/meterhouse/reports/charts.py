"""Which pictures does a report draw? One Vega-Lite definition per chart, the same for page and PDF."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from meterhouse.reports.coverage import incomplete_days
from meterhouse.reports.figures import Quantity, rounded
from meterhouse.reports.monthly import Meter, MonthlyReport, ProjectBranch, Quantities, by_use, project_tree
from meterhouse.reports.names import shortened, shown

WIDE = 640
NARROW = 300  # for a phone
FONT = "Source Sans 3"
FONT_FOLDER = Path(__file__).parent / "fonts"

# Told apart with protanopia, deuteranopia and tritanopia (checked with Machado's model); the white line
# round each bar separates neighbours where hue doesn't.
_INSTITUTION_COLOURS = ("#0072b2", "#d99000", "#00845f", "#4aa9df", "#c44f00", "#cc79a7")
_OTHERS_COLOUR = "#4b535d"
_UNATTRIBUTED_COLOUR = "#aab2bb"
_NOT_READ_COLOUR = "#e6e9ed"
_INK = "#333c46"
_RULE = "#d5dae0"

OTHERS = "Other institutions"
NOT_ATTRIBUTED = "Not attributed"
NOT_READ = "Days not fully read"

Spec = dict[str, Any]


def daily_by_institution(report: MonthlyReport, meter: Meter, width: int = WIDE) -> Spec:
    """Stacked bars, one a day: who used how much. Days that weren't fully read stand on grey.

    Six institutions at most, the rest as one; legend below, so that no label lies on the bars.
    """
    named = [row.name for row in by_use(report.institutions, meter)][: len(_INSTITUTION_COLOURS)]
    sums: dict[tuple[date, str], Quantity] = {}
    for row in report.daily:
        if row.quantities.get(meter.id):
            label = NOT_ATTRIBUTED if row.institution is None else row.institution
            series = label if label in named or row.institution is None else OTHERS
            sums[row.day, series] = sums.get((row.day, series), 0) + row.quantities[meter.id]
    used = {series for _, series in sums}
    colours = {
        **{name: colour for name, colour in zip(named, _INSTITUTION_COLOURS, strict=False) if name in used},
        **({OTHERS: _OTHERS_COLOUR} if OTHERS in used else {}),
        **({NOT_ATTRIBUTED: _UNATTRIBUTED_COLOUR} if NOT_ATTRIBUTED in used else {}),
    }
    order = list(colours)
    columns, room = _legend_room(order, width)
    labels = _short_labels([shown(series) for series in order], room)
    label_of = dict(zip(order, labels, strict=True))
    bars = [
        {
            "day": _day_label(report, day),
            "series": label_of[series],
            "place": order.index(series),
            "figure": float(rounded(quantity, meter.divisor, meter.places)),
        }
        for (day, series), quantity in sorted(
            sums.items(), key=lambda entry: (entry[0][0], order.index(entry[0][1]))
        )
    ]
    not_read = sorted(incomplete_days(report.coverage, report.time_zone) & set(report.days))
    legend = {label_of[series]: colour for series, colour in colours.items()}
    if not_read:
        legend[NOT_READ] = _NOT_READ_COLOUR
    days = [_day_label(report, day) for day in report.days]
    x = {
        "field": "day",
        "type": "ordinal",
        "scale": {"domain": days, "paddingInner": 0.18, "paddingOuter": 0.1},
        "axis": {
            "title": f"Day of {report.label}",
            "labelAngle": 0,
            "values": [day for n, day in enumerate(days) if _is_labelled(n, len(days), width)],
        },
    }
    colour = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": list(legend), "range": list(legend.values())},
        "legend": {"title": None, "orient": "bottom", "columns": columns, "labelLimit": 0, "offset": 6}
        if legend
        else None,
    }
    layers: list[Spec] = [
        {
            "data": {"values": [{"day": _day_label(report, day), "series": NOT_READ} for day in not_read]},
            "mark": {"type": "rect", "width": {"band": 1.23}},  # closes the gaps between days
            "encoding": {"x": x, "color": colour, "y": {"value": "height"}, "y2": {"value": 0}},
        },
        {
            "data": {"values": bars},
            "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.6},
            "encoding": {
                "x": x,
                "y": {
                    "field": "figure",
                    "type": "quantitative",
                    "stack": "zero",
                    "axis": {"title": f"{_capital(meter.unit)} per day", "tickCount": 5, "format": ",~f"},
                },
                "color": colour,
                "order": {"field": "place", "type": "quantitative"},
            },
        },
    ]
    return _chart(layers if not_read else layers[1:], width, 165)


def largest_projects(report: MonthlyReport, meter: Meter, width: int = WIDE) -> Spec:
    """The ten projects that used most themselves, each bar labelled with its figure."""
    branches = [branch for branch in project_tree(report) if branch.row.quantities.get(meter.id)]
    branches.sort(key=lambda branch: -branch.row.quantities[meter.id])
    names = _project_labels(branches[:10])
    rows = [
        {"project": label, "figure": _float(branch.row.quantities, meter)}
        for label, branch in zip(_short_labels(names, 40 if width >= WIDE else 18), branches, strict=False)
    ]
    label = {"align": "left", "baseline": "middle", "fontSize": 11, "fontWeight": 400, "color": _INK}
    y = {
        "field": "project",
        "type": "ordinal",
        "sort": None,
        "axis": {
            "title": None,
            "ticks": False,
            "domain": False,
            "labelLimit": 0,
            "labelPadding": 8,
        },
    }
    x = {
        "field": "figure",
        "type": "quantitative",
        "axis": {"title": _capital(meter.unit), "tickCount": 4 if width >= WIDE else 2, "format": ",~f"},
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": _INSTITUTION_COLOURS[0], "height": {"band": 0.66}},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "text", "dx": 5, **label},
            "encoding": {
                "x": x,
                "y": y,
                "text": {"field": "figure", "type": "quantitative", "format": ",.1f"},
            },
        },
    ]
    chart = _chart(layers, width, 22 * max(len(rows), 1))
    return {**chart, "data": {"values": rows}}


def draw(report: MonthlyReport, width: int = WIDE) -> dict[str, str]:
    """The report's charts by name, each as SVG; no chart of projects where none used anything."""
    meter = report.main_meter
    drawings = {"daily": to_svg(daily_by_institution(report, meter, width))}
    if any(row.quantities.get(meter.id) for row in report.projects):
        drawings["projects"] = to_svg(largest_projects(report, meter, width))
    return drawings


def to_svg(spec: Spec) -> str:
    """The drawing: offline, and the same bytes for the same definition."""
    import vl_convert

    vl_convert.register_font_directory(str(FONT_FOLDER))  # to measure text with
    svg: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return svg


def _chart(layers: list[Spec], width: int, height: int) -> Spec:
    text = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontWeight": 400,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "padding": 2,
        "layer": layers,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                **text,
                "labelFontSize": 11,
                "titleFontSize": 11,
                "titleFontWeight": 600,
                "titlePadding": 8,
                "domainColor": _RULE,
                "tickColor": _RULE,
                "gridColor": _RULE,
                "gridWidth": 0.6,
            },
            "axisX": {"grid": False, "ticks": False, "labelPadding": 5},
            "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
            "legend": {
                **text,
                "labelFontSize": 11,
                "symbolType": "square",
                "symbolSize": 110,
                "symbolStrokeWidth": 0,
            },
        },
    }


def _is_labelled(n: int, days: int, width: int) -> bool:
    """Every day where there is room, else every fifth, counted so that the first is labelled."""
    step = 1 if width >= WIDE and days <= 31 else 5 if days <= 62 else 30
    return n % step == 0


def _legend_room(names: list[str], width: int) -> tuple[int, int]:
    """As many columns as the longest name leaves room for, and the characters that fit into one."""
    if width < WIDE:
        return 1, 40
    return (3, 30) if all(len(name) <= 30 for name in names) else (2, 45)


def _short_labels(names: list[str], room: int) -> list[str]:
    """Names cut to `room` characters (wide ones count twice), and still told apart.

    Not left to Vega: it cuts between the halves of an emoji and then fails.
    """
    labels: list[str] = []
    for name in names:
        label, number = shortened(name, room), 2
        while label in labels:
            label, number = f"{shortened(name, room - 4)} ({number})", number + 1
        labels.append(label)
    return labels


def _day_label(report: MonthlyReport, day: date) -> str:
    """`7` within a calendar month, else `7 Apr`: labels of different days must differ."""
    return str(day.day) if len(report.days) <= 28 or len(report.period) == 7 else f"{day.day} {day:%b %y}"


def _project_labels(branches: list[ProjectBranch]) -> list[str]:
    """`parent / name`, with the key where two projects would share a label (and so a bar)."""
    labels = [
        f"{shown(branch.parent_name)} / {shown(branch.row.name)}"
        if branch.parent_name
        else shown(branch.row.name)
        for branch in branches
    ]
    return [
        f"{label} ({shown(branch.row.key)})" if labels.count(label) > 1 else label
        for label, branch in zip(labels, branches, strict=True)
    ]


def _float(quantities: Quantities, meter: Meter) -> float:
    return float(rounded(quantities[meter.id], meter.divisor, meter.places))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
