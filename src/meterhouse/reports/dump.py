"""How does one get the data out? A CSV or Parquet file per table, with a manifest that can be checked.

CSV is UTF-8 with one header line; text stands in quotes, times are UTC (`2018-04-18 14:58:45.774847Z`), an
empty cell is null and `""` is the empty text. Nothing is mangled: a name stands there as the source said it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

from meterhouse.reports.exchanged import utc_text

if TYPE_CHECKING:
    import pyarrow as pa

DumpFormat = Literal["csv", "parquet"]
MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)` in UTC: what the rows of the dump are about."""

    start: datetime
    end: datetime


def write_dump(
    tables: Mapping[str, Iterable[pa.RecordBatch]],
    out_dir: Path,
    format: DumpFormat,
    period: Period,
    snapshot: int,
) -> Path:
    """Write `<table>.<format>` for each table and `manifest.json`; returns the manifest's path.

    Batches are written as they come, so a table may be larger than memory. All of the dump appears at
    once: it is written beside `out_dir` and renamed. Where `out_dir` already holds exactly this dump,
    nothing changes; where it holds anything else, FileExistsError and nothing changes either.

    A table that may have no rows is given as something with a `schema` (a `pa.RecordBatchReader`), so that
    its columns are known.
    """
    out_dir = out_dir.absolute()
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out_dir.parent, prefix=f".{out_dir.name}.partial-"))
    try:
        manifest = {
            "version": MANIFEST_VERSION,
            "format": format,
            "start": utc_text(period.start),
            "end": utc_text(period.end),
            "snapshot": snapshot,
            "tables": [_write_table(name, batches, partial, format) for name, batches in tables.items()],
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        _write_synced(partial / MANIFEST, text.encode())
        if _holds(out_dir, text):
            return out_dir / MANIFEST
        if out_dir.exists() and any(out_dir.iterdir()):
            raise FileExistsError(f"{out_dir}: expected an empty folder or this same dump, found other files")
        partial.chmod(0o755)
        partial.replace(out_dir)
        _sync_folder(out_dir.parent)
        return out_dir / MANIFEST
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def differences(folder: Path) -> list[str]:
    """What in a dump doesn't match its manifest: files that are missing or whose content has changed."""
    manifest = json.loads((folder / MANIFEST).read_text())
    found = []
    for table in manifest["tables"]:
        path = folder / table["file"]
        if not path.exists():
            found.append(f"{table['file']}: expected a file, found none")
        elif (checksum := _sha256(path)) != table["sha256"]:
            found.append(f"{table['file']}: expected SHA-256 {table['sha256']}, found {checksum}")
    return found


def _write_table(
    name: str, batches: Iterable[pa.RecordBatch], folder: Path, format: DumpFormat
) -> dict[str, Any]:
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"table: expected a name of letters, digits and underscores, found {name!r}")
    schema, batches = _schema_first(name, batches)
    path = folder / f"{name}.{format}"
    rows = 0
    with path.open("wb") as out:
        with closing(_writer(out, schema, format)) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        out.flush()
        os.fsync(out.fileno())
    return {
        "table": name,
        "file": path.name,
        "columns": [{"name": field.name, "type": str(field.type)} for field in schema],
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": _sha256(path),
    }


class _Writer(Protocol):
    def write_batch(self, batch: Any) -> None: ...
    def close(self) -> None: ...


def _writer(out: BinaryIO, schema: pa.Schema, format: DumpFormat) -> _Writer:
    import pyarrow.csv
    import pyarrow.parquet

    writer: _Writer
    if format == "csv":
        writer = pyarrow.csv.CSVWriter(out, schema)
    elif format == "parquet":
        writer = pyarrow.parquet.ParquetWriter(out, schema, compression="zstd")
    else:
        raise ValueError(f"format: expected csv or parquet, found {format}")
    return writer


def _schema_first(name: str, batches: Iterable[pa.RecordBatch]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    schema = getattr(batches, "schema", None)
    stream = iter(batches)
    if schema is not None:
        return schema, stream
    first = next(stream, None)
    if first is None:
        raise ValueError(
            f"table {name}: expected a batch or a schema to take the columns from, found neither"
        )
    return first.schema, chain([first], stream)


def _holds(folder: Path, manifest: str) -> bool:
    path = folder / MANIFEST
    return path.exists() and path.read_text() == manifest and not differences(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
