"""How is an answer drawn? As a Vega-Lite chart: fixed field names, values and labels as data."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

from meterhouse.usage.answer import Answer, Row
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.meters import Meter
from meterhouse.usage.question import Question

KINDS = {"line": "Lines", "bar": "Bars", "area": "Areas"}
_SERIES = 7  # beyond these, colours can't be told apart
_BARS = 15
_OTHERS = "All others"
Spec = dict[str, Any]


def written(spec: Spec | None) -> str:
    """A chart as it stands in an attribute of the page: the template escapes it, the script reads it."""
    return "" if spec is None else json.dumps(spec, ensure_ascii=False)


def chart(found: Answer, kind: str) -> Spec | None:
    """The first meter of an answer over time or by label; None where there is nothing to draw."""
    if not found.rows:
        return None
    meter = found.question.meters[0]
    title = titled(meter)
    return over_time(found, kind, title) if found.question.period else _by_label(found, title)


def over_time(found: Answer, kind: str, title: str) -> Spec:
    """One series for each label, the biggest first, the small ones together."""
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for row in found.rows:
        sizes[_label(row)] += abs(row.values[0] or Decimal(0))
    biggest = sorted(sizes, key=lambda label: (-sizes[label], label))
    shown = biggest if len(biggest) <= _SERIES + 1 else biggest[:_SERIES]
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in found.rows:
        label = _label(row)
        sums[row.period, label if label in shown else _OTHERS] += row.values[0] or Decimal(0)
    values = [
        {"period": period, "label": label, "value": float(value)} for (period, label), value in sums.items()
    ]
    order = [*shown, *([_OTHERS] if len(shown) < len(biggest) else [])]
    mark: Spec = {"type": kind, "tooltip": True}
    if kind == "line":
        mark |= {"point": True, "strokeWidth": 2}
    encoding: Spec = {
        "x": {
            "field": "period",
            "type": "ordinal",
            "title": None,
            # All of the period, so that what is missing is a gap.
            "scale": {"domain": periods(found.question)},
            "axis": {"labelAngle": -45, "labelOverlap": True},
        },
        "y": {"field": "value", "type": "quantitative", "title": title},
        "tooltip": [
            {"field": "period", "title": "When"},
            *([{"field": "label", "title": "Who or what"}] if found.question.groupings else []),
            {"field": "value", "title": title, "format": ",.2f"},
        ],
    }
    if found.question.groupings:
        encoding["color"] = {
            "field": "label",
            "type": "nominal",
            "sort": order,
            "scale": {"domain": order},
            "legend": {"title": None, "orient": "bottom", "columns": 3, "labelLimit": 180},
        }
    return _spec(values, mark, encoding, 300)


def titled(meter: Meter) -> str:
    """A meter's title with its unit, unless they are the same."""
    return meter.title if meter.title.lower() == meter.unit.lower() else f"{meter.title} ({meter.unit})"


def periods(question: Question) -> list[str]:
    """The names of all units of time from the first day to the last, in order."""
    days = calendar_table(question.first, question.last, "UTC")
    names = days.column(question.period or "day").to_pylist()
    return list(dict.fromkeys(str(name) for name in names))


def _by_label(found: Answer, title: str) -> Spec:
    rows = sorted(found.rows, key=lambda row: -(row.values[0] or Decimal(0)))
    values = [{"label": _label(row) or "All", "value": float(row.values[0] or 0)} for row in rows[:_BARS]]
    encoding: Spec = {
        "y": {"field": "label", "type": "nominal", "sort": "-x", "title": None, "axis": {"labelLimit": 160}},
        "x": {"field": "value", "type": "quantitative", "title": title, "axis": {"tickCount": 5}},
        "tooltip": [
            {"field": "label", "title": "Who or what"},
            {"field": "value", "title": title, "format": ",.2f"},
        ],
    }
    return _spec(values, {"type": "bar", "tooltip": True}, encoding, {"step": 24})


def _spec(values: list[dict[str, Any]], mark: Spec, encoding: Spec, height: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": "container",
        "height": height,
        "data": {"values": values},
        "mark": mark,
        "encoding": encoding,
    }


def _label(row: Row) -> str:
    return ", ".join(row.labels)
