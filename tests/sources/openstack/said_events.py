"""What do the models make of raw rows? Item events, from DuckDB with nothing around it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import duckdb
import pyarrow as pa

from meterhouse.sources.delivery import Rows
from meterhouse.sources.openstack.vocabulary import table
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.rules import rule_tables

LANDED = [("batch_id", pa.string()), ("recorded_at", pa.timestamp("us", tz="UTC"))]


def item_events(model: str, said: Iterable[object]) -> list[dict[str, Any]]:
    """The rows of an event model over all the Rows in `said`, in no particular order."""
    landed: dict[str, list[dict[str, Any]]] = {name: [] for name in RAW_TABLES}
    for rows in said:
        if isinstance(rows, Rows):
            landed[rows.table] += rows.records.to_pylist()
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, raw in RAW_TABLES.items():
            schema = pa.schema([*raw.schema, *(pa.field(*column) for column in LANDED)])
            database.register(name, pa.Table.from_pylist(landed[name], schema=schema))
        for name, rules in rule_tables().items():
            database.register(name, rules)
        for name, source in (
            ("instance_action", "instance_actions"),
            ("instance_action_event", "instance_action_events"),
        ):
            database.register(name, pa.Table.from_pylist(list(table(source))))
        text = files("meterhouse.usage.models").joinpath(f"{model}.sql").read_text(encoding="utf-8")
        return database.sql(text).to_arrow_table().to_pylist()
