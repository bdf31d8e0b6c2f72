"""What does the REST API answer? Each operation asks what a command asks, within what the asker may see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import islice
from zoneinfo import ZoneInfo

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Query
from ninja.errors import AuthenticationError, HttpError, ValidationError

from meterhouse.errors import MeterhouseError
from meterhouse.reports.questions import answer_question
from meterhouse.reports.spans import read_spans
from meterhouse.reports.transaction_log import COLUMNS as LOG_COLUMNS
from meterhouse.reports.transaction_log import log_lines
from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import find_grouping, profiles
from meterhouse.usage.question import Question
from meterhouse.usage.tables import SPAN
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.api.askers import Asker, TokenOrSession
from meterhouse.web.api.formats import MEDIA_TYPES, Columns, Record, as_bytes, chosen_format
from meterhouse.web.api.paging import Place, cursor, place_of
from meterhouse.web.api.problems import Problem, problem, unforeseen
from meterhouse.web.api.schemas import (
    CoverageAsked,
    Format,
    LogAsked,
    MetersAsked,
    Page,
    Paged,
    Period,
    ProblemDocument,
    SpansAsked,
    UsageAsked,
)
from meterhouse.web.asking import days_of, filters_of, moment_of, question_of, split
from meterhouse.web.rights import Forbidden
from meterhouse.web.serving import served_site

api = NinjaAPI(
    title="Meterhouse",
    version="1",
    description="The accounts of a research computing centre. Everyone gets the rows that they may see.",
    auth=TokenOrSession(),
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)
_ANSWERS = {200: Page, **dict.fromkeys((400, 401, 403, 406), ProblemDocument)}
_TEXT, _TIME = pa.string(), pa.timestamp("us", tz="UTC")
_LOG_TYPES: dict[str, pa.DataType] = {"time": _TIME, "record": pa.int64()}
_OF_OPERATORS = ("call", "detail")  # what a source answered is for those who run it


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem(error.status, error.detail)


@api.exception_handler(Forbidden)
def _forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:
    return problem(403, str(error))


@api.exception_handler(MeterhouseError)
def _mistake(request: HttpRequest, error: MeterhouseError) -> HttpResponse:
    return problem(400, str(error))


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "expected a token that is known and not over, or a session")


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [f"{one['loc'][-1]}: {one['msg']}" for one in error.errors]
    return problem(400, "; ".join(found))


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


api.add_exception_handler(Exception, unforeseen)


@api.get("/resources", response=_ANSWERS, summary="What is measured?")
def resources(request: HttpRequest, asked: Query[Format]) -> HttpResponse:
    """The declared resources."""
    rows = [
        {"name": one.name, "kind": one.kind, "title": one.title or one.name, "time_zone": one.time_zone}
        for one in served_site().settings.resources
    ]
    return _all(
        request,
        "usage",
        asked,
        "resources",
        dict.fromkeys(("name", "kind", "title", "time_zone"), _TEXT),
        rows,
    )


@api.get("/meters", response=_ANSWERS, summary="What can be asked?")
def meters(request: HttpRequest, asked: Query[MetersAsked]) -> HttpResponse:
    """Every meter of a profile, by realm."""
    if asked.profile not in profiles():
        raise Problem(400, f"profile: expected one of {', '.join(profiles())}, found {asked.profile!r}")
    names = ("realm", "name", "title", "unit", "meaning", "function")
    rows = [
        {"realm": realm.name, **{name: getattr(meter, name) for name in names[1:]}}
        for realm in profiles()[asked.profile].values()
        for meter in realm.meters.values()
    ]
    return _all(request, "usage", asked, "meters", dict.fromkeys(names, _TEXT), rows)


@api.get("/sources", response=_ANSWERS, summary="What is read?")
def sources(request: HttpRequest, asked: Query[Format]) -> HttpResponse:
    """The configured sources: their names and kinds, never how to get at them."""
    rows = [
        {"name": one.name, "kind": one.kind, "resource": one.resource}
        for one in served_site().settings.sources
    ]
    return _all(
        request, "coverage", asked, "sources", dict.fromkeys(("name", "kind", "resource"), _TEXT), rows
    )


@api.get("/coverage", response=_ANSWERS, summary="Which windows were read, and how did that go?")
def coverage(request: HttpRequest, asked: Query[CoverageAsked]) -> HttpResponse:
    """One row for each call that was made. Staff also sees the call and what went wrong."""
    names = ("resource", "source", "start", "end", "outcome", "records", *_OF_OPERATORS)
    columns = dict.fromkeys(names, _TEXT) | {"start": _TIME, "end": _TIME, "records": pa.int64()}
    if not _asker(request).is_staff:
        columns = {name: type_ for name, type_ in columns.items() if name not in _OF_OPERATORS}
    if asked.first and asked.last:
        days_of(asked.first, asked.last)
    zone = ZoneInfo(served_site().settings.site.time_zone)
    start = day_start(asked.first, zone) if asked.first else None
    end = day_start(asked.last + timedelta(days=1), zone) if asked.last else None

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        found = served_site().warehouse.view(snapshot).coverage(asked.resource, start=start, end=end)
        page = found[place.offset : place.offset + asked.limit + 1]
        return [{name: getattr(one, name) for name in columns} for one in page]

    return _page(request, "coverage", asked, "coverage", lambda: columns, rows)


@api.get("/usage", response=_ANSWERS, summary="How much was used, by whom, when?")
def usage(request: HttpRequest, asked: Query[UsageAsked]) -> HttpResponse:
    """Any question about usage, in the words of `meterhouse usage`."""
    question = _asker(request).right.restrict(
        question_of(
            realm=asked.realm,
            meters=split([asked.meter]),
            first=asked.first,
            last=asked.last,
            by=split([asked.by]),
            where=asked.where,
            profile=asked.profile,
        )
    )

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        records = answer_question(served_site(), question, snapshot).records()
        return records[place.offset : place.offset + asked.limit + 1]

    return _page(request, "usage", asked, "usage", lambda: usage_columns(question), rows)


@api.get("/spans", response=_ANSWERS, summary="Which item was in which state and size, from when to when?")
def spans(request: HttpRequest, asked: Query[SpansAsked]) -> HttpResponse:
    """The sessions behind the figures, with the records that opened and closed them."""
    days_of(asked.first, asked.last)
    right = _asker(request).right

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        found = read_spans(
            served_site(),
            asked.first,
            asked.last,
            rules=asked.profile,
            where=filters_of(asked.where),
            filters=right.filters,
            as_of=snapshot,
        )
        return list(islice(found, place.offset, place.offset + asked.limit + 1))

    return _page(request, "records", asked, "spans", lambda: {field.name: field.type for field in SPAN}, rows)


@api.get("/log", response=_ANSWERS, summary="What happened, when and by whose account?")
def log(request: HttpRequest, asked: Query[LogAsked]) -> HttpResponse:
    """A line for each change of state, in plain words."""
    days_of(asked.first, asked.last)
    right = _asker(request).right
    zone = ZoneInfo(served_site().settings.site.time_zone)
    kept = tuple((find_grouping(name), tuple(values)) for name, values in filters_of(asked.where).items())

    def rows(place: Place, snapshot: int) -> Sequence[Record]:
        found = read_spans(
            served_site(),
            asked.first,
            asked.last,
            rules=asked.profile,
            where={"item": asked.item} if asked.item else None,
            filters=(*kept, *right.filters),
            whole_items=True,
            as_of=snapshot,
        )
        end = day_start(asked.last + timedelta(days=1), zone)
        lines = log_lines(found, day_start(asked.first, zone), end)
        page = lines[place.offset : place.offset + asked.limit + 1]
        return [{name: getattr(line, name) for name in LOG_COLUMNS} for line in page]

    columns = {name: _LOG_TYPES.get(name, _TEXT) for name in LOG_COLUMNS}
    return _page(request, "records", asked, "log", lambda: columns, rows)


def usage_columns(question: Question) -> dict[str, pa.DataType]:
    """The columns of an answer: text, and exact decimals for the meters."""
    columns: dict[str, pa.DataType] = {question.period: _TEXT} if question.period else {}
    for grouping in question.groupings:
        columns[grouping.name] = _TEXT
        if grouping.id:
            columns[f"{grouping.name}_id"] = _TEXT
    return columns | {meter.name: pa.decimal128(38, meter.decimals) for meter in question.meters}


def _asker(request: HttpRequest) -> Asker:
    asker: Asker = request.auth  # type: ignore[attr-defined]
    return asker


def _all(
    request: HttpRequest, scope: str, asked: Format, name: str, columns: Columns, rows: Sequence[Record]
) -> HttpResponse:
    """An answer that is never long."""
    _asker(request).require(scope)
    how = chosen_format(request.headers.get("Accept", ""), asked.format)
    snapshot = served_site().warehouse.view().snapshot
    body = as_bytes(how, columns, rows, {"next": None, "snapshot": snapshot})
    return _answer(request, how, name, body, hashlib.sha256(body).hexdigest()[:32])


def _page(
    request: HttpRequest,
    scope: str,
    asked: Paged,
    name: str,
    columns_of: Callable[[], Columns],
    rows: Callable[[Place, int], Sequence[Record]],
) -> HttpResponse:
    """One page of an answer. `rows` gives one row more than a page has where there is a next one."""
    asker = _asker(request)
    asker.require(scope)
    how = chosen_format(request.headers.get("Accept", ""), asked.format)
    place = place_of(asked.cursor, request.GET)
    as_of = moment_of(asked.as_of) if isinstance(asked, Period) else None
    known = served_site().warehouse.view(as_of).snapshot
    snapshot = known if place.snapshot is None else place.snapshot
    # Nothing of the answer depends on more than this, so that it needn't be made to know it hasn't changed.
    said = (
        version("meterhouse"),
        request.path,
        sorted(request.GET.lists()),
        how,
        snapshot,
        asker.right.key,
        asker.is_staff,
    )
    tag = hashlib.sha256(repr(said).encode()).hexdigest()[:32]
    if _is_known(request, tag):
        return _answer(request, how, name, b"", tag)
    found = list(rows(place, snapshot))
    following = None
    if len(found) > asked.limit:
        found = found[: asked.limit]
        following = cursor(Place(snapshot, place.offset + asked.limit), request.GET)
    body = as_bytes(how, columns_of(), found, {"next": following, "snapshot": snapshot})
    response = _answer(request, how, name, body, tag)
    response.headers["Meterhouse-Snapshot"] = str(snapshot)
    if following is not None:
        query = request.GET.copy()
        query["cursor"] = following
        response.headers["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    if how != "json":
        audit("download", asker.name, f"{request.path}?{request.GET.urlencode()}", request)
    return response


def _is_known(request: HttpRequest, tag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    return f'"{tag}"' in known


def _answer(request: HttpRequest, how: str, name: str, body: bytes, tag: str) -> HttpResponse:
    if _is_known(request, tag):
        response = HttpResponse(status=304)
    else:
        media = MEDIA_TYPES[how] + ("; charset=utf-8" if how == "csv" else "")
        response = HttpResponse(body, content_type=media)
        if how != "json":
            day = datetime.now(UTC).date()
            response.headers["Content-Disposition"] = f'attachment; filename="{name}-{day}.{how}"'
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    return response
