"""How is a scan split by group? One compressed file a group, each one stream, with an index.

The lines are those of the scan, byte for byte. What is made stands in a new folder that has its name only
when it is whole. Of mpistat and wrstat files, which tell the group in the same place.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.scanner import unquoted

INDEX = "index.txt"
INDEX_COLUMNS = ("Group", "Build time (sec)", "Memory use", "Records", "Directories")
_LONGEST_LINE = 1 << 20
_WRITE_AT = 1 << 18
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_TOO_LONG = b"\t"  # stands for a line that is longer, and is no record
_TELL_EVERY = 50_000
_GID, _TYPE = 3, 7
# Bytes that a reader takes for a node, where directories are less than so many percent of all records.
_NODE_BYTES = ((0.8, 12_000), (1.5, 10_000), (2, 9_000), (4, 8_500))
_MOST_NODE_BYTES = 8_000


class SplitError(MeterhouseError):
    """A scan can't be split: nothing is written."""


@dataclass(slots=True)
class _Part:
    """The file of a group: what is compressed waits until it is worth writing."""

    path: Path
    name: str
    records: int = 0
    directories: int = 0
    waiting: bytearray = field(default_factory=bytearray)
    # 31: the greatest window, with the header of gzip
    stream: zlib._Compress = field(default_factory=lambda: zlib.compressobj(6, zlib.DEFLATED, 31))

    def add(self, line: bytes, is_directory: bool) -> None:
        self.records += 1
        self.directories += is_directory
        self.waiting += self.stream.compress(line)
        if len(self.waiting) >= _WRITE_AT:
            self.write()

    def write(self) -> None:
        # opened anew each time: there may be more groups than files that a process may have open
        with self.path.open("ab") as file:
            file.write(self.waiting)
        self.waiting.clear()

    def end(self) -> None:
        self.waiting += self.stream.flush()
        self.write()

    @property
    def index_line(self) -> str:
        """How long a reader of this file takes to start, and how much memory, by experience."""
        percent = 100 * self.directories / self.records
        node = next((bytes_ for below, bytes_ in _NODE_BYTES if percent < below), _MOST_NODE_BYTES)
        memory = (self.directories * 2 + 50) * node
        numbers = (self.records // 11_000 + 100, memory, self.records, self.directories)
        return "\t".join((self.name, *map(str, numbers)))


@dataclass(frozen=True, slots=True)
class Split:
    """What came of it: records by file, lines that could not be used, and records of other groups."""

    records: dict[str, int]
    bad_lines: int
    left_out: int


def split(
    scans: Sequence[Path],
    out: Path,
    names: Mapping[int, str],
    *,
    wanted: Callable[[int, str | None], bool] = lambda gid, name: True,
    also_below: Sequence[bytes] = (),
    dumps: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda read_bytes, lines: None,
) -> Split:
    """Split `scans` into the folder `out`, which must not exist. `dumps`: further files, by name.

    `names` of groups by id name the files; a group without a plain name is called by its id. `wanted` says
    of which groups files are made; of others what lies in or below `also_below`. `progress` is told now and
    then how many bytes of the scans, and how many lines, were read. Raises SplitError when a scan is cut off.
    """
    if out.exists():
        raise SplitError(f"{out}: expected no such folder yet, found one")
    making = out.with_name(f"{out.name}.partial")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        result = _split(scans, making, names, wanted, _Prefixes(also_below), progress)
        for name, text in (dumps or {}).items():
            (making / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        making.rename(out)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return result


class _Prefixes:
    """Directories with all that is below them."""

    def __init__(self, paths: Sequence[bytes]) -> None:
        self._paths = tuple(path.rstrip(b"/") for path in paths)
        self._below = tuple(path + b"/" for path in self._paths)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def hold(self, column: bytes) -> bool:
        """Whether they hold what a path names, which is written in base64 or in quotes."""
        try:
            path = unquoted(column) if column.startswith(b'"') else base64.b64decode(column, validate=True)
        except binascii.Error:
            return False
        return path.startswith(self._below) or path.rstrip(b"/") in self._paths


def _split(
    scans: Sequence[Path],
    folder: Path,
    names: Mapping[int, str],
    wanted: Callable[[int, str | None], bool],
    also: _Prefixes,
    progress: Callable[[int, int], None],
) -> Split:
    parts: dict[bytes, _Part | None] = {}
    of_file: dict[str, _Part] = {}
    bad = left_out = lines = before = 0
    for scan in scans:
        with _ScanLines(scan) as scan_lines:
            for line in scan_lines:
                lines += 1
                if lines % _TELL_EVERY == 0:
                    progress(before + scan_lines.position(), lines)
                columns = line.split(b"\t", 10)
                shift = len(columns) > 9 and not columns[1].isdigit()  # with the volume first
                if len(columns) < 11 or not line.endswith(b"\n"):
                    bad += 1
                    continue
                gid, kind = columns[_GID + shift], columns[_TYPE + shift]
                if gid not in parts:
                    if not gid.isdigit() or len(gid) > 10:
                        bad += 1
                        continue
                    told = names.get(int(gid))
                    parts[gid] = _part(folder, int(gid), told, of_file) if wanted(int(gid), told) else None
                part = parts[gid]
                if part is None and also and also.hold(columns[shift]):
                    part = _part(folder, int(gid), names.get(int(gid)), of_file)
                if part is None:
                    left_out += 1
                else:
                    part.add(line, kind == b"d")
        before += scan.stat().st_size
    made = [of_file[name] for name in sorted(of_file)]
    for part in made:
        part.end()
    index = "\n".join(["\t".join(INDEX_COLUMNS), *(part.index_line for part in made)])
    (folder / INDEX).write_text(f"{index}\n")
    return Split({part.path.name: part.records for part in made}, bad, left_out)


def _part(folder: Path, gid: int, told: str | None, of_file: dict[str, _Part]) -> _Part:
    name = told if told is not None and _PLAIN_NAME.fullmatch(told) else str(gid)
    if name not in of_file:
        of_file[name] = _Part(folder / f"{name}.dat.gz", name)
    return of_file[name]


class _ScanLines:
    """The lines of a plain or gzip file. A line without end within reason comes without its end."""

    def __init__(self, scan: Path) -> None:
        self._scan = scan

    def __enter__(self) -> _ScanLines:
        try:
            self._plain = self._scan.open("rb")
        except OSError as error:
            raise SplitError(f"{self._scan}: expected a file, found: {error.strerror}") from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._plain.close()

    def position(self) -> int:
        """How far the file is read, in bytes as they lie on disk."""
        return self._plain.tell()

    def __iter__(self) -> Iterator[bytes]:
        last = b""
        try:
            for line in self._pieces():
                last = line
                yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SplitError(f"{self._scan}: expected a whole gzip file, found: {error}") from None
        except OSError as error:
            raise SplitError(f"{self._scan}: expected a file, found: {error.strerror}") from None
        if not last.endswith((b"\n", _TOO_LONG)):
            raise SplitError(f"{self._scan}: expected a line end at the end, found none: it was cut off")

    def _pieces(self) -> Iterator[bytes]:
        packed = self._plain.peek(2)[:2] == b"\x1f\x8b"
        file: BinaryIO = gzip.GzipFile(fileobj=self._plain) if packed else self._plain  # type: ignore[assignment]
        while line := file.readline(_LONGEST_LINE):
            if len(line) < _LONGEST_LINE or line.endswith(b"\n"):
                yield line
                continue
            while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield _TOO_LONG if rest else b""
