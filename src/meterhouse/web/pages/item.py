"""What happened to one VM, job, pod or volume? Its states through time, and its lines of the log."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.errors import MeterhouseError
from meterhouse.reports.spans import read_spans
from meterhouse.reports.transaction_log import log_lines
from meterhouse.usage.attribution import Filters
from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import find_grouping, groupings
from meterhouse.web.asking import days_of, filters_of
from meterhouse.web.pages.charts.specs import as_text
from meterhouse.web.pages.charts.timeline import timeline
from meterhouse.web.pages.filtering import chips, chosen_filters
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.log import with_addresses
from meterhouse.web.pages.paging import paged
from meterhouse.web.pages.record import evidence
from meterhouse.web.pages.words import day_of, site_today
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

_ITEMS = 2000
_PAGE = 100


@for_accounts
def item(request: HttpRequest) -> HttpResponse:
    """One item where the address names one, otherwise all of a period."""
    right, query = right_of_request(request), request.GET
    today = site_today()
    name, resource = query.get("item", ""), query.get("resource", "")
    context: dict[str, Any] = {"item": name, "groupings": groupings().values()}
    try:
        first = day_of(query, "from", today - timedelta(days=30))
        last = day_of(query, "to", today)
        days_of(first, last)
        where = chosen_filters(query)
        asked = tuple((find_grouping(one), tuple(values)) for one, values in filters_of(where).items())
        filters: Filters = (*asked, *right.filters)
        context |= {"first": first, "last": last, "where": where, "chips": chips(first, last, where)}
        only = {"item": [name]} if name else {}
        if resource:
            only["resource"] = [resource]
        spans = read_spans(served_site(), first, last, where=only, filters=filters, whole_items=bool(name))
        if name:
            return _one(request, context, list(spans), name)
        return _several(request, context, spans)
    except MeterhouseError as mistake:
        return render(request, "items.html", context | {"mistake": str(mistake)}, status=400)


def _several(request: HttpRequest, context: dict[str, Any], spans: Any) -> HttpResponse:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    more = False
    for span in spans:
        key = (span["resource"], span["kind"], span["item"])
        if key not in found and len(found) == _ITEMS:
            more = True
            break
        found[key] = {**span, "since": found[key]["since"] if key in found else span["start"]}
    page = paged(request.GET, list(found.values()), _PAGE)
    return render(
        request, "items.html", context | {"items": page.rows, "page": page, "more": more, "limit": _ITEMS}
    )


def _one(
    request: HttpRequest, context: dict[str, Any], spans: list[dict[str, Any]], name: str
) -> HttpResponse:
    if not spans:
        # The same words whether it isn't there or isn't theirs.
        return render(request, "failure.html", {
            "title": "No such item",
            "text": "There is no item of that id in this period that this account may see.",
        }, status=404)  # fmt: skip
    right = right_of_request(request)
    zone = ZoneInfo(served_site().settings.site.time_zone)
    start, end = day_start(context["first"], zone), day_start(context["last"] + timedelta(days=1), zone)
    newest = spans[-1]
    only = {"item": [name], "resource": sorted({span["resource"] for span in spans})}
    known = evidence(spans, only, context["first"], context["last"], bool(right.filters))
    context |= {
        "newest": newest,
        "spans": [
            {
                **span,
                "hours": _hours(span["start"], span["end"]),
                "size": _size(span),
                "opened_address": _record(context, span, "opened", known),
                "closed_address": _record(context, span, "closed", known),
            }
            for span in spans
            if span["end"] >= start
        ],
        "lines": with_addresses(
            [asdict(line) for line in log_lines(spans, start, end)], context["first"], context["last"]
        ),
        "chart": as_text(timeline(spans, start, end)),
        "zone": str(zone),
    }
    return render(request, "item.html", context)


def _record(context: dict[str, Any], span: dict[str, Any], which: str, known: set[tuple[str, int]]) -> str:
    """The address of the record that opened or closed a span, if it may be seen."""
    batch, number = span[f"{which}_batch"], span[f"{which}_record"]
    if (batch, number) not in known:
        return ""
    pairs = {"item": span["item"], "resource": span["resource"], "from": context["first"]}
    return urlencode(pairs | {"to": context["last"], "batch": batch, "record": number})


def _size(span: dict[str, Any]) -> str:
    """Class, cores and memory, as far as they are known."""
    millis, memory = span["cpu_millis"], span["memory_mib"]
    cores = span["vcpus"] if millis is None or millis % 1000 == 0 else millis / 1000
    parts = [
        span["class"],
        f"{cores:g} {'core' if cores == 1 else 'cores'}" if cores else None,
        f"{span['gpus']} GPU" if span["gpus"] else None,
        f"{memory / 1024:g} GiB" if memory else None,
    ]
    return ", ".join(part for part in parts if part)


def _hours(start: datetime, end: datetime) -> str:
    seconds = int((end - start).total_seconds())
    return f"{seconds // 3600:,} h {seconds % 3600 // 60:02d} min"
