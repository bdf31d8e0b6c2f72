"""In which state was something, from when to when? A bar for each span, coloured by state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from meterhouse.web.pages.charts.specs import Spec, framed


def timeline(spans: list[dict[str, Any]], start: datetime, end: datetime) -> Spec:
    """The spans that lie in `[start, end)`, cut to it. Moments are UTC."""
    values = [
        {
            "state": span["state"],
            "from": max(span["start"], start).isoformat(),
            "to": min(span["end"], end).isoformat(),
            "size": f"{span['class'] or ''} {span['vcpus'] or ''}".strip(),
        }
        for span in spans
        if span["end"] > start and span["start"] < end
    ]
    return framed(
        {"step": 32},
        data={"values": values},
        mark={"type": "bar", "cornerRadius": 3, "tooltip": True},
        encoding={
            "x": {
                "field": "from",
                "type": "temporal",
                "scale": {"type": "utc"},
                "title": "UTC",
                "axis": {"labelOverlap": True, "tickCount": 6, "format": "%-d %b %H:%M", "labelAngle": -30},
            },
            "x2": {"field": "to"},
            "y": {"field": "state", "type": "nominal", "title": None},
            "color": {"field": "state", "type": "nominal", "legend": None},
            "tooltip": [
                {"field": "state", "title": "State"},
                {"field": "size", "title": "Size"},
                {"field": "from", "type": "temporal", "title": "From", "format": "%Y-%m-%d %H:%M"},
                {"field": "to", "type": "temporal", "title": "To", "format": "%Y-%m-%d %H:%M"},
            ],
        },
    )
