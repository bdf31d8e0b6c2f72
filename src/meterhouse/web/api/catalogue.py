"""What is measured, what can be asked, and what was read? Resources, meters, sources, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import profiles
from meterhouse.web import present
from meterhouse.web.api.answers import page, whole
from meterhouse.web.api.askers import asker_of
from meterhouse.web.api.document import ANSWERS, answers
from meterhouse.web.api.formats import Record
from meterhouse.web.api.paging import Place
from meterhouse.web.api.problems import Problem
from meterhouse.web.api.schemas import CoverageAsked, Format, MetersAsked
from meterhouse.web.asking import days_of
from meterhouse.web.serving import served_site

router = Router(tags=["catalogue"])

_TEXT, _TIME = pa.string(), pa.timestamp("us", tz="UTC")
_RESOURCE = dict.fromkeys(("name", "kind", "title", "time_zone"), _TEXT)
_METER = dict.fromkeys(("realm", "name", "title", "unit", "meaning", "function"), _TEXT)
_SOURCE = dict.fromkeys(("name", "kind", "resource"), _TEXT)
_OF_OPERATORS = ("call", "detail")  # what a source answered is for those who run it
_COVERAGE = dict.fromkeys(("resource", "source", "start", "end", "outcome", "records", *_OF_OPERATORS), _TEXT)
_COVERAGE |= {"start": _TIME, "end": _TIME, "records": pa.int64()}


@router.get("/resources", response=ANSWERS, summary="What is measured?")
@answers(_RESOURCE)
def resources(request: HttpRequest, asked: Query[Format]) -> HttpResponse:
    """The declared resources."""
    rows = [
        {"name": one.name, "kind": one.kind, "title": one.title or one.name, "time_zone": one.time_zone}
        for one in served_site().settings.resources
    ]
    return whole(request, "usage", asked, "resources", _RESOURCE, rows)


@router.get("/meters", response=ANSWERS, summary="What can be asked?")
@answers(_METER)
def meters(request: HttpRequest, asked: Query[MetersAsked]) -> HttpResponse:
    """Every meter of a profile, by realm."""
    if asked.profile not in profiles():
        raise Problem(400, f"profile: expected one of {', '.join(profiles())}, found {asked.profile!r}")
    rows = [
        {"realm": realm.name, **{name: getattr(meter, name) for name in _METER if name != "realm"}}
        for realm in profiles()[asked.profile].values()
        for meter in realm.meters.values()
    ]
    return whole(request, "usage", asked, "meters", _METER, rows)


@router.get("/sources", response=ANSWERS, summary="What is read?")
@answers(_SOURCE)
def sources(request: HttpRequest, asked: Query[Format]) -> HttpResponse:
    """The configured sources: their names and kinds, never how to get at them."""
    rows = [
        {"name": one.name, "kind": one.kind, "resource": one.resource}
        for one in served_site().settings.sources
    ]
    return whole(request, "coverage", asked, "sources", _SOURCE, rows)


@router.get("/coverage", response=ANSWERS, summary="Which windows were read, and how did that go?")
@answers(_COVERAGE, optional=_OF_OPERATORS)
def coverage(request: HttpRequest, asked: Query[CoverageAsked]) -> HttpResponse:
    """One row for each call that was made. Staff also sees the call and what went wrong."""
    columns = _COVERAGE
    if not asker_of(request).is_staff:
        columns = {name: type_ for name, type_ in _COVERAGE.items() if name not in _OF_OPERATORS}
    if asked.first and asked.last:
        days_of(asked.first, asked.last)
    for one in (asked.first, asked.last):
        if one is not None:
            days_of(one, one)
    zone = ZoneInfo(served_site().settings.site.time_zone)
    start = day_start(asked.first, zone) if asked.first else None
    end = day_start(asked.last + timedelta(days=1), zone) if asked.last else None

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        found = present.view(snapshot).coverage(asked.resource, start=start, end=end)
        some = found[place.offset : place.offset + asked.limit + 1]
        return [{name: getattr(one, name) for name in columns} for one in some]

    return page(request, "coverage", asked, "coverage", lambda: columns, rows)
