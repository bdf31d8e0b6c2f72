"""Which tables does the warehouse know, with which columns? Raw ones, and derived ones as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from meterhouse.sources.raw_table import INT, TEXT, TIME
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.warehouse.errors import UnknownTable, WarehouseError

REJECTED_RECORD = "rejected_record"
SNAPSHOT_COLUMN = "snapshot"  # of a compacted raw file: which batch a row belongs to, by its snapshot

_BATCH_COLUMNS = [pa.field("batch_id", TEXT), pa.field("recorded_at", TIME)]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns as they are stored. `is_raw`: rows are only ever appended, batch by batch."""

    name: str
    schema: pa.Schema
    time_column: str | None
    is_raw: bool


def raw_tables() -> dict[str, Table]:
    """The raw tables with the columns that the warehouse adds, and the records that were rejected."""
    tables = {
        raw.name: Table(raw.name, pa.schema([*raw.schema, *_BATCH_COLUMNS]), raw.time_column, True)
        for raw in RAW_TABLES.values()
    }
    rejected = pa.schema(
        [
            *_BATCH_COLUMNS,
            ("record", INT),
            *[
                (name, TEXT)
                for name in (
                    "resource",
                    "source",
                    "origin",
                    "field",
                    "expected",
                    "found",
                    "excerpt",
                )
            ],
        ]
    )
    tables[REJECTED_RECORD] = Table(REJECTED_RECORD, rejected, "recorded_at", True)
    return tables


class Tables:
    """All tables of one warehouse by name."""

    def __init__(self, derived: Mapping[str, pa.Schema] | None = None) -> None:
        self._tables = raw_tables()
        for name, schema in (derived or {}).items():
            self.declare(name, schema)

    def declare(self, name: str, schema: pa.Schema, time_column: str | None = None) -> None:
        """Make a derived table known. Declaring the same again is fine, changing a raw table is not."""
        if not name.isidentifier():
            raise WarehouseError(f"table name: expected an identifier, found {name!r}")
        if name in self._tables and self._tables[name].is_raw:
            raise WarehouseError(f"table {name} is a raw table; it can't be declared as derived")
        if time_column is not None and time_column not in schema.names:
            raise WarehouseError(f"table {name}: time column {time_column} is not one of its columns")
        self._tables[name] = Table(name, schema, time_column, False)

    def __getitem__(self, name: str) -> Table:
        if name not in self._tables:
            raise UnknownTable(f"no table {name!r}; a derived table must be declared first")
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def raw_names(self) -> list[str]:
        return [name for name, table in self._tables.items() if table.is_raw]


def duckdb_type(type_: pa.DataType) -> str:
    """The DuckDB name of a column's type."""
    if pa.types.is_timestamp(type_):
        return "TIMESTAMP WITH TIME ZONE" if type_.tz else "TIMESTAMP"
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision}, {type_.scale})"
    if pa.types.is_list(type_):
        return duckdb_type(type_.value_type) + "[]"
    try:
        return _DUCKDB_TYPES[type_]
    except KeyError:
        raise WarehouseError(f"no DuckDB type for columns of type {type_}") from None


_DUCKDB_TYPES = {
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.binary(): "BLOB",
}
