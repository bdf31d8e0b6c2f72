"""Lines of scans, and their delivery taken apart."""

from __future__ import annotations

import base64
import gzip
import resource
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.filesystem.file_classes import file_classes
from meterhouse.sources.filesystem.pass_state import Wanted
from meterhouse.sources.filesystem.scan_formats import MPISTAT
from meterhouse.sources.filesystem.scan_pass import ScanPass
from meterhouse.sources.filesystem.scan_rows import ScanRows
from meterhouse.sources.filesystem.scans import ScannedVolume, read_scan

SCANNED_AT = datetime(2024, 1, 1, tzinfo=UTC)
NOW = int(SCANNED_AT.timestamp())
DAY = 86_400
SUMS = (
    "apparent_bytes",
    "allocated_bytes",
    "shared_bytes",
    "repeated_bytes",
    "files",
    "directories",
    "others",
    "inodes",
)


@dataclass(frozen=True)
class Entry:
    """What a scan says of one name."""

    path: bytes
    size: int = 0
    uid: int = 10
    gid: int = 100
    atime: int = NOW - DAY
    mtime: int = NOW - DAY
    type: str = "f"
    inode: int = 1
    links: int = 1
    device: int = 5
    ctime: int = 0
    allocated: int = 0


def mpistat(entry: Entry) -> bytes:
    numbers = (entry.size, entry.uid, entry.gid, entry.atime, entry.mtime, entry.ctime)
    end = (entry.inode, entry.links, entry.device)
    return b"\t".join(
        [
            base64.b64encode(entry.path),
            *(b"%d" % one for one in numbers),
            entry.type.encode(),
            *(b"%d" % one for one in end),
        ]
    )


def quoted(path: bytes) -> bytes:
    """As Go's strconv.Quote."""
    out = []
    for character in path.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if character in '"\\':
            out.append("\\" + character)
        elif character in "\n\t\r":
            out.append({"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character])
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif code < 32 or code == 127:
            out.append(f"\\x{code:02x}")
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"{}"'.format("".join(out)).encode("utf-8")


def wrstat(entry: Entry, blocks: bool = False) -> bytes:
    path = entry.path + b"/" if entry.type == "d" and entry.path != b"/" else entry.path
    columns = mpistat(entry).split(b"\t")
    if blocks:
        columns[1] = b"%d" % entry.allocated
    return b"\t".join([quoted(path), *columns[1:], b"%d" % entry.size])


def lines(*entries: Entry | bytes, form: Any = mpistat) -> bytes:
    """A scan's text: entries, and lines as they are."""
    return b"".join((one if isinstance(one, bytes) else form(one)) + b"\n" for one in entries)


@dataclass
class Scanned:
    """A delivery's parts, and its rows added up."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    rejections: list[Rejection] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)

    @property
    def scan(self) -> dict[str, Any]:
        (row,) = self.rows["filesystem_scan"]
        return row

    def usage(self, *by: str, **where: Any) -> dict[Any, dict[str, Any]]:
        """Usage added up by columns, of the rows that say what `where` does."""
        return self._added("filesystem_usage", by, where)

    def total(self, column: str, **where: Any) -> int:
        return sum(one[column] or 0 for one in self.usage(**where).values())

    def directories(self, *by: str, **where: Any) -> dict[Any, dict[str, Any]]:
        """Rows of directories added up, by directory unless said otherwise."""
        return self._added("filesystem_directory", by or ("directory",), where)

    def _added(self, table: str, by: tuple[str, ...], where: dict[str, Any]) -> dict[Any, dict[str, Any]]:
        found: dict[Any, dict[str, Any]] = {}
        for row in self.rows[table]:
            if any(row[name] != value for name, value in where.items()):
                continue
            key = tuple(row[name] for name in by)
            into = found.setdefault(key[0] if len(by) == 1 else key, dict.fromkeys(SUMS, 0))
            for name in SUMS:
                into[name] = None if row[name] is None else into[name] + row[name]
            for name, choose in (("oldest_access", min), ("newest_modification", max)):
                times = [one for one in (into.get(name), row[name]) if one is not None]
                into[name] = choose(times) if times else None
        return found


def read(
    tmp_path: Path, content: bytes, name: str = "scan.gz", volume: ScannedVolume | None = None, **options: Any
) -> Scanned:
    """Write a scan's text to a file, gzip if its name says so, and read it."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return read_files([path], volume, **options)


def read_files(paths: list[Path], volume: ScannedVolume | None = None, **options: Any) -> Scanned:
    """Read the files of a scan."""
    options.setdefault("scanned_at", SCANNED_AT)
    delivery = read_scan(paths, "lustre", volume or ScannedVolume("v1"), **options)
    return taken_apart(delivery.stream)


def taken_apart(stream: Any) -> Scanned:
    scanned = Scanned()
    for item in stream:
        if isinstance(item, Rows):
            scanned.rows[item.table] += item.records.to_pylist()
        elif isinstance(item, Rejection):
            scanned.rejections.append(item)
        else:
            scanned.coverage.append(item)
    return scanned


def read_stream(pieces: Iterator[bytes]) -> tuple[ScanPass, Any, int]:
    """Bytes read as an mpistat file: the pass, what it says taken apart, and the bytes memory grew by."""
    left = b""

    def fill(buffer: memoryview) -> int:
        nonlocal left
        done = 0
        while done < len(buffer):
            left = left or next(pieces, b"")
            if not left:
                break
            part = left[: len(buffer) - done]
            buffer[done : done + len(part)] = part
            done, left = done + len(part), left[len(part) :]
        return done

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = ScanRows("lustre", "v1", SCANNED_AT, False, file_classes(), {}, {})
    scan = ScanPass.begin(MPISTAT.layout, rows, 5, Wanted())
    scanned = taken_apart([*scan.file(fill, "stream"), *scan.end()])
    return scan, scanned, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
