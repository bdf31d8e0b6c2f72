"""How do things stand? This month and the last twelve by realm, and how fresh each source is."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.usage.question import Question
from meterhouse.web.answering import answered
from meterhouse.web.pages.charts.answers import over_time
from meterhouse.web.pages.charts.specs import titled, written
from meterhouse.web.pages.frame import for_visitors
from meterhouse.web.pages.sources import freshness
from meterhouse.web.pages.words import months_back, site_today
from meterhouse.web.visitors import right_of_request

# What is shown first of each realm.
_REALMS = {
    "cloud": ("Cloud", "core_hours"),
    "jobs": ("Jobs", "core_hours"),
    "pods": ("Containers", "core_hours"),
    "cloud-storage": ("Volumes and images", "gib_hours"),
    "storage": ("Storage", "stored_average_gib"),
}


@for_visitors
def overview(request: HttpRequest) -> HttpResponse:
    """The first page."""
    right, today = right_of_request(request), site_today()
    first = months_back(today, 11)
    cards: list[dict[str, Any]] = []
    for realm, (title, meter) in _REALMS.items():
        question = Question.ask(realm=realm, meters=[meter], first=first, last=today, by=["month"])
        found = answered(right.restrict(question))
        if not found.rows:
            continue
        by_month = {row.period: row.values[0] for row in found.rows}
        measured = question.meters[0]
        cards.append(
            {
                "realm": realm,
                "title": title,
                "measure": titled(measured),
                "now": _shown(by_month.get(f"{today:%Y-%m}")),
                "before": _shown(by_month.get(f"{months_back(today, 1):%Y-%m}")),
                "chart": written(over_time(found, "bar") | {"height": 140}),
                "address": urlencode(
                    {
                        "realm": realm,
                        "meter": meter,
                        "by": "month",
                        "from": first,
                        "to": today,
                        "chart": "bar",
                    }
                ),
            }
        )
    sources = [] if right.totals_only else freshness()
    return render(request, "overview.html", {"cards": cards, "sources": sources, "today": today})


def _shown(value: Decimal | None) -> str:
    return "no data" if value is None else f"{value.quantize(Decimal('0.1'), ROUND_HALF_UP):,}"
