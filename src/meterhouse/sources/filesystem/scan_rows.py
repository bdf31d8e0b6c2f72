"""How do the kernel's results become rows of the raw tables? As Arrow, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from meterhouse.sources.delivery import Rows
from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.file_classes import FileClasses, age_buckets
from meterhouse.sources.filesystem.path_text import text_of_path
from meterhouse.sources.filesystem.tables import TABLES
from meterhouse.sources.raw_table import TIME

_SCHEMAS = {table.name: table.schema for table in TABLES}
_AMOUNTS = (
    ("apparent_bytes", at.APPARENT),
    ("allocated_bytes", at.ALLOCATED_BYTES),
    ("shared_bytes", at.SHARED),
    ("repeated_bytes", at.REPEATED),
    ("files", at.FILE_COUNT),
    ("directories", at.DIRECTORY_COUNT),
    ("others", at.OTHER_COUNT),
    ("inodes", at.INODES),
)
_MICROSECONDS = 1_000_000


@dataclass(slots=True)
class ScanRows:
    """Rows of one scan: what is the same in all of them, and how many there are so far."""

    resource: str
    volume: str
    scanned_at: datetime
    has_allocated: bool
    classes: FileClasses
    groups: Mapping[int, str]
    users: Mapping[int, str]
    apparent_bytes: int = 0
    allocated_bytes: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)

    def usage(self, state: at.State) -> Rows | None:
        """The cells of usage that the kernel has made."""
        count = int(state.counts[at.USAGE_CELLS])
        if not count:
            return None
        directories = int(state.counts[at.USAGE_DIRECTORIES])
        paths = paths_of(state.usage_text, state.usage_directory_end[:directories])
        key = state.usage_place[:count]
        place = (key >> np.uint64(32)).astype(np.int64)
        small = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
        amounts = state.usage_amounts[:count]
        self.apparent_bytes += _exact_sum(amounts[:, at.APPARENT])
        self.allocated_bytes += _exact_sum(amounts[:, at.ALLOCATED_BYTES])
        names = pa.array(self.classes.names, pa.string())
        return self._rows(
            "filesystem_usage",
            count,
            {
                "directory": paths.take(pa.array(place)),
                "depth": pa.array(state.usage_directory_depth[place]),
                **self._owners(state.usage_owner[:count]),
                "file_class": names.take(pa.array(small >> 8)),
                "access_age_days": _ages(small >> 4 & 15),
                "modification_age_days": _ages(small & 15),
                **self._amounts(amounts),
            },
        )

    def directories(self, state: at.State) -> Rows | None:
        """The rows of directories that the walk has left."""
        count = int(state.counts[at.ROWS])
        if not count:
            return None
        paths = paths_of(state.row_text, state.row_directory_end[: int(state.counts[at.ROW_DIRECTORIES])])
        place = state.row_directory[:count]
        return self._rows(
            "filesystem_directory",
            count,
            {
                "directory": paths.take(pa.array(place)),
                "depth": pa.array(state.row_directory_depth[place]),
                **self._owners(state.row_owner[:count]),
                **self._amounts(state.row_amounts[:count]),
            },
        )

    def entries(self, state: at.State) -> Rows | None:
        """The lines themselves."""
        count = int(state.counts[at.ENTRIES])
        if not count:
            return None
        values = state.entry_values[:count]
        letters = pa.array([chr(code) for code in range(128)], pa.string())

        def of(role: int) -> pa.Array:
            return pa.array(np.ascontiguousarray(values[:, role]))

        return self._rows(
            "filesystem_entry",
            count,
            {
                "path": paths_of(state.entry_text, state.entry_end[:count]),
                "size": of(at.SIZE),
                "allocated": of(at.ALLOCATED) if self.has_allocated else pa.nulls(count, pa.int64()),
                "uid": of(at.UID),
                "gid": of(at.GID),
                "accessed_at": of(at.ACCESS),
                "modified_at": of(at.MODIFICATION),
                "changed_at": of(at.CHANGE),
                "type": letters.take(of(at.TYPE)),
                "inode": of(at.INODE),
                "links": of(at.LINKS),
                "device": of(at.DEVICE),
            },
        )

    def one(self, table: str, values: Mapping[str, Any]) -> Rows:
        """A single row."""
        schema = _SCHEMAS[table]
        columns = {name: pa.array([value], schema.field(name).type) for name, value in values.items()}
        return self._rows(table, 1, columns)

    def _rows(self, table: str, count: int, columns: Mapping[str, pa.Array]) -> Rows:
        first = self._numbers.get(table, 0) + 1
        self._numbers[table] = first + count - 1
        schema = _SCHEMAS[table]
        known = {
            "record": pa.array(np.arange(first, first + count)),
            "resource": pa.repeat(self.resource, count),
            "volume": pa.repeat(self.volume, count),
            "scanned_at": pa.repeat(pa.scalar(self.scanned_at, TIME), count),
            **columns,
        }
        return Rows(
            table,
            pa.RecordBatch.from_arrays(
                [known[one.name] if one.name in known else pa.nulls(count, one.type) for one in schema],
                schema=schema,
            ),
        )

    def _owners(self, owner: Any) -> dict[str, pa.Array]:
        gid = (owner >> np.uint64(32)).astype(np.int64)
        uid = (owner & np.uint64(0xFFFFFFFF)).astype(np.int64)
        return {
            "gid": pa.array(gid),
            "group_name": _named(gid, self.groups),
            "uid": pa.array(uid),
            "user_name": _named(uid, self.users),
        }

    def _amounts(self, amounts: Any) -> dict[str, pa.Array]:
        columns = {name: pa.array(np.ascontiguousarray(amounts[:, place])) for name, place in _AMOUNTS}
        if not self.has_allocated:
            columns["allocated_bytes"] = pa.nulls(len(amounts), pa.int64())
        columns["oldest_access"] = _times(amounts[:, at.OLDEST_ACCESS], at.NEVER_ACCESSED)
        columns["newest_modification"] = _times(amounts[:, at.NEWEST_MODIFICATION], at.NEVER_MODIFIED)
        return columns


def paths_of(text: Any, ends: Any) -> pa.Array:
    """Paths that stand one behind the other in `text`, as text."""
    data = text[: ends[-1] if len(ends) else 0]
    raw = data.tobytes()
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends
    if not ((data < 32) | (data == 127) | (data == 92)).any() and _is_utf8(raw):
        return pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(raw)])
    return pa.array([text_of_path(raw[start:end]) for start, end in pairwise(offsets)], pa.string())


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _named(ids: Any, names: Mapping[int, str]) -> pa.Array:
    """The name of each id, null where there is none."""
    if not names:
        return pa.nulls(len(ids), pa.string())
    different, place = np.unique(ids, return_inverse=True)
    return pa.array([names.get(int(one)) for one in different], pa.string()).take(pa.array(place))


def _ages(buckets: Any) -> pa.Array:
    days = [days for days, _ in age_buckets()]
    return pa.array([*days, *[None] * (16 - len(days))], pa.int64()).take(pa.array(buckets))


def _times(seconds: Any, never: int) -> pa.Array:
    unknown = seconds == never
    return pa.array(np.where(unknown, 0, seconds) * _MICROSECONDS, pa.int64(), mask=unknown).cast(TIME)


def _exact_sum(column: Any) -> int:
    """The sum, also where it is larger than 64 bits."""
    return (int((column >> 32).sum()) << 32) + int((column & 0xFFFFFFFF).sum())
