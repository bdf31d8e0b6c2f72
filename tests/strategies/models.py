"""What do the models and the walk make of raw events? Both without a site, so that thousands can be tried."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa

from meterhouse.operations.verify.said import Said, read_record
from meterhouse.operations.verify.walk import RULE_SETS, Session, told_once, walk
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.build import EVENT_MODELS, model_text
from meterhouse.usage.building.steps import hear_everything
from meterhouse.usage.building.steps import walk as walk_events
from meterhouse.usage.rules import rule_tables
from meterhouse.usage.tables import ITEM_EVENT, SPAN
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

Row = dict[str, Any]


def with_batches(table: pa.RecordBatch, batch_ids: list[str]) -> pa.Table:
    """Raw records as the warehouse keeps them. `recorded_at` is no part of any rule: it stays null."""
    told = pa.Table.from_batches([table]).append_column("batch_id", pa.array(batch_ids, pa.string()))
    return told.append_column("recorded_at", pa.nulls(len(told), pa.timestamp("us", tz="UTC")))


def no_records(table: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=RAW_TABLES[table].schema)


def modelled(engine: DuckDBEngine, raw: dict[str, pa.Table]) -> list[Row]:
    """The spans of both rule sets, by the SQL models, all at once."""
    for name, table in rule_tables().items():
        engine.relation(name, table)
    columns = ", ".join(f'"{name}"' for name in ITEM_EVENT.names)
    parts = []
    for model, tables in EVENT_MODELS.items():
        if raw.keys() & set(tables):
            for name in tables:
                engine.relation(name, raw.get(name, with_batches(no_records(name), [])))
            parts.append(f"SELECT {columns} FROM ({model_text(model)})")
    engine.materialise("item_event", " UNION ALL ".join(parts))
    hear_everything(engine)
    walk_events(engine)
    return engine.query("SELECT * FROM event_span").select(SPAN.names).to_pylist()


def walked(raw: dict[str, pa.Table]) -> list[tuple[Session, set[tuple[str, int]], set[tuple[str, int]]]]:
    """The sessions of both rule sets, by the walk, with the records that may stand for both their ends."""
    items: dict[tuple[str, str, str], list[Said]] = defaultdict(list)
    for name, table in raw.items():
        for record in table.to_pylist():
            for said in read_record(name, record):
                items[said.resource, said.kind, said.item].append(said)
    found = []
    for said_of_item in items.values():
        told = told_once(said_of_item)
        for rules in RULE_SETS:
            found += [
                (session, told.evidence[session.opening.identity], told.evidence[session.closing.identity])
                for session in walk(told.events, rules)
            ]
    return found
