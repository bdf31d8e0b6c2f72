"""In which format is a scan written? Told by its first lines, and said; the columns of each format."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from meterhouse.errors import MeterhouseError
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.filesystem.kernel_layout import (
    ACCESS,
    ALLOCATED,
    BASE64,
    CHANGE,
    DEVICE,
    GID,
    INODE,
    LINKS,
    MODIFICATION,
    NUMBER,
    PATH,
    QUOTED,
    SIZE,
    TEXT,
    TYPE,
    UID,
)

_TYPES = b"fdlsbcFXpD"
_NUMBER = re.compile(rb"-?[0-9]+")


class UnknownFormat(MeterhouseError):
    """A file whose lines are of no format that can be read."""


class Translator(Protocol):
    """Makes lines of `TRANSLATED` of another format's records, as they come in pieces."""

    def lines(self, data: bytes) -> bytes:
        """The lines of all records that are complete with `data`."""

    def rest(self) -> bytes:
        """What was left when there was no more; empty when the last record was complete."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a scan are made: the role of each column, and how a path is written."""

    roles: tuple[int, ...]
    path_mode: int

    @property
    def has_allocated(self) -> bool:
        """Whether lines say how much is taken on disk."""
        return ALLOCATED in self.roles


@dataclass(frozen=True, slots=True)
class ScanFormat:
    """A format as it was found: its name and variant, its columns, and what its size is."""

    name: str
    variant: str
    layout: Layout
    size_is: str

    def __str__(self) -> str:
        return f"{self.name} ({self.variant})"


_TIMES = (ACCESS, MODIFICATION, CHANGE)
_MPISTAT = (PATH, SIZE, UID, GID, *_TIMES, TYPE, INODE, LINKS, DEVICE)
SMALLER = "smaller of both"
APPARENT = "apparent"
BOTH = "apparent and allocated"

MPISTAT = ScanFormat("mpistat", "11 columns", Layout(_MPISTAT, BASE64), SMALLER)
MPISTAT_VOLUME = ScanFormat(
    "mpistat", "12 columns, the volume first", Layout((TEXT, *_MPISTAT), BASE64), SMALLER
)
MPISTAT_CLASS = ScanFormat("mpistat", "12 columns, a class last", Layout((*_MPISTAT, TEXT), BASE64), SMALLER)
WRSTAT = ScanFormat(
    "wrstat",
    "12 columns, quoted paths",
    Layout((PATH, NUMBER, UID, GID, *_TIMES, TYPE, INODE, LINKS, DEVICE, SIZE), QUOTED),
    APPARENT,
)
WRSTAT_BLOCKS = ScanFormat(
    "wrstat",
    "12 columns, quoted paths, size in blocks",
    Layout((PATH, ALLOCATED, UID, GID, *_TIMES, TYPE, INODE, LINKS, DEVICE, SIZE), QUOTED),
    BOTH,
)
WRSTAT_BASE64 = ScanFormat("wrstat", "11 columns, base64 paths", Layout(_MPISTAT, BASE64), APPARENT)
WRSTAT_QUOTED_11 = ScanFormat("wrstat", "11 columns, quoted paths", Layout(_MPISTAT, QUOTED), APPARENT)
TRANSLATED = Layout((*_MPISTAT, ALLOCATED), BASE64)

GPFS = ScanFormat("gpfs-list", "declared columns", TRANSLATED, BOTH)
FIND = ScanFormat("find", "path, NUL, 10 columns", TRANSLATED, BOTH)
GUFI = ScanFormat("gufi-trace", "delimiter 0x1E", TRANSLATED, BOTH)

DECLARED = ("mpistat", "wrstat", "wrstat-blocks", "find", "gpfs-list", "gufi-trace")
_ONLY_DECLARED = {"gpfs-list": GPFS, "find": FIND, "gufi-trace": GUFI, "wrstat-blocks": WRSTAT_BLOCKS}


def detected(sample: bytes, origin: str, name: str = "", declared: str | None = None) -> ScanFormat:
    """The format of the lines that `sample` begins with; `name` is the file's, `declared` the format's.

    A damaged line doesn't decide: the first of 1,000 lines that is of some format does. A GPFS list
    must be declared, and so its columns. Raises UnknownFormat.
    """
    if declared is not None and declared not in DECLARED:
        raise UnknownFormat(f"{origin}: format: expected one of {', '.join(DECLARED)}, found {declared!r}")
    if declared in _ONLY_DECLARED:
        return _ONLY_DECLARED[declared]
    lines = [line for line in sample.split(b"\n")[:1000] if line]
    for line in lines:
        found = _format_of(line, name)
        if found is None or (declared and found.name != declared):
            continue
        return WRSTAT_BLOCKS if found is WRSTAT and _says_blocks(lines) else found
    shown = excerpt(lines[0].decode("utf-8", "surrogateescape"), 80) if lines else "nothing"
    raise UnknownFormat(
        f"{origin}: expected lines of mpistat (11 or 12 columns), wrstat, find, a GPFS policy list or a GUFI"
        f" trace, found {shown}"
    )


def _format_of(line: bytes, name: str) -> ScanFormat | None:
    columns = line.split(b"\t")
    if b"\x1e" in line:
        return GUFI
    if b"\0" in line and line.startswith(b"/"):
        return FIND
    if columns[0][:1] == b'"' and len(columns) == 12 and _numbers(columns[1:7] + columns[8:]):
        return WRSTAT
    if columns[0][:1] == b'"' and len(columns) == 11 and _numbers(columns[1:7] + columns[8:]):
        return WRSTAT_QUOTED_11
    if len(columns) == 11 and _is_path(columns[0]) and _numbers(columns[1:7] + columns[8:]):
        return WRSTAT_BASE64 if name.endswith((".stats.gz", "/stats.gz", ".stats")) else MPISTAT
    if len(columns) == 12 and _is_path(columns[1]) and _numbers(columns[2:8] + columns[9:]):
        return MPISTAT_VOLUME
    if len(columns) == 12 and _is_path(columns[0]) and _numbers(columns[1:7] + columns[8:11]):
        return MPISTAT_CLASS
    return None


def _says_blocks(lines: Iterable[bytes]) -> bool:
    """Whether wrstat wrote blocks (-b): all sizes in whole blocks, and some not the apparent one."""
    differs = False
    for line in lines:
        columns = line.split(b"\t")
        if len(columns) != 12 or not _numbers((columns[1], columns[11])):
            continue
        size, apparent = int(columns[1][:20]), int(columns[11][:20])
        if size % 512:
            return False
        differs = differs or size != apparent
    return differs


def _numbers(columns: Iterable[bytes]) -> bool:
    return all(_NUMBER.fullmatch(column) for column in columns)


def _is_path(column: bytes) -> bool:
    try:
        return base64.b64decode(column, validate=True).startswith(b"/")
    except (binascii.Error, ValueError):
        return False
