"""How much may be used, and what is left? Pools with their figures, and statements of closed periods."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from meterhouse.directory.state import Directory
from meterhouse.operations.allocations.pool_records import (
    COUNTS,
    QUANTITIES,
    pool_records,
    statement_records,
)
from meterhouse.operations.allocations.site_ledger import default_day
from meterhouse.web.api.answers import listing
from meterhouse.web.api.askers import asker_of
from meterhouse.web.api.document import ANSWERS, answers
from meterhouse.web.api.schemas import PoolsAsked, StatementsAsked
from meterhouse.web.asking import days_of
from meterhouse.web.seen import Seen
from meterhouse.web.serving import served_site

router = Router(tags=["allocations"])

_TEXT, _COUNT = pa.string(), pa.int64()
# Quantities have as many decimals as their units need, so that they are text in every format.
_POOL = (
    dict.fromkeys(("project", "pool", "period", "resource_pool", "units", "function", "status"), _TEXT)
    | dict.fromkeys(QUANTITIES, _TEXT)
    | dict.fromkeys(COUNTS, _COUNT)
)
_STATEMENT = dict.fromkeys(("project", "pool", "resource_pool", "units"), _TEXT) | dict.fromkeys(
    ("allocated", "used", "raw_used", "remaining", "percent", "overdrawn", "lapsed"), _TEXT
)
_STATEMENT |= {"closed_at": pa.timestamp("us", tz="UTC"), "closed_by": _TEXT, "hash": _TEXT}


@router.get("/pools", response=ANSWERS, summary="How much may projects use, and what is left?")
@answers(_POOL)
def pools(request: HttpRequest, asked: Query[PoolsAsked]) -> HttpResponse:
    """Allocation pools of the projects that the asker may see, with exact figures at the end of a day."""
    asker = asker_of(request)
    asker.require("allocations")
    site = served_site()
    day = asked.day or default_day(site)
    days_of(day, day)
    codes = _codes(Seen(asker.right, Directory(site.register.alias), day))
    rows = pool_records(
        site.register.alias,
        day,
        period=asked.period,
        over=asked.over or asked.period is not None,
        project=asked.project,
        codes=codes,
    )
    return listing(request, "allocations", asked, "pools", _POOL, rows)


@router.get("/statements", response=ANSWERS, summary="What stood when a period was closed?")
@answers(_STATEMENT)
def statements(request: HttpRequest, asked: Query[StatementsAsked]) -> HttpResponse:
    """The frozen statements of a closed period, of the projects that the asker may see today."""
    asker = asker_of(request)
    asker.require("allocations")
    site = served_site()
    codes = _codes(Seen(asker.right, Directory(site.register.alias), default_day(site)))
    rows: list[dict[str, Any]] = [
        one
        for one in statement_records(site.register.alias, asked.period, asked.project)
        if codes is None or one["project"] in codes
    ]
    return listing(request, "allocations", asked, "statements", _STATEMENT, rows)


def _codes(seen: Seen) -> frozenset[str] | None:
    if seen.projects is None:
        return None
    return frozenset(one.code for one in seen.directory.projects.values() if one.id in seen.projects)
