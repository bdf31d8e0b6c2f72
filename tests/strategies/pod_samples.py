"""What would Prometheus have said? Samples of pods as raw rows, and what the model of pods makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.tables import INTERVAL
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

Row = dict[str, Any]
STEP = 900
SCHEMA = RAW_TABLES["kubernetes_series"].schema
CORE, GIB = 1_000_000, 1 << 30


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def run(query: str, first: int, last: int | None = None, *, step: int = STEP, **said: Any) -> Row:
    """A raw row: equal samples of one series from `first` to `last` (seconds since 1970)."""
    last = first if last is None else last
    row = dict.fromkeys(SCHEMA.names)
    row |= {
        "resource": "ocp",
        "query": query,
        "labels": json.dumps(said, sort_keys=True, default=str),
        **said,
    }
    row |= {"first_time": moment(first), "last_time": moment(last), "step_seconds": step}
    row["samples"] = (last - first) // step + 1
    if row["value"] is None and row["quantity"] is not None:
        row["value"] = str(row["quantity"])
    return row


def requests(
    first: int, last: int, *, cpu: int = 0, memory: int = 0, gpus: int | None = None, **said: Any
) -> list[Row]:
    """Requests of one pod, equal from `first` to `last`: cpu in millionths of a core, memory in bytes."""
    said = {"namespace": "physics", "pod": "p", **said}
    gpu_resource = said.pop("gpu_resource", "nvidia.com/gpu")
    rows = [
        run("pod_cpu_request", first, last, resource_name="cpu", quantity=cpu, **said),
        run("pod_memory_request", first, last, resource_name="memory", quantity=memory, **said),
    ]
    if gpus is not None:
        rows.append(run("pod_gpu_request", first, last, resource_name=gpu_resource, quantity=gpus, **said))
    return rows


def answered(first: int, last: int, query: str = "pod_cpu_request") -> Row:
    return run("answered", first, last, resource_name=query, value="1")


def labelled(query: str, label: str, value: str, first: int, last: int, **said: Any) -> Row:
    """What a label says, as long as its series is there."""
    return run(query, first, last, label=label, value=value, **said)


def as_table(rows: Iterable[Row], batch: Sequence[str] = ()) -> pa.Table:
    """Raw rows as the warehouse keeps them; `batch` names the batch of each, else they are of one."""
    rows = [{**row, "record": number} for number, row in enumerate(rows, 1)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    table = table.append_column("batch_id", pa.array(list(batch) or ["b"] * len(rows), pa.string()))
    return table.append_column("recorded_at", pa.nulls(len(rows), pa.timestamp("us", tz="UTC")))


def modelled(engine: DuckDBEngine, model: str, rows: Iterable[Row]) -> list[Row]:
    """The spans that a model of intervals makes of these, in order of item and start."""
    from meterhouse.usage.building.models import model_text

    engine.relation("kubernetes_series", as_table(rows))
    found = engine.query(f'SELECT * FROM ({model_text(model)}) ORDER BY resource, item, "start"')
    assert found.schema.equals(INTERVAL)
    return found.to_pylist()


def seconds(time: datetime) -> int:
    return int(time.timestamp())
