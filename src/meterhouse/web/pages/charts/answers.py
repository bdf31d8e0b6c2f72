"""Which chart shows an answer? Over time, by label, in parts, or as a map of heat."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from meterhouse.reports.compared import Compared, period_names
from meterhouse.usage.answer import Answer
from meterhouse.web.pages.charts.specs import (
    OTHERS,
    Spec,
    biggest,
    coloured,
    framed,
    label_of,
    short,
    titled,
)

KINDS = {"line": "Lines", "bar": "Bars", "area": "Areas", "pie": "Pie", "heat": "Heat map"}
_BARS = 15
_HEAT_ROWS = 30
_NOW, _THEN = "This period", "Compared with"
_ZERO = Decimal(0)


def chart(found: Answer, kind: str, compared: list[Compared] | None = None) -> Spec | None:
    """The first meter of an answer; None where there is nothing to draw."""
    if not found.rows:
        return None
    if kind == "pie":
        return parts(found)
    if kind == "heat" and found.question.period:
        return heat_map(found)
    if found.question.period:
        return over_time(found, kind, compared)
    return by_label(found, compared)


def over_time(found: Answer, kind: str, compared: list[Compared] | None = None) -> Spec:
    """One series for each label, the biggest first, the small ones together.

    Compared, an answer without labels gets a second series; with labels a line of the earlier total.
    """
    grouped, title = bool(found.question.groupings), titled(found.question.meters[0])
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for row in found.rows:
        sizes[label_of(row)] += abs(row.values[0] or _ZERO)
    shown = biggest(sizes)
    names = short([*shown, *([OTHERS] if len(shown) < len(sizes) else [])])
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in found.rows:
        label = label_of(row)
        sums[row.period, names[label if label in names else OTHERS]] += row.values[0] or _ZERO
    values: list[dict[str, Any]] = [
        {"period": period, "label": label, "value": float(value)} for (period, label), value in sums.items()
    ]
    if not grouped:  # a line doesn't run through what is missing
        said = {row.period for row in found.rows}
        values += [
            {"period": name, "label": "All", "value": None}
            for name in period_names(found.question)
            if name not in said
        ]
    values.sort(key=lambda one: str(one["period"]))
    x = {
        "field": "period",
        "type": "ordinal",
        "title": None,
        # All of the period, so that what is missing is a gap.
        "scale": {"domain": period_names(found.question)},
        "axis": {"labelAngle": -45, "labelOverlap": True},
    }
    y = {"field": "value", "type": "quantitative", "title": title}
    tooltip = [
        {"field": "period", "title": "When"},
        *([{"field": "label", "title": "Who or what"}] if grouped else []),
        {"field": "value", "title": title, "format": ",.2f"},
    ]
    encoding: Spec = {"x": x, "y": y, "tooltip": tooltip}
    if grouped:
        encoding["color"] = coloured(list(names.values()))
    main: Spec = {"data": {"values": values}, "mark": _mark(kind), "encoding": encoding}
    if not compared:
        return framed(300, **main)
    if not grouped:
        for one in values:
            one["label"] = _NOW
        encoding["color"] = coloured([_NOW, _THEN])
        if kind == "bar":
            encoding["xOffset"] = {"field": "label", "type": "nominal", "sort": [_NOW, _THEN]}
            values += _earlier(compared, _THEN)
            return framed(300, **main)
    drawn = f"All, {_THEN.lower()}" if grouped else _THEN
    if grouped:
        encoding["color"] = coloured([*names.values(), drawn])
    line: Spec = {
        "data": {"values": _earlier(compared, drawn)},
        "mark": {"type": "line", "strokeDash": [5, 4], "strokeWidth": 2, "tooltip": True},
        "encoding": {
            "x": x,
            "y": y,
            "tooltip": [*tooltip[:1], {"field": "earlier", "title": _THEN}, tooltip[-1]],
            "color": encoding["color"],
        },
    }
    return framed(300, layer=[main, line])


def _mark(kind: str) -> Spec:
    mark: Spec = {"type": kind, "tooltip": True}
    if kind == "line":
        mark |= {"point": {"size": 28}, "strokeWidth": 2}
    return mark


def _earlier(compared: list[Compared], label: str) -> list[dict[str, Any]]:
    """The earlier total in each unit of time, where there was one."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in compared:
        if row.earlier[0] is not None:
            sums[row.period, row.earlier_period] += row.earlier[0]
    return [
        {"period": period, "earlier": then, "label": label, "value": float(value)}
        for (period, then), value in sorted(sums.items())
    ]


def by_label(found: Answer, compared: list[Compared] | None = None) -> Spec:
    """Bars, the longest first."""
    title = titled(found.question.meters[0])
    rows = sorted(found.rows, key=lambda row: -(row.values[0] or _ZERO))[:_BARS]
    names = short([label_of(row) for row in rows], 36)
    values = [
        {"label": names[label_of(row)], "which": _NOW, "value": float(row.values[0] or 0)} for row in rows
    ]
    encoding: Spec = {
        "y": {
            "field": "label",
            "type": "nominal",
            "sort": list(names.values()),
            "title": None,
            "axis": {"labelLimit": 0},
        },
        "x": {
            "field": "value",
            "type": "quantitative",
            "title": title,
            "axis": {"tickCount": 3, "labelOverlap": True},
        },
        "tooltip": [
            {"field": "label", "title": "Who or what"},
            *([{"field": "which", "title": "When"}] if compared else []),
            {"field": "value", "title": title, "format": ",.2f"},
        ],
    }
    step = 24
    if compared:
        step = 38
        values += [
            {"label": names[", ".join(row.labels)], "which": _THEN, "value": float(row.earlier[0])}
            for row in compared
            if row.earlier[0] is not None and ", ".join(row.labels) in names
        ]
        order = [_NOW, _THEN]
        encoding["yOffset"] = {"field": "which", "type": "nominal", "sort": order}
        encoding["color"] = coloured(order) | {"field": "which"}
    # The step of the outer scale, whatever stands side by side in it.
    height: Any = {"step": step, "for": "position"} if compared else {"step": step}
    return framed(height, data={"values": values}, mark={"type": "bar", "tooltip": True}, encoding=encoding)


def parts(found: Answer) -> Spec | None:
    """A pie of an answer without time. What is nothing or less has no part."""
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for row in found.rows:
        sizes[label_of(row)] += row.values[0] or _ZERO
    sizes = {label: size for label, size in sizes.items() if size > 0}
    whole = sum(sizes.values(), _ZERO)
    if not whole:
        return None
    shown = biggest(sizes)
    left = sum((size for label, size in sizes.items() if label not in shown), _ZERO)
    drawn = {short(shown, 30)[label]: sizes[label] for label in shown} | ({OTHERS: left} if left else {})
    values = [
        {
            "label": f"{label}: {(size * 100 / whole).quantize(Decimal('0.1'), ROUND_HALF_UP)} %",
            "value": float(size),
        }
        for label, size in drawn.items()
    ]
    order = [str(one["label"]) for one in values]
    title = titled(found.question.meters[0])
    return framed(
        320,
        data={"values": values},
        mark={"type": "arc", "tooltip": True, "stroke": "white", "strokeWidth": 1},
        encoding={
            "theta": {"field": "value", "type": "quantitative", "stack": True},
            "order": {"field": "value", "type": "quantitative", "sort": "descending"},
            "color": coloured(order),
            "tooltip": [
                {"field": "label", "title": "Who or what"},
                {"field": "value", "title": title, "format": ",.2f"},
            ],
        },
    )


def heat_map(found: Answer) -> Spec:
    """Time from left to right, labels from top to bottom; days without labels by month."""
    title = titled(found.question.meters[0])
    names: dict[str, str] = {}
    if found.question.groupings:
        sizes: dict[str, Decimal] = defaultdict(Decimal)
        for row in found.rows:
            sizes[label_of(row)] += abs(row.values[0] or _ZERO)
        names = short(biggest(sizes, _HEAT_ROWS)[:_HEAT_ROWS], 22)
        cells = [(row.period, names.get(label_of(row)), row) for row in found.rows]
        columns, rows = period_names(found.question), list(names.values())
    elif found.question.period == "day":
        cells = [(row.period[8:], row.period[:7], row) for row in found.rows]
        columns = [f"{day:02d}" for day in range(1, 32)]
        rows = list(dict.fromkeys(name[:7] for name in period_names(found.question)))
    else:
        cells = [(row.period, "All", row) for row in found.rows]
        columns, rows = period_names(found.question), ["All"]
    values = [
        {"period": column, "label": label, "when": row.period, "value": float(row.values[0])}
        for column, label, row in cells
        if label is not None and row.values[0] is not None
    ]
    return framed(
        {"step": 22},
        data={"values": values},
        mark={"type": "rect", "tooltip": True},
        encoding={
            "x": {
                "field": "period",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": columns},
                "axis": {"labelAngle": -45, "labelOverlap": True},
            },
            "y": {
                "field": "label",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": rows},
                "axis": {"labelLimit": 0},
            },
            "color": {
                "field": "value",
                "type": "quantitative",
                "title": title,
                "legend": {"orient": "bottom", "gradientLength": 200, "titleLimit": 0},
            },
            "tooltip": [
                {"field": "when", "title": "When"},
                *([{"field": "label", "title": "Who or what"}] if names else []),
                {"field": "value", "title": title, "format": ",.2f"},
            ],
        },
    )
