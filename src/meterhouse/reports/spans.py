"""Which spans touch a period? The sessions behind the figures, in the order that people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.errors import QuestionError
from meterhouse.usage.attribution import Attribution, Filters, kept, named, text
from meterhouse.usage.calendar import day_start
from meterhouse.usage.tables import SPAN

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

SPAN_COLUMNS: tuple[str, ...] = tuple(SPAN.names)


def moment(value: datetime) -> str:
    """A moment as an SQL literal."""
    return f"TIMESTAMPTZ {text(value.isoformat())}"


def history_sql(view: View, rules: str, start: datetime, end: datetime, filters: Filters = ()) -> str:
    """A SELECT of whole items' spans that began before `end`, of items that touch `[start, end)`.

    Names are filled from the dimension tables (which must be relations of the engine) and, where an
    item's name wasn't said at that moment, from what was said of it at another.
    """
    columns = ", ".join(f'u."{name}"' for name in SPAN_COLUMNS)
    touching = f'"start" < {moment(end)} AND "end" >= {moment(start)}'
    spans = f'SELECT * FROM ({view.select("span")}) WHERE rules = {text(rules)} AND "start" < {moment(end)}'
    items = f"SELECT DISTINCT resource, kind, item FROM ({spans}) WHERE {touching}"
    attribution = Attribution.of((), filters)
    # Whose a span is: who owned it when it began, or when the period did.
    joins = attribution.joins(f'CAST(GREATEST(u."start", {moment(start)}) AS DATE)')
    return f"""
        SELECT {"DISTINCT " if attribution.repeats else ""}{columns} FROM (
            SELECT s.* REPLACE (
                COALESCE(s.name, MAX(s.name) OVER (PARTITION BY s.resource, s.kind, s.item)) AS name)
            FROM ({named(spans)}) AS s SEMI JOIN ({items}) AS i USING (resource, kind, item)
        ) AS u {joins}
        WHERE {kept(filters)}"""


def read_spans(
    site: Site,
    first: date,
    last: date,
    *,
    rules: str = "default",
    where: Mapping[str, list[str]] | None = None,
    filters: Filters = (),
    whole_items: bool = False,
    as_of: int | datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Spans that touch the days `first` to `last` (both included), by resource, kind, item and start.

    `where` keeps rows whose column is one of the values, `filters` those of groupings. With
    `whole_items`, also what lies before the period. Streams; columns are SPAN_COLUMNS.
    """
    zone = ZoneInfo(site.settings.site.time_zone)
    start, end = day_start(first, zone), day_start(last + timedelta(days=1), zone)
    conditions = ["TRUE"] if whole_items else [f'"end" >= {moment(start)}']
    for column, values in (where or {}).items():
        if column not in SPAN_COLUMNS:
            raise QuestionError(f"where: expected a column of spans, found {column!r}")
        wanted = ", ".join(text(value) for value in values)
        conditions.append(f'CAST("{column}" AS VARCHAR) IN ({wanted})')
    view = site.warehouse.view(as_of)
    with site.engine() as engine, view.reading():
        for name, table in dimension_tables(view, engine).items():
            engine.relation(name, table)
        sql = history_sql(view, rules, start, end, filters)
        yield from stream_spans(engine, f"SELECT * FROM ({sql}) WHERE {' AND '.join(conditions)}")


def stream_spans(engine: DuckDBEngine, sql: str) -> Iterator[dict[str, Any]]:
    """The spans of a SELECT, each item's together and in order of time."""
    batches: pa.RecordBatchReader = engine.reader(
        f'SELECT * FROM ({sql}) ORDER BY resource, kind, item, "start", "end", opened_by'
    )
    for batch in batches:
        yield from batch.to_pylist()
