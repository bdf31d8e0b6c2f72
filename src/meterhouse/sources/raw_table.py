"""What is a raw table? Its name, typed columns, and the column that says when.

The warehouse adds two columns to each: `batch_id` (string) and `recorded_at` (UTC timestamp).
Times are UTC with microseconds. Integers are 64 bit. `record` counts from 1 within the delivery's
origin. `extra` holds, as JSON text, whatever the source said beyond the typed columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
INT = pa.int64()
BOOL = pa.bool_()


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table: its name, columns, the column that says when, and where the records come from."""

    name: str
    schema: pa.Schema
    time_column: str
    doc: str


def raw_table(name: str, time_column: str, doc: str, /, **columns: pa.DataType) -> RawTable:
    """A raw table with `columns` between `record`, `resource` and `extra`, which every one has."""
    schema = pa.schema([("record", INT), ("resource", TEXT), *columns.items(), ("extra", TEXT)])
    return RawTable(name, schema, time_column, doc)
