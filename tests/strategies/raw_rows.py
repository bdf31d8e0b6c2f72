"""How does a test land rows of any raw table? As deliveries of one table, with what isn't said left null."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa

from meterhouse.site import Site
from meterhouse.sources.delivery import Coverage, Delivery, Rows
from meterhouse.sources.tables import RAW_TABLES

Row = dict[str, Any]


def land_rows(site: Site, table: str, rows: list[Row], resource: str = "cloud", name: str = "") -> str:
    """Land `rows` of `table` as one batch of `resource`; its id."""
    raw = RAW_TABLES[table]
    told = [{"record": n, "resource": resource, **row} for n, row in enumerate(rows, start=1)]
    key = hashlib.sha256(repr((table, resource, name, told)).encode()).hexdigest()
    times = [row[raw.time_column] for row in rows]

    def stream() -> Iterator[Rows | Coverage]:
        yield Rows(table, pa.RecordBatch.from_pylist(told, schema=raw.schema))
        yield Coverage("test", min(times), max(times) + timedelta(microseconds=1), "ok", len(rows))

    return site.warehouse.land(Delivery("test", resource, name or key[:8], key, stream())).batch_id
