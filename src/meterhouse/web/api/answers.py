"""How is a question of a program answered? In its format, page by page, with a tag of what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from meterhouse.web import present
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.api.askers import Asker, asker_of
from meterhouse.web.api.formats import MEDIA_TYPES, Columns, Record, as_bytes, chosen_format
from meterhouse.web.api.paging import Place, cursor, place_of
from meterhouse.web.api.problems import Problem
from meterhouse.web.api.schemas import Format, Paged, Period
from meterhouse.web.asking import moment_of


def whole(
    request: HttpRequest, scope: str, asked: Format, name: str, columns: Columns, rows: Sequence[Record]
) -> HttpResponse:
    """An answer that is never long."""
    how = _begun(request, scope, asked)
    snapshot = present.view().snapshot
    body = as_bytes(how, columns, rows, {"next": None, "snapshot": snapshot})
    return _answer(request, how, name, body, hashlib.sha256(body).hexdigest()[:32], snapshot)


def listing(
    request: HttpRequest, scope: str, asked: Paged, name: str, columns: Columns, rows: Sequence[Record]
) -> HttpResponse:
    """A page of rows of the register. All pages are of the same rows: where those changed, it is told."""
    how = _begun(request, scope, asked)
    place = place_of(asked.cursor, request.GET)
    state = int.from_bytes(
        hashlib.sha256(repr([tuple(row[name] for name in columns) for row in rows]).encode()).digest()[:6],
        "big",
    )
    if place.snapshot is not None and place.snapshot != state:
        raise Problem(409, "cursor: the rows have changed since the first page: begin again")
    end = place.offset + asked.limit
    following = cursor(Place(state, end), request.GET) if end < len(rows) else None
    snapshot = present.view().snapshot
    beside = {"next": following, "snapshot": snapshot}
    body = as_bytes(how, columns, rows[place.offset : end], beside)
    tag = hashlib.sha256(body).hexdigest()[:32]
    response = _answer(request, how, name, body, tag, snapshot, following)
    _audited(request, how)
    return response


def page(
    request: HttpRequest,
    scope: str,
    asked: Paged,
    name: str,
    columns_of: Callable[[], Columns],
    rows: Callable[[Place, int], Sequence[Record]],
) -> HttpResponse:
    """A page of rows of the warehouse; `rows` gives one more than a page has where there is a next one."""
    how = _begun(request, scope, asked)
    asker = asker_of(request)
    place = place_of(asked.cursor, request.GET)
    as_of = moment_of(asked.as_of) if isinstance(asked, Period) else None
    known = present.view(as_of).snapshot
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
        return _answer(request, how, name, b"", tag, snapshot)
    found = list(rows(place, snapshot))
    following = None
    if len(found) > asked.limit:
        found = found[: asked.limit]
        following = cursor(Place(snapshot, place.offset + asked.limit), request.GET)
    body = as_bytes(how, columns_of(), found, {"next": following, "snapshot": snapshot})
    response = _answer(request, how, name, body, tag, snapshot, following)
    _audited(request, how)
    return response


def require(request: HttpRequest, scope: str, asked: Schema | None = None) -> Asker:
    """Who asks. Raises Problem where their token isn't for this, or a parameter is unknown."""
    asker = asker_of(request)
    asker.require(scope)
    fields = type(asked).model_fields if asked is not None else {}
    known = {field.alias or name for name, field in fields.items()}
    unknown = sorted(set(request.GET) - known)
    if unknown:
        raise Problem(
            400,
            f"expected no parameters but {', '.join(sorted(known)) or 'none'}, found {unknown[0][:100]!r}",
        )
    return asker


def _begun(request: HttpRequest, scope: str, asked: Format) -> str:
    require(request, scope, asked)
    return chosen_format(request.headers.get("Accept", ""), asked.format)


def _audited(request: HttpRequest, how: str) -> None:
    if how != "json":
        where = f"{request.path}?{request.GET.urlencode()}"
        audit("download", asker_of(request).name, where, request)


def _is_known(request: HttpRequest, tag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    return f'"{tag}"' in known or known == ["*"]


def _answer(
    request: HttpRequest,
    how: str,
    name: str,
    body: bytes,
    tag: str,
    snapshot: int,
    following: str | None = None,
) -> HttpResponse:
    if _is_known(request, tag):
        response = HttpResponse(status=304)
    else:
        media = MEDIA_TYPES[how] + ("; charset=utf-8" if how == "csv" else "")
        response = HttpResponse(body, content_type=media)
        if how != "json":
            day = datetime.now(UTC).date()
            response.headers["Content-Disposition"] = f'attachment; filename="{name}-{day}.{how}"'
        response.headers["Meterhouse-Snapshot"] = str(snapshot)
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    if following is not None:
        query = request.GET.copy()
        query["cursor"] = following
        response.headers["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return response
