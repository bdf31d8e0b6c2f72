"""What happened, when and by whose account? The transaction log of a period, searched and filtered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.usage.meters import groupings
from meterhouse.web import kept, present
from meterhouse.web.answering import present_state
from meterhouse.web.api.log_rows import log_rows
from meterhouse.web.asking import days_of
from meterhouse.web.pages.filtering import chips, chosen_filters
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.paging import paged
from meterhouse.web.pages.words import day_of, site_today
from meterhouse.web.rights import Right
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

_PAGE = 100
_NEWEST = 12
LONGEST = 93  # days at once: more is exported in the background

Line = dict[str, Any]


def lines_of(right: Right, first: date, last: date, where: tuple[str, ...]) -> list[Line]:
    """The lines of a period that may be seen, the newest first."""
    days_of(first, last)
    if (last - first).days >= LONGEST:
        raise QuestionError(
            f"period: expected at most {LONGEST} days here, found {first} to {last}; export a longer one"
        )

    def read() -> list[Line]:
        found = log_rows(served_site(), first, last, where, (), "default", right, present.view().snapshot)
        return found[::-1]

    return kept.LINES.get((present_state(), right.key, first, last, where), read)


@for_accounts
def log(request: HttpRequest) -> HttpResponse:
    """The page."""
    query, today = request.GET, site_today()
    context: dict[str, Any] = {
        "groupings": groupings().values(),
        "wanted": query.get("q", ""),
        "kind": query.get("kind", ""),
    }
    try:
        first = day_of(query, "from", today - timedelta(days=6))
        last = day_of(query, "to", today)
        where = chosen_filters(query)
        context |= {"first": first, "last": last, "where": where}
        every = lines_of(right_of_request(request), first, last, where)
        chosen = _chosen(every, context["wanted"], context["kind"])
        page = paged(query, chosen, _PAGE)
    except MeterhouseError as mistake:
        return render(request, "log.html", context | {"mistake": str(mistake)}, status=400)
    said = [("from", str(first)), ("to", str(last)), *(("where", one) for one in where)]
    context |= {
        "page": page,
        "lines": with_addresses(page.rows, first, last),
        "kinds": sorted({line["kind"] for line in every}),
        "chips": chips(first, last, where),
        "address": urlencode(said),
        "some": bool(every),
    }
    return render(request, "log.html", context)


@for_accounts
def newest(request: HttpRequest) -> HttpResponse:
    """The last lines only, for a place on another page."""
    query, today = request.GET, site_today()
    context: dict[str, Any] = {}
    try:
        first, last = day_of(query, "from", today - timedelta(days=6)), day_of(query, "to", today)
        where = chosen_filters(query)
        every = lines_of(right_of_request(request), first, last, where)
        context = {"lines": with_addresses(every[:_NEWEST], first, last), "count": len(every)}
    except MeterhouseError as mistake:
        context = {"mistake": str(mistake)}
    return render(request, "log_lines.html", context)


def with_addresses(lines: list[Line], first: date, last: date) -> list[Line]:
    """Lines with where their item and their record are shown."""
    told = []
    for line in lines:
        item = [
            ("item", line["item"]),
            ("resource", line["resource"]),
            ("from", str(first)),
            ("to", str(last)),
        ]
        record = [*item, ("batch", line["batch"]), ("record", str(line["record"]))]
        moment: datetime = line["time"]
        told.append(
            {
                **line,
                "day": moment.date(),
                "item_address": urlencode(item),
                "record_address": urlencode(record) if line["batch"] and line["record"] is not None else "",
            }
        )
    return told


def _chosen(lines: list[Line], wanted: str, kind: str) -> list[Line]:
    text = wanted.strip().casefold()
    return [
        line
        for line in lines
        if (not kind or line["kind"] == kind)
        and (
            not text
            or any(text in str(line[name]).casefold() for name in ("action", "user", "project", "item"))
        )
    ]
