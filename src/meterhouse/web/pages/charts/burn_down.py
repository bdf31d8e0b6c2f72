"""How does an allocation pool go down? What is left by day, an even pace, and what is to come."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from meterhouse.allocations.burning_down import BurnDown
from meterhouse.web.pages.charts.specs import Spec, coloured, framed

_LEFT, _EVEN, _COMING = "Left", "Even pace", "At the pace of late"
_DAY = timedelta(days=1)


def burn_down_chart(found: BurnDown, units: str) -> Spec:
    """Three lines over the period."""
    values: list[dict[str, Any]] = [_point(day, left, _LEFT) for day, left in found.left]
    last_day = found.end - _DAY
    values += [_point(found.start, found.allocated, _EVEN), _point(last_day, Decimal(0), _EVEN)]
    order = [_LEFT, _EVEN]
    if found.as_of < last_day:
        values += [
            _point(found.as_of, found.left[-1][1], _COMING),
            _point(last_day, found.left_at_end, _COMING),
        ]
        order.append(_COMING)
    title = f"{units or 'units'} left"
    return framed(
        240,
        data={"values": values},
        mark={"type": "line", "strokeWidth": 2, "tooltip": True},
        encoding={
            "x": {
                "field": "day",
                "type": "temporal",
                "title": None,
                "scale": {"type": "utc"},
                "axis": {"format": "%-d %b", "tickCount": 6, "labelOverlap": True},
            },
            "y": {"field": "value", "type": "quantitative", "title": title},
            "color": coloured(order),
            "strokeDash": {
                "field": "label",
                "type": "nominal",
                "scale": {"domain": order, "range": [[1, 0], [2, 4], [6, 4]][: len(order)]},
                "legend": None,
            },
            "tooltip": [
                {"field": "day", "type": "temporal", "title": "Day", "format": "%Y-%m-%d"},
                {"field": "label", "title": "What"},
                {"field": "value", "title": title, "format": ",.2f"},
            ],
        },
    )


def _point(day: Any, value: Decimal, label: str) -> dict[str, Any]:
    return {"day": f"{day}T00:00:00Z", "value": float(value), "label": label}
