"""How much was used, and what stands behind it? Usage, spans and the transaction log."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from meterhouse.usage.meters import find_realm
from meterhouse.web.answering import answered
from meterhouse.web.api.answers import page
from meterhouse.web.api.askers import asker_of
from meterhouse.web.api.document import ANSWERS, answers
from meterhouse.web.api.formats import Record
from meterhouse.web.api.log_rows import LOG_COLUMN_TYPES, log_rows
from meterhouse.web.api.paging import Place
from meterhouse.web.api.schemas import LogAsked, SpansAsked, UsageAsked
from meterhouse.web.api.span_rows import SPAN_COLUMN_TYPES, span_rows
from meterhouse.web.api.usage_columns import usage_columns
from meterhouse.web.asking import days_of, question_said
from meterhouse.web.serving import served_site

router = Router(tags=["usage"])


@router.get("/usage", response=ANSWERS, summary="How much was used, by whom, when?")
def usage(request: HttpRequest, asked: Query[UsageAsked]) -> HttpResponse:
    """Any question about usage, in the words of `meterhouse usage`."""
    asker = asker_of(request)
    asker.require("usage")
    question = asker.right.restrict(question_said(asked))

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        return answered(question, snapshot).records()[place.offset : place.offset + asked.limit + 1]

    return page(request, "usage", asked, "usage", lambda: usage_columns(question), rows)


@router.get("/spans", response=ANSWERS, summary="Which item was in which state and size, from when to when?")
@answers(SPAN_COLUMN_TYPES)
def spans(request: HttpRequest, asked: Query[SpansAsked]) -> HttpResponse:
    """The sessions behind the figures, with the records that opened and closed them."""
    days_of(asked.first, asked.last)
    find_realm(asked.profile, "cloud")
    right = asker_of(request).right

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        found = span_rows(served_site(), asked.first, asked.last, asked.where, asked.profile, right, snapshot)
        return list(islice(found, place.offset, place.offset + asked.limit + 1))

    return page(request, "records", asked, "spans", lambda: SPAN_COLUMN_TYPES, rows)


@router.get("/log", response=ANSWERS, summary="What happened, when and by whose account?")
@answers(LOG_COLUMN_TYPES)
def log(request: HttpRequest, asked: Query[LogAsked]) -> HttpResponse:
    """A line for each change of state, in plain words."""
    days_of(asked.first, asked.last)
    find_realm(asked.profile, "cloud")
    right = asker_of(request).right

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        lines = log_rows(
            served_site(), asked.first, asked.last, asked.where, asked.item, asked.profile, right, snapshot
        )
        return lines[place.offset : place.offset + asked.limit + 1]

    return page(request, "records", asked, "log", lambda: LOG_COLUMN_TYPES, rows)
