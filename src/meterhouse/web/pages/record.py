"""What exactly did the source say? The raw record behind a line of the log, for who may see that line."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.errors import MeterhouseError
from meterhouse.reports.exchanged import plain
from meterhouse.reports.raw_record import raw_records
from meterhouse.reports.spans import read_spans
from meterhouse.web.asking import days_of
from meterhouse.web.pages.frame import for_accounts, is_staff
from meterhouse.web.pages.words import day_of, site_today, whole_number
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request


@for_accounts
def record(request: HttpRequest) -> HttpResponse:
    """The record with all its columns."""
    query, today = request.GET, site_today()
    item, resource, batch = (query.get(name, "") for name in ("item", "resource", "batch"))
    try:
        first, last = days_of(day_of(query, "from", today - timedelta(days=30)), day_of(query, "to", today))
        number = whole_number(query, "record", 0, 10**9 - 1)
        only = {"item": [item], "resource": [resource]}
        filters = right_of_request(request).filters
        spans = list(read_spans(served_site(), first, last, where=only, filters=filters, whole_items=True))
        if (batch, number) not in evidence(spans, only, first, last, bool(filters)):
            raise Http404  # the same whether it isn't there or isn't theirs
        found = raw_records(served_site(), batch, number)
    except MeterhouseError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be asked", "text": str(mistake)}, status=400
        )
    context = {
        "item": item,
        "resource": resource,
        "name": spans[-1]["name"] or item,
        "first": first,
        "last": last,
        "batch": batch,
        "number": number,
        "records": [
            {
                "table": one.table,
                "about": one,
                # Where a file lay is for those who run the site.
                "origin": one.origin if is_staff(request) else "",
                "rows": [(name, _text(value)) for name, value in one.values.items() if value is not None],
                "silent": [name for name, value in one.values.items() if value is None],
            }
            for one in found
        ],
    }
    return render(request, "record.html", context)


def evidence(
    spans: list[dict[str, Any]], only: dict[str, list[str]], first: date, last: date, narrowed: bool
) -> set[tuple[str, int]]:
    """The records that opened or closed these spans of an item, as (batch, number).

    Where the spans were `narrowed` to what somebody may see: but for those that opened a span of the item
    that isn't among them, when it passed to somebody else.
    """
    found = _ends(spans, "opened") | _ends(spans, "closed")
    if narrowed and spans:
        every = list(read_spans(served_site(), first, last, where=only, whole_items=True))
        seen = {(span["start"], span["end"]) for span in spans}
        found -= _ends([span for span in every if (span["start"], span["end"]) not in seen], "opened")
    return found


def _ends(spans: list[dict[str, Any]], which: str) -> set[tuple[str, int]]:
    ends = {(span[f"{which}_batch"], span[f"{which}_record"]) for span in spans}
    return {(batch, number) for batch, number in ends if batch is not None and number is not None}


def _text(value: object) -> str:
    return str(plain(value))
