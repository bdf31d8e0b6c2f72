"""Are the files what the catalogue says: there, unaltered, and with as many records as each batch brought?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.operations.verify.findings import Finding
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.tables import DERIVED_TABLES

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.view import View

REJECTED = "rejected_record"
RAW = (*RAW_TABLES, REJECTED)


def check_files(view: View, tables: Iterable[str]) -> Iterator[tuple[TableFile, Finding | None]]:
    """Each file of these tables with the first thing that is wrong with it."""
    for table in tables:
        for file in view.files(table):
            yield file, _wrong(file)


def _wrong(file: TableFile) -> Finding | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def finding(what: str, expected: object, found: object) -> Finding:
        return Finding("files", "error", what, str(expected), str(found), f"{file.table}: {file.path}")

    try:
        size = file.path.stat().st_size
    except FileNotFoundError:
        return finding("a file is missing", f"{file.rows} rows", "no file")
    except OSError as error:
        return finding("a file can't be read", f"{file.rows} rows", error.strerror)
    try:
        rows = pq.read_metadata(file.path).num_rows
    except (pa.ArrowException, OSError):
        return finding("a file is damaged", "a Parquet file", f"{size} bytes that are none")
    if rows != file.rows:
        return finding("a file has other rows than the catalogue says", f"{file.rows} rows", f"{rows} rows")
    if (digest := _sha256(file.path)) != file.sha256:
        return finding(
            "a file was altered since it was written", f"SHA-256 {file.sha256}", f"SHA-256 {digest}"
        )
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_counts(view: View, engine: DuckDBEngine) -> Iterator[Finding]:
    """Raw and rejected records of each batch: as the catalogue counts them, and as the files hold them."""
    expected: Counter[tuple[str, str]] = Counter()
    for batch in view.batches():
        expected.update({(batch.id, table): rows for table, rows in batch.rows_by_table.items()})
        expected[batch.id, REJECTED] += batch.rejections
    found: Counter[tuple[str, str]] = Counter()
    for table in RAW:
        if not view.files(table):
            continue
        rows = engine.query(
            "SELECT batch_id, COUNT(*) AS records "
            f"FROM ({view.select(table, ['batch_id'])}) GROUP BY batch_id"
        )
        found.update({(row["batch_id"], table): row["records"] for row in rows.to_pylist()})
    for batch_id, table in sorted(expected.keys() | found.keys()):
        should, is_there = expected[batch_id, table], found[batch_id, table]
        if should != is_there:
            yield Finding(
                "counts", "error", "a batch has other records than it brought", f"{should} records",
                f"{is_there} records", f"batch {batch_id}, table {table}",
            )  # fmt: skip


DERIVED = tuple(DERIVED_TABLES)
