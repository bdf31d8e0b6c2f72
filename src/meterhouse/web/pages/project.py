"""What is this project, who is in it, what has it used, and how much is left?"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.directory.ownership import Owner, owners
from meterhouse.directory.periods import on
from meterhouse.directory.register.models import WHOLE
from meterhouse.errors import MeterhouseError
from meterhouse.usage.answer import Answer
from meterhouse.usage.question import Question
from meterhouse.web.answering import answered, kept_for_directory
from meterhouse.web.pages.amounts import amount
from meterhouse.web.pages.charts.answers import over_time
from meterhouse.web.pages.charts.specs import as_text
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.kept_register import directory, ledger_day, seen_by, seen_pools
from meterhouse.web.pages.paging import paged
from meterhouse.web.pages.pools import running, shown_pools
from meterhouse.web.pages.words import months_back, site_today
from meterhouse.web.visitors import right_of_request

_PAGE = 50
# What usage is measured by here, whichever system it was on.
REALM, METER = "compute", "core_hours"


@for_accounts
def project(request: HttpRequest) -> HttpResponse:
    """One project where the address names one by its code, otherwise all that the visitor may see."""
    try:
        return _one(request, request.GET["code"]) if "code" in request.GET else _several(request)
    except MeterhouseError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be asked", "text": str(mistake)}, status=400
        )


def _several(request: HttpRequest) -> HttpResponse:
    known, today = directory(), site_today()
    seen = seen_by(request).projects
    wanted = request.GET.get("q", "").strip().casefold()
    places = kept_for_directory("project places", lambda: _places(today), today)
    rows = [
        (path, known.projects[id_])
        for path, id_ in places
        if (seen is None or id_ in seen)
        and (not wanted or wanted in f"{path} {known.projects[id_].code}".casefold())
    ]
    page = paged(request.GET, rows, _PAGE)
    shown = []
    for path, one in page.rows:
        owner = on(today, owners(known, one.id))
        shown.append(
            {
                "path": path,
                "one": one,
                "depth": path.count(" / "),
                "pi": _person(owner.pi) if owner else "",
                "funders": _shares(owner),
                "over": not one.start <= today < one.end,
            }
        )
    return render(
        request,
        "projects.html",
        {"shown": shown, "page": page, "wanted": wanted, "none": seen == frozenset()},
    )


def _places(today: date) -> list[tuple[str, int]]:
    """Each project's path from the top, and its id, as one walks the tree."""
    known = directory()
    found = []
    for one in known.projects.values():
        if not one.is_root:
            line = next(
                way.value.projects for way in known.tree.lines(one.id) if way.start <= today < way.end
            )
            names = [known.projects[id_].called for id_ in reversed(line) if not known.projects[id_].is_root]
            found.append((" / ".join(names), one.id))
    return sorted(found, key=lambda place: (place[0].casefold(), place[1]))


def _one(request: HttpRequest, code: str) -> HttpResponse:
    known, today = directory(), site_today()
    seen = seen_by(request)
    one = next((one for one in known.projects.values() if one.code == code and not one.is_root), None)
    if one is None or not (seen.projects is None or one.id in seen.projects):
        raise Http404  # the same whether it isn't there or isn't theirs
    owner = on(today, owners(known, one.id))
    line = next(way.value.projects for way in known.tree.lines(one.id) if way.start <= today < way.end)
    above = [known.projects[id_] for id_ in reversed(line[1:]) if not known.projects[id_].is_root]
    month = months_back(today, 0)
    right = right_of_request(request)

    def ask(first: date, by: list[str], inside: str) -> Answer:
        question = Question.ask(
            realm=REALM, meters=[METER], first=first, last=today, by=by, filters={inside: [code]}
        )
        return answered(right.restrict(question))

    year = ask(months_back(today, 11), ["month"], "project_tree")
    by_project = {row.ids[0]: row.values[0] for row in ask(month, ["portal_project"], "project_tree").rows}
    by_person = {row.ids[0]: row.values[0] for row in ask(month, ["person"], "portal_project").rows}
    parts = _below(one.id, today)
    rows = seen_pools(right)
    paying = running([row for row in rows if row.project_id == one.id], ledger_day())
    others = [row for row in rows if row.project_id == one.id and row not in paying]
    for_above = (
        [row for row in running(rows, ledger_day()) if row.project_id in line[1:]] if not paying else []
    )
    members = [
        {
            "person": known.people[held.value.person].called,
            "level": known.project_levels.get(held.value.level) if held.value.level else "",
            "leads": held.value.is_leader,
            "contact": held.value.is_primary_contact,
            "since": None if held.start == date.min else held.start,
            "used": amount(by_person.get(str(held.value.person)), 1),
        }
        for held in known.memberships.get(one.id, [])
        if held.start <= today < held.end
    ]
    tree = [
        {
            "one": known.projects[id_],
            "depth": depth,
            "open": seen.projects is None or id_ in seen.projects,
            "used": amount(by_project.get(known.projects[id_].code), 1),
        }
        for id_, depth in [(one.id, 0), *parts]
    ]
    context: dict[str, Any] = {
        "one": one,
        "above": [(it, seen.projects is None or it.id in seen.projects) for it in above],
        "owner": owner,
        "pi": _person(owner.pi) if owner else "",
        "field": known.fields[owner.field][0] if owner and owner.field else "",
        "shares": _shares(owner),
        "start": None if one.start == date.min else one.start,
        "end": None if one.end == date.max else one.end,
        "members": sorted(members, key=lambda member: (not member["leads"], str(member["person"]))),
        "tree": tree,
        "references": [
            held for held in known.references if held.project == one.id and held.start <= today < held.end
        ],
        "pools": shown_pools(paying, ledger_day()),
        "above_pools": shown_pools(for_above, ledger_day()),
        "over": others,
        "chart": as_text(over_time(year, "bar") | {"height": 180}) if year.rows else "",
        "month": month,
        "explore": urlencode(
            {
                "realm": REALM,
                "meter": METER,
                "by": "month,person",
                "from": months_back(today, 11),
                "to": today,
                "where": f"project_tree={code}",
                "chart": "bar",
            }
        ),
        "log": urlencode({"where": f"portal_project={code}", "from": month, "to": today}),
    }
    return render(request, "project.html", context)


def _below(project: int, today: date) -> list[tuple[int, int]]:
    """Everything below a project today, as one walks the tree, with how deep it stands."""
    known = directory()

    def read() -> dict[int, list[int]]:
        children: dict[int, list[int]] = {}
        for one in known.projects.values():
            above = known.tree.parent(one.id, today)
            if above is not None:
                children.setdefault(above, []).append(one.id)
        return children

    children = kept_for_directory("children", read, today)
    found: list[tuple[int, int]] = []
    waiting = [(project, 0)]
    while waiting:
        id_, depth = waiting.pop()
        if id_ != project:
            found.append((id_, depth))
        below = sorted(children.get(id_, []), key=lambda one: known.projects[one].called, reverse=True)
        waiting += [(one, depth + 1) for one in below]
    return found


def _person(person: int | None) -> str:
    return "" if person is None else directory().people[person].called


def _shares(owner: Owner | None) -> list[tuple[str, str]]:
    if owner is None:
        return []
    names = directory().institutions
    return [(names[id_], f"{millionths * 100 / WHOLE:g} %") for id_, millionths in owner.shares]
