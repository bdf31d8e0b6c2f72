"""How does a stream of records become a Parquet file, in bounded memory, and safely on disk?"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 122_880  # what DuckDB reads with one thread
_BUFFER_BYTES = 64 * 1024 * 1024  # wide records: a row group may be smaller, memory stays bounded
_SMALL_ROWS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file that is on disk for good. Times are None when a row doesn't say its time."""

    table: str
    path: Path
    rows: int
    bytes: int
    sha256: str
    min_time: datetime | None
    max_time: datetime | None


class ParquetFile:
    """A Parquet file being written. Buffers until a row group is full."""

    def __init__(self, table: str, path: Path, schema: pa.Schema, time_column: str | None) -> None:
        self.table = table
        self.path = path
        self.rows = 0
        self.has_rows_without_time = time_column is None
        self._schema = schema
        self._time_column = time_column
        self._earliest: int | None = None
        self._latest: int | None = None
        self._buffer: list[pa.RecordBatch] = []
        self._buffered_rows = 0
        self._buffered_bytes = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._writer: pq.ParquetWriter | None = None

    def write(self, records: pa.RecordBatch) -> None:
        """Append records of the file's schema, in this order."""
        if not records.num_rows:
            return
        if self._time_column is not None:
            self._note_times(records.column(self._time_column))
        self.rows += records.num_rows
        self._buffer.append(records)
        self._buffered_rows += records.num_rows
        self._buffered_bytes += records.nbytes
        if self._buffered_rows >= ROW_GROUP_ROWS or self._buffered_bytes >= _BUFFER_BYTES:
            self._flush(everything=self._buffered_bytes >= _BUFFER_BYTES)

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        """Earliest and latest time that a row says."""
        if self._earliest is None or self._latest is None:
            return None, None
        return _clamped_time(self._earliest), _clamped_time(self._latest)

    def finish(self) -> WrittenFile:
        """Complete the file and have it on disk, not only in a cache. The folder is the caller's."""
        # Small files are soon compacted: they are written quickly rather than tightly.
        self._flush(everything=True, compression="zstd" if self.rows > _SMALL_ROWS else "snappy")
        if self._writer is not None:
            self._writer.close()
        self._sink.close()
        size, digest = put_on_disk(self.path)
        # A file with a row of unknown time must never be passed over by time.
        earliest, latest = (None, None) if self.has_rows_without_time else self.times
        return WrittenFile(self.table, self.path, self.rows, size, digest, earliest, latest)

    def abandon(self) -> None:
        """Close and remove it; it was never part of the warehouse."""
        self._buffer.clear()
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._sink.close()
            self.path.unlink(missing_ok=True)

    def _flush(self, everything: bool, compression: str = "zstd") -> None:
        if not self._buffered_rows:
            return
        buffered = pa.Table.from_batches(self._buffer, self._schema)
        full = buffered.num_rows if everything else buffered.num_rows - buffered.num_rows % ROW_GROUP_ROWS
        if self._writer is None:
            as_dictionary, encodings = _encodings(buffered.slice(0, ROW_GROUP_ROWS))
            self._writer = pq.ParquetWriter(
                self._sink,
                self._schema,
                compression=compression,
                store_schema=False,
                use_dictionary=as_dictionary,
                column_encoding=encodings,
            )
        self._writer.write_table(buffered.slice(0, full), row_group_size=ROW_GROUP_ROWS)
        rest = buffered.slice(full)
        self._buffer = rest.to_batches()
        self._buffered_rows = rest.num_rows
        self._buffered_bytes = sum(records.nbytes for records in self._buffer)

    def _note_times(self, times: pa.Array) -> None:
        self.has_rows_without_time = self.has_rows_without_time or bool(times.null_count)
        if times.null_count == len(times):
            return
        extremes = pc.min_max(times)
        earliest, latest = extremes["min"].value, extremes["max"].value
        self._earliest = earliest if self._earliest is None else min(self._earliest, earliest)
        self._latest = latest if self._latest is None else max(self._latest, latest)


def _encodings(sample: pa.Table) -> tuple[list[str], dict[str, str]]:
    """Which columns repeat their values (a dictionary is small), and how the other ones are written.

    Numbers, times and texts that hardly repeat are a fraction of the size as differences from the row
    before, and quicker to read.
    """
    as_dictionary, encodings = [], {}
    for field in sample.schema:
        values = sample.column(field.name)
        known = len(values) - values.null_count
        # a text that comes twice is already better off in a dictionary
        often = 1.1 if pa.types.is_string(field.type) else 2
        if often * pc.count_distinct(values).as_py() > known and (encoding := _of_differences(field.type)):
            encodings[field.name] = encoding
        else:
            as_dictionary.append(field.name)
    return as_dictionary, encodings


def _of_differences(kind: pa.DataType) -> str | None:
    if pa.types.is_int64(kind) or pa.types.is_timestamp(kind):
        return "DELTA_BINARY_PACKED"
    return "DELTA_LENGTH_BYTE_ARRAY" if pa.types.is_string(kind) else None


def put_on_disk(path: Path) -> tuple[int, str]:
    """Flush a complete file to the disk; its size in bytes and its SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def put_folder_on_disk(folder: Path) -> None:
    """Flush a folder's list of files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clamped_time(microseconds: int) -> datetime:
    """Arrow's times reach further than Python's; for the catalogue the ends of Python's do."""
    earliest = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    latest = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return _EPOCH + timedelta(microseconds=min(max(microseconds, earliest), latest))
