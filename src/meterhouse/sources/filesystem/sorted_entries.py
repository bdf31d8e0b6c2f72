"""How are the rows of a scan sorted by path, however many there are? On disk, within a memory limit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from meterhouse.sources.delivery import Rows
from meterhouse.sources.filesystem.tables import TABLES

TABLE = "filesystem_entry"
_SCHEMA = next(table.schema for table in TABLES if table.name == TABLE)
_MEMORY = "256MB"
_ROWS = 65_536


class SortedEntries:
    """Rows of entries, taken in any order and given back in the order of their paths."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="meterhouse-entries-"))
        self._file = self._folder / "entries.parquet"
        self._writer = pq.ParquetWriter(self._file, _SCHEMA, compression="zstd")

    def take(self, rows: Rows) -> None:
        """Keep rows until all are there."""
        self._writer.write_batch(rows.records)

    def sorted(self) -> Iterator[Rows]:
        """All rows, numbered in the order of their paths."""
        import duckdb

        self._writer.close()
        number = 0
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit = '{_MEMORY}'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET threads = 1")
            connection.execute("SET temp_directory = ?", [str(self._folder / "spill")])
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.sql("SELECT * FROM read_parquet(?) ORDER BY path", params=[str(self._file)])
            for batch in found.to_arrow_reader(_ROWS):
                count = batch.num_rows
                numbers = pa.array(np.arange(number + 1, number + count + 1))
                number += count
                columns = [numbers, *batch.columns[1:]]
                yield Rows(
                    TABLE,
                    pa.RecordBatch.from_arrays(
                        [column.cast(field.type) for column, field in zip(columns, _SCHEMA, strict=True)],
                        schema=_SCHEMA,
                    ),
                )

    def close(self) -> None:
        """Remove what was kept on disk."""
        self._writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)
