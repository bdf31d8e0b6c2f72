"""How do things stand? This month and the last twelve by realm, what changed, runs out, and is fresh."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.reports.changes import greatest_changes
from meterhouse.reports.compared import earlier
from meterhouse.usage.meters import find_realm
from meterhouse.usage.question import Question
from meterhouse.web import present
from meterhouse.web.answering import answered, present_directory
from meterhouse.web.pages.amounts import amount
from meterhouse.web.pages.charts.answers import over_time
from meterhouse.web.pages.charts.specs import as_text, titled
from meterhouse.web.pages.drilling import project_tree
from meterhouse.web.pages.frame import for_visitors
from meterhouse.web.pages.freshness import freshness
from meterhouse.web.pages.kept_register import ledger_day, ledger_state, seen_pools
from meterhouse.web.pages.pools import ShownPool, running, shown_pools
from meterhouse.web.pages.words import months_back, site_today
from meterhouse.web.pages.written import State, Written, written
from meterhouse.web.rights import Right
from meterhouse.web.visitors import right_of_request

# What is shown first of each realm.
_REALMS = {
    "cloud": ("Cloud", "core_hours"),
    "jobs": ("Jobs", "core_hours"),
    "pods": ("Containers", "core_hours"),
    "cloud-storage": ("Volumes and images", "gib_hours"),
    "storage": ("Storage", "stored_average_gib"),
}
# What changes are looked for in: all that computes, together.
_CHANGING, _CHANGED_METER = "compute", "core_hours"
_CHANGES = 6
_NEAR = 6


@for_visitors
def overview(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return render(request, "overview.html", {"content": overview_of(right_of_request(request))})


def overview_of(right: Right) -> Written:
    """What the first page shows of what a right sees."""
    today = site_today()

    def content() -> dict[str, Any]:
        return {
            "cards": _cards(right, today),
            "changes": _changes(right, today),
            "pools": [] if right.totals_only else _near(right),
            "sources": [] if right.totals_only else freshness(today),
            "today": today,
            "month_before": months_back(today, 1),
            "known": present.view(),
        }

    return written("overview_content.html", right, _state, (today,), content)


def _state() -> State:
    """The state of the ledger is another one each minute: within that sources don't become old."""
    ledger = ledger_state()
    return State(
        (present_directory(), ledger.decided), (present.view().snapshot, ledger.counted, ledger.minute)
    )


def ask_for_all() -> None:
    """Have the sums of all that is shown, which every visitor's page begins with."""
    for realm in _REALMS:
        answered(_by_month(realm, site_today()))
    project_tree()


def _by_month(realm: str, today: date) -> Question:
    _, meter = _REALMS[realm]
    first = months_back(today, 11)
    return Question.ask(realm=realm, meters=[meter], first=first, last=today, by=["month"])


def _cards(right: Right, today: date) -> list[dict[str, Any]]:
    cards = []
    for realm, (title, meter) in _REALMS.items():
        question = _by_month(realm, today)
        # What nobody used needn't be asked for each visitor; the answer to that is everybody's.
        if not answered(question).rows:
            continue
        found = answered(right.restrict(question))
        if not found.rows:
            continue
        by_month = {row.period: row.values[0] for row in found.rows}
        words = {"realm": realm, "meter": meter, "by": "month", "from": question.first, "to": today}
        words |= {"chart": "bar"}
        cards.append(
            {
                "title": title,
                "measure": titled(question.meters[0]),
                "now": _shown(by_month.get(f"{today:%Y-%m}")),
                "before": _shown(by_month.get(f"{months_back(today, 1):%Y-%m}")),
                "chart": as_text(over_time(found, "bar") | {"height": 140}),
                "address": urlencode(words),
            }
        )
    return cards


def _changes(right: Right, today: date) -> dict[str, Any]:
    """Who used more or less this month than in the same days of the month before."""
    by = "resource"
    if not right.totals_only:
        by = "portal_project" if project_tree().known else "project"
    question = Question.ask(
        realm=_CHANGING, meters=[_CHANGED_METER], first=months_back(today, 0), last=today, by=[by]
    )
    before = earlier(question, "previous")
    changes = greatest_changes(answered(right.restrict(question)), answered(right.restrict(before)), _CHANGES)
    words = {
        "realm": _CHANGING,
        "meter": _CHANGED_METER,
        "from": question.first,
        "to": question.last,
        "compare": "previous",
        "chart": "bar",
    }
    return {
        "measure": titled(find_realm("default", _CHANGING).meter(_CHANGED_METER)),
        "first": before.first,
        "last": before.last,
        "address": urlencode(words | {"by": by}),
        "rows": [
            {
                "label": one.label,
                "now": _shown(one.now),
                "before": _shown(one.before),
                "difference": f"{'+' if one.difference > 0 else ''}{amount(one.difference, 1)}",
                "way": "up" if one.difference > 0 else "down",
                "address": urlencode(
                    words | {"by": "day", "where": f"{by}={one.id or one.label}", "chart": "line"}
                ),
            }
            for one in changes
        ],
    }


def _near(right: Right) -> list[ShownPool]:
    """Pools of which little or nothing is left, the fullest first."""
    day = ledger_day()
    found = [one for one in shown_pools(running(seen_pools(right), day), day) if one.is_near]
    full = Decimal(10**9)
    return sorted(found, key=lambda one: -(full if one.found.percent is None else one.found.percent))[:_NEAR]


def _shown(value: Decimal | None) -> str:
    return "no data" if value is None else amount(value, 1)
