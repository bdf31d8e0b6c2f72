"""Which tables does a dump of this site hold for a period, and which of their rows?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.errors import QuestionError
from meterhouse.reports.dump import DumpFormat, Period, write_dump
from meterhouse.reports.spans import moment
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.attribution import Filters, matching
from meterhouse.usage.build import daily_usage
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_BATCH = pa.schema(
    [
        ("batch_id", pa.string()),
        ("source", pa.string()),
        ("resource", pa.string()),
        ("origin", pa.string()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("snapshot", pa.int64()),
        ("rows", pa.int64()),
        ("rejections", pa.int64()),
    ]
)
_COVERAGE = pa.schema(
    [
        ("batch_id", pa.string()),
        ("source", pa.string()),
        ("resource", pa.string()),
        ("call", pa.string()),
        ("start", pa.timestamp("us", tz="UTC")),
        ("end", pa.timestamp("us", tz="UTC")),
        ("outcome", pa.string()),
        ("records", pa.int64()),
        ("detail", pa.string()),
    ]
)
# Tables about the directory hold what is known, whenever it was said.
_UNDATED = ("xdmod_name", "xdmod_hierarchy", "xdmod_group_hierarchy", "xdmod_cloud_project")


class _Query:
    """The rows of a SELECT, asked for when they are written: one table at a time is in memory."""

    def __init__(self, engine: DuckDBEngine, sql: str) -> None:
        self._engine = engine
        self._sql = sql
        self.schema: pa.Schema = engine.query(f"SELECT * FROM ({sql}) LIMIT 0").schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        yield from self._engine.reader(self._sql)


def dump_site(
    site: Site,
    first: date,
    last: date,
    out_dir: Path,
    *,
    form: DumpFormat = "csv",
    filters: Filters = (),
    as_of: int | datetime | None = None,
) -> Path:
    """Write every table's rows of the days `first` to `last` (both included); returns the manifest.

    Raw records belong to the period by their own time, spans when they touch it. With `filters`, only
    spans and daily usage that match, and raw records that name those spans' items, are written:
    nothing about anybody else.
    """
    if last < first:
        raise QuestionError(f"dump: expected the first day before the last, found {first} to {last}")
    zone = ZoneInfo(site.settings.site.time_zone)
    start, end = day_start(first, zone), day_start(last + timedelta(days=1), zone)
    view = site.warehouse.view(as_of)
    with site.engine() as engine, view.reading():
        for name, table in dimension_tables(view, engine).items():
            engine.relation(name, table)
        tables: dict[str, _Query | list[pa.RecordBatch]] = {}
        spans = (
            f"SELECT * FROM ({view.select('span', overlapping=(start, end))}) "
            f'WHERE "start" < {moment(end)} AND "end" >= {moment(start)}'
        )
        daily = f"SELECT * FROM ({daily_usage(view)}) WHERE day BETWEEN DATE '{first}' AND DATE '{last}'"
        # Whose a span is: who owned it when it began, or when the period did.
        began = f"GREATEST(CAST(u.\"start\" AS DATE), DATE '{first}')"
        for name, sql, day in (("span", spans, began), ("daily", daily, "u.day")):
            tables[name] = _Query(engine, matching(sql, filters, day))
        if filters:
            items = f"SELECT DISTINCT resource, item FROM ({matching(spans, filters, began)})"
            engine.materialise("dumped_item", items)
        tables |= _raw_tables(engine, view, (start, end), related_only=bool(filters))
        if not filters:
            tables["batch"] = _records(_BATCH, "batch_id", view.batches())
            tables["coverage"] = _records(_COVERAGE, "batch_id", view.coverage(start=start, end=end))
        return write_dump(tables, out_dir, form, Period(start, end), view.snapshot)


def _raw_tables(
    engine: DuckDBEngine, view: View, window: tuple[datetime, datetime], *, related_only: bool
) -> dict[str, _Query]:
    found = {}
    for name, raw in RAW_TABLES.items():
        undated = name in _UNDATED
        if not view.files(name, overlapping=None if undated else window):
            continue
        sql = f"SELECT * FROM ({view.select(name, overlapping=None if undated else window)})"
        if not undated:
            when = f'"{raw.time_column}"'
            sql += f" WHERE {when} >= {moment(window[0])} AND {when} < {moment(window[1])}"
        if related_only:
            ids = [column for column in raw.schema.names if column in _ITEM_COLUMNS]
            if not ids or undated:
                continue
            named_here = " OR ".join(f'd.item = t."{column}"' for column in ids)
            sql = f"""SELECT t.* FROM ({sql}) AS t WHERE EXISTS (
                SELECT 1 FROM dumped_item AS d WHERE d.resource = t.resource AND ({named_here}))"""
        found[name] = _Query(engine, sql)
    return found


# Columns of raw tables that hold the id of the item that a record is about.
_ITEM_COLUMNS = (
    "instance_id",
    "resource_id",
    "server_id",
    "snapshot_id",
    "image_id",
    "floating_ip_id",
    "router_id",
    "container_id",
)


def _records(schema: pa.Schema, key: str, records: Sequence[object]) -> list[pa.RecordBatch]:
    """Catalogue entries as rows; what they call `id` is the column `key` here."""
    rows = []
    for record in records:
        row = {name: getattr(record, name, None) for name in schema.names}
        row[key] = row[key] or getattr(record, "id", None)
        rows.append(row)
    return [pa.RecordBatch.from_pylist(rows, schema=schema)]
