"""Which spans touch a period? The sessions behind the figures, in the order that people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from meterhouse.errors import QuestionError
from meterhouse.usage.answer import text
from meterhouse.usage.calendar import day_start
from meterhouse.usage.tables import SPAN

if TYPE_CHECKING:
    from meterhouse.site import Site

SPAN_COLUMNS: tuple[str, ...] = tuple(SPAN.names)


def read_spans(
    site: Site,
    first: date,
    last: date,
    *,
    profile: str = "default",
    where: dict[str, list[str]] | None = None,
    as_of: int | datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Spans that touch the days `first` to `last` (both included), by resource, kind, item and start.

    `where` keeps rows whose column is one of the values. Streams; columns are SPAN_COLUMNS.
    """
    zone = ZoneInfo(site.settings.site.time_zone)
    start, end = day_start(first, zone), day_start(last + timedelta(days=1), zone)
    conditions = [f"rules = {text(profile)}", f'"start" < {_moment(end)}', f'"end" >= {_moment(start)}']
    for column, values in (where or {}).items():
        if column not in SPAN_COLUMNS:
            raise QuestionError(f"where: expected a column of spans, found {column!r}")
        wanted = ", ".join(text(value) for value in values)
        conditions.append(f'CAST("{column}" AS VARCHAR) IN ({wanted})')
    view = site.warehouse.view(as_of)
    with site.engine() as engine, view.reading():
        rows = engine.reader(
            f"SELECT * FROM ({view.select('span', overlapping=(start, end))}) WHERE {' AND '.join(conditions)} "
            'ORDER BY resource, kind, item, "start", "end", opened_by'
        )
        for batch in rows:
            yield from batch.to_pylist()


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ {text(moment.isoformat())}"
