"""How is a table read with DuckDB? One SELECT over its Parquet files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from meterhouse.warehouse.errors import WarehouseError
from meterhouse.warehouse.landed import TableFile
from meterhouse.warehouse.tables import SNAPSHOT_COLUMN, Table, duckdb_type


def select_sql(table: Table, columns: Sequence[str] | None, files: Sequence[TableFile]) -> str:
    """A SELECT of the table's columns, in the order asked for, over these files.

    A column that was added to the table after a file was written is null in the rows of that file.
    """
    wanted = list(columns) if columns is not None else table.schema.names
    unknown = [name for name in wanted if name not in table.schema.names]
    if unknown:
        raise WarehouseError(f"table {table.name}: no column {', '.join(unknown)}")
    # The first part has no rows: it gives every column its name and type.
    typed = ", ".join(
        f"CAST(NULL AS {duckdb_type(table.schema.field(n).type)}) AS {_name(n)}" for n in wanted
    )
    parts = [f"SELECT {typed} WHERE false"]
    by_snapshots = sorted(files, key=lambda file: (file.after or 0, file.up_to or 0))
    for (after, up_to), group in groupby(by_snapshots, key=lambda file: (file.after, file.up_to)):
        parts.append(_select_files([file.path for file in group], after, up_to))
    chosen = ", ".join(_name(name) for name in wanted)
    return f"SELECT {chosen} FROM (" + "\nUNION ALL BY NAME\n".join(parts) + ")"


def files_sql(paths: list[Path]) -> str:
    """A SELECT of all columns of these Parquet files, brought together by name."""
    return _select_files(paths, None, None)


def _select_files(paths: list[Path], after: int | None, up_to: int | None) -> str:
    names = ", ".join(_literal(_unglobbed(str(path))) for path in paths)
    by_name = "true" if len(paths) > 1 else "false"
    conditions = [
        *([f"{SNAPSHOT_COLUMN} > {after}"] if after is not None else []),
        *([f"{SNAPSHOT_COLUMN} <= {up_to}"] if up_to is not None else []),
    ]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM read_parquet([{names}], union_by_name={by_name}, hive_partitioning=false){where}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unglobbed(path: str) -> str:
    """A path as DuckDB takes it: it would read `*`, `?` and `[` as patterns."""
    return re.sub(r"([*?\[])", r"[\1]", path)
