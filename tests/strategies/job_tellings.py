"""What may Slurm's accounting say of a job? Raw rows, and the spans that the model makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.build import model_text
from meterhouse.usage.tables import INTERVAL
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

SCHEMA = RAW_TABLES["slurm_job"].schema
STORED = SCHEMA.append(pa.field("batch_id", pa.string())).append(
    pa.field("recorded_at", pa.timestamp("us", tz="UTC"))
)
DAY = datetime(2026, 3, 1, tzinfo=UTC)
Row = dict[str, Any]


def at(minutes: int | None) -> datetime | None:
    return None if minutes is None else DAY + timedelta(minutes=minutes)


def telling(**said: Any) -> Row:
    usual: Row = {
        "resource": "hpc",
        "job_id": "1",
        "cluster": "c",
        "account": "a",
        "user_name": "u",
        "submit": DAY,
        "start": at(5),
        "end": at(65),
        "elapsed_seconds": 3600,
        "state": "COMPLETED",
        "nodes": 1,
        "cpu_millis": 4000,
        "allocated_memory_mib": 1024,
        "node_list": "n1",
        "batch_id": "b",
        "record": 1,
    }
    return {**usual, **said}


def spans(engine: DuckDBEngine, tellings: list[Row]) -> list[Row]:
    engine.relation("slurm_job", pa.Table.from_pylist(tellings, schema=STORED))
    made = engine.query(model_text("job_span"))
    assert made.schema.names == INTERVAL.names
    assert [field.type for field in made.schema] == [field.type for field in INTERVAL]
    return sorted(made.to_pylist(), key=lambda span: (span["item"], span["domain"] or "", span["start"]))
