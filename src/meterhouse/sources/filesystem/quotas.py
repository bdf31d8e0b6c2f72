"""Who may keep how much? Dumps of quotas: Lustre, GPFS, Linux, ZFS, and lists of limits.

Which of them a file is, is told by its lines. Lines that can't be used are kept aside, and cost only
themselves; but a dump with such a line is no full picture, so its coverage is failed.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.excerpt import excerpt, found
from meterhouse.sources.file_content import BROKEN_STREAM, FileContent, file_content
from meterhouse.sources.filesystem.scan_time import scan_time
from meterhouse.sources.filesystem.tables import TABLES

SOURCE = "filesystem-quota"
_SCHEMA = next(table.schema for table in TABLES if table.name == "filesystem_quota")
_KIB = 1024
_LONGEST_LINE = 65536
_MOST = (1 << 63) - 1
_LUSTRE_OWNER = re.compile(
    r"Disk (?:default )?quotas for (usr|grp|prj|user|group|project)\s+(\S+)(?: \(\w+ (\d+)\))?:"
)
_KINDS = {
    "usr": "user",
    "grp": "group",
    "prj": "project",
    "fileset": "project",
    "user": "user",
    "group": "group",
    "project": "project",
}
_NO_LIMIT = {"none", "0"}


class Unusable(Exception):
    """A line that can't be used: its field, what was expected, what was found."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(field, expected, found)
        self.field, self.expected, self.found = field, expected, found


@dataclass(frozen=True, slots=True)
class Quota:
    """What a line says of one owner. Bytes and numbers of inodes; limits: 0 is none, None not said."""

    owner_kind: str
    owner_id: int | None
    owner_name: str | None
    used_bytes: int | None = None
    soft_bytes: int | None = None
    hard_bytes: int | None = None
    used_inodes: int | None = None
    soft_inodes: int | None = None
    hard_inodes: int | None = None
    grace: str | None = None


Reader = Callable[[str], Quota | None]


def read_quotas(
    path: Path | str,
    resource: str,
    volume: str,
    *,
    observed_at: datetime | None = None,
    owner_kind: str = "group",
    owner: str | None = None,
    mountpoint: str | None = None,
) -> Delivery:
    """The delivery of one dump of `volume`'s quotas, plain or gzip.

    `owner_kind` is whose quotas they are where the format doesn't say it, and `owner` who, where a dump is of
    one only and doesn't name them (`lfs quota -q`). `observed_at` as for scans.
    """
    content = file_content(Path(path), SOURCE, resource)
    moment = scan_time([content], observed_at).moment
    said = f"{SOURCE}\0{content.content_key}\0{volume}\0{moment.isoformat()}\0{owner_kind}"
    if owner is not None or mountpoint is not None:
        said += f"\0{owner}\0{mountpoint}"
    key = hashlib.sha256(said.encode()).hexdigest()
    reading = _Reading(content, resource, volume, moment, owner_kind, owner, mountpoint)
    return Delivery(SOURCE, resource, content.origin, key, _stream(reading))


def read_quota_file(path: Path | str, resource: str) -> Delivery:
    """The delivery of a dump of the quotas of a volume that is called as its resource."""
    return read_quotas(path, resource, resource)


@dataclass(frozen=True, slots=True)
class _Reading:
    content: FileContent
    resource: str
    volume: str
    moment: datetime
    owner_kind: str
    owner: str | None
    mountpoint: str | None


def _stream(reading: _Reading) -> Iterator[Rows | Rejection | Coverage]:
    content, volume, moment = reading.content, reading.volume, reading.moment
    quotas: list[tuple[int, Quota]] = []
    name = ""
    reader: Reader | None = None
    refused = 0
    failure = ""
    try:
        with content.open() as file:
            for number, raw in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
                line = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
                if not line.strip():
                    continue
                if reader is None:
                    name, reader = _format_of(line, reading.owner_kind, reading.owner)
                try:
                    quota = reader(line)
                except Unusable as wrong:
                    refused += 1
                    yield Rejection(
                        content.origin, number, wrong.field, wrong.expected, wrong.found, excerpt(line)
                    )
                    continue
                if quota is not None:
                    quotas.append((number, quota))
    except BROKEN_STREAM as broken:
        failure = f"cut off or damaged ({broken})"
        yield Rejection(content.origin, 0, "", "a complete file", failure)
    content.check_unchanged()
    if refused and not failure:
        failure = f"{refused} lines could not be used"
    if quotas:
        yield _rows(quotas, reading, name)
    outcome: Any = "failed" if failure else "ok" if quotas else "empty"
    detail = ", ".join(filter(None, (f"{len(quotas)} quotas of {volume} ({name or 'no format'})", failure)))
    yield Coverage(f"quotas {volume}", moment, moment + timedelta(seconds=1), outcome, len(quotas), detail)


def _rows(quotas: list[tuple[int, Quota]], reading: _Reading, name: str) -> Rows:
    same = {
        "resource": reading.resource,
        "volume": reading.volume,
        "observed_at": reading.moment,
        "format": name,
        "mountpoint": reading.mountpoint,
        "extra": None,
    }
    rows = [
        {"record": number, **same, **{field: getattr(quota, field) for field in Quota.__slots__}}
        for number, quota in quotas
    ]
    return Rows("filesystem_quota", pa.RecordBatch.from_pylist(rows, _SCHEMA))


def _format_of(line: str, owner_kind: str, owner: str | None) -> tuple[str, Reader]:
    """The format of a file that begins with `line`, and what reads its lines."""
    if line.startswith("mmrepquota:"):
        return "mmrepquota", _Gpfs().read
    first = next(csv.reader([line]))
    if len(first) > 6 and {"BlockUsed", "FileUsed"} <= set(first):
        return "repquota", _Repquota().read
    if "\t" in line and line.split("\t")[0] in _ZFS_TYPES:
        return "zfs-userspace", _zfs
    if len(first) == 2:
        return "group-limit", _GroupLimit(owner_kind).read
    return "lfs-quota", _Lustre(owner_kind, owner).read


class _Lustre:
    """`lfs quota`, with headings that name the owner, with the owner before the line of `-q`, or of `-a`."""

    def __init__(self, owner_kind: str, owner: str | None) -> None:
        self._kind = owner_kind
        self._owner: tuple[int | None, str] | None = (None, owner) if owner is not None else None
        self._folded = ""

    def read(self, line: str) -> Quota | None:
        heading = _LUSTRE_OWNER.match(line)
        if heading:
            kind, name, number = heading.groups()
            self._kind = _KINDS[kind]
            self._owner = (int(number) if number else None, name)
            return None
        words = line.split()
        if words[0] in ("Filesystem", "Disk", "uid", "gid", "pid") or "is using default" in line:
            return None
        if len(words) == 1 and words[0].startswith("/"):  # a long path stands on a line of its own
            self._folded = words[0]
            return None
        if self._folded:
            words = [self._folded, *words]
            self._folded = ""
        if len(words) == 10:
            owner: tuple[int | None, str] | None = (None, words[0])
            words = words[1:]
        elif words[0].startswith("/"):
            owner = self._owner
        else:
            owner = (None, words[0])
        if len(words) != 9:
            raise Unusable("", "8 columns behind the file system", f"{len(words) - 1}")
        if owner is None:
            raise Unusable("owner", "a name before the line, or a heading that names it", "none")
        used, soft, hard = (_number(words[place], "kbytes", _KIB) for place in (1, 2, 3))
        used_inodes, soft_inodes, hard_inodes = (_number(words[place], "files") for place in (5, 6, 7))
        grace = None if words[4] == "-" else words[4]
        return Quota(
            self._kind, owner[0], owner[1], used, soft, hard, used_inodes, soft_inodes, hard_inodes, grace
        )


class _Gpfs:
    """`mmrepquota -Y`: colons between columns that a line of HEADER names, names in percent escapes."""

    def __init__(self) -> None:
        self._columns: list[str] = []

    def read(self, line: str) -> Quota | None:
        words = line.split(":")
        if len(words) > 2 and words[2] == "HEADER":
            self._columns = words
            return None
        if not self._columns or len(words) < len(self._columns) - 1:
            raise Unusable("", "columns as the HEADER line has them", f"{len(words)}")
        said = dict(zip(self._columns, words, strict=False))
        kind = _KINDS.get(said.get("quotaType", "").lower())
        if kind is None:
            raise Unusable("quotaType", "USR, GRP or FILESET", found(said.get("quotaType", "")))
        of_bytes = ("blockUsage", "blockQuota", "blockLimit")
        used, soft, hard = (_number(said.get(column, ""), column, _KIB) for column in of_bytes)
        of_inodes = ("filesUsage", "filesQuota", "filesLimit")
        used_inodes, soft_inodes, hard_inodes = (
            _number(said.get(column, ""), column) for column in of_inodes
        )
        number = said.get("id", "")
        owner = int(number) if number.isascii() and number.isdigit() else None
        name = unquote(said.get("name", "")) or None
        grace = unquote(said.get("blockGrace", "")) or None
        return Quota(kind, owner, name, used, soft, hard, used_inodes, soft_inodes, hard_inodes, grace)


class _Repquota:
    """`repquota -O csv`: the first column's heading says whose quotas they are; `-n` gives #ids."""

    def __init__(self) -> None:
        self._columns: list[str] = []

    def read(self, line: str) -> Quota | None:
        words = next(csv.reader([line]))
        if "BlockUsed" in words:
            self._columns = words
            return None
        if len(words) != len(self._columns):
            raise Unusable("", f"{len(self._columns)} columns", f"{len(words)}")
        said = dict(zip(self._columns, words, strict=True))
        name = words[0]
        number = int(name[1:]) if re.fullmatch(r"#[0-9]{1,10}", name) else None
        of_bytes = ("BlockUsed", "BlockSoftLimit", "BlockHardLimit")
        used, soft, hard = (_number(said.get(column, ""), column, _KIB) for column in of_bytes)
        of_inodes = ("FileUsed", "FileSoftLimit", "FileHardLimit")
        used_inodes, soft_inodes, hard_inodes = (
            _number(said.get(column, ""), column) for column in of_inodes
        )
        kind = _KINDS.get(self._columns[0].lower(), "user")
        owner_name = None if number is not None else name
        grace = said.get("BlockGrace") or None
        return Quota(kind, number, owner_name, used, soft, hard, used_inodes, soft_inodes, hard_inodes, grace)


class _GroupLimit:
    """A list of owners and limits in KiB, `group,limit`, with or without a heading."""

    def __init__(self, owner_kind: str) -> None:
        self._kind = owner_kind
        self._first = True

    def read(self, line: str) -> Quota | None:
        words = [word.strip() for word in next(csv.reader([line]))]
        first, self._first = self._first, False
        if first and len(words) == 2 and not words[1].lstrip("-").isdigit():
            return None
        if len(words) != 2 or not words[0]:
            raise Unusable("", "a name and a limit", f"{len(words)} columns")
        return Quota(self._kind, None, words[0], hard_bytes=_number(words[1], "limit", _KIB))


_ZFS_TYPES = {
    "POSIX User": "user",
    "POSIX Group": "group",
    "SMB User": "user",
    "SMB Group": "group",
    "Project": "project",
}


def _zfs(line: str) -> Quota | None:
    """`zfs userspace -Hp` (groupspace, projectspace): type, name, used, quota [, objects, their quota]."""
    words = line.split("\t")
    if len(words) not in (4, 6) or words[0] not in _ZFS_TYPES:
        raise Unusable(
            "", "type, name, used, quota and perhaps objects and their quota", f"{len(words)} columns"
        )
    name = words[1]
    number = int(name) if name.isascii() and name.isdigit() else None
    return Quota(
        _ZFS_TYPES[words[0]],
        number,
        None if number is not None else name,
        used_bytes=_number(words[2], "used"),
        hard_bytes=_number(words[3], "quota"),
        used_inodes=_number(words[4], "objused") if len(words) == 6 else None,
        hard_inodes=_number(words[5], "objquota") if len(words) == 6 else None,
    )


def _number(said: str, name: str, unit: int = 1) -> int | None:
    """A number as these tools print it: `*` marks what is over, [] what is an estimate, - what isn't known.

    Raises Unusable.
    """
    text = said.strip().strip("[]").removesuffix("*")
    if text in ("", "-"):  # isn't counted there
        return None
    if text.lower() in _NO_LIMIT:
        return 0
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) * unit > _MOST:
        raise Unusable(name, "a whole number that fits", found(said[:100]))
    return int(text) * unit
