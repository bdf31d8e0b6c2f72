"""What have all charts in common? How they are written, their labels, their frame."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from meterhouse.reports.names import shortened, shown
from meterhouse.usage.answer_rows import Row
from meterhouse.usage.meters import Meter

Spec = dict[str, Any]
SERIES = 7  # beyond these, colours can't be told apart
OTHERS = "All others"
_ROOM = 40  # characters of a label


def as_text(spec: Spec | None) -> str:
    """A chart as it stands in an attribute of the page: the template escapes it, the script reads it."""
    return "" if spec is None else json.dumps(spec, ensure_ascii=False)


def framed(height: Any, **parts: Any) -> Spec:
    """A chart as wide as its place."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        **parts,
    }


def titled(meter: Meter) -> str:
    """A meter's title with its unit, unless they are the same."""
    return meter.title if meter.title.lower() == meter.unit.lower() else f"{meter.title} ({meter.unit})"


def label_of(row: Row) -> str:
    """What a row is called in a legend; "" where nothing is told apart."""
    return ", ".join(row.labels)


def short(labels: Iterable[str], room: int = _ROOM) -> dict[str, str]:
    """Each label as it is drawn: cut, without what can't be seen, and still told apart.

    Not left to Vega, which cuts between the halves of an emoji and then fails.
    """
    found: dict[str, str] = {}
    for label in labels:
        wanted = shortened(shown(label) if label else "All", room)
        drawn, number = wanted, 2
        while drawn in found.values():
            drawn, number = f"{shortened(wanted, room - 4)} ({number})", number + 1
        found[label] = drawn
    return found


def biggest(sizes: dict[str, Decimal], most: int = SERIES) -> list[str]:
    """The labels that are shown by themselves, the biggest first; one left over is shown, too."""
    ordered = sorted(sizes, key=lambda label: (-sizes[label], label))
    return ordered if len(ordered) <= most + 1 else ordered[:most]


def coloured(order: list[str], title: str | None = None) -> Spec:
    """Colours of series in that order, with a legend below."""
    return {
        "field": "label",
        "type": "nominal",
        "sort": order,
        "scale": {"domain": order},
        "legend": {"title": title, "orient": "bottom", "columns": 3, "labelLimit": 0},
    }
