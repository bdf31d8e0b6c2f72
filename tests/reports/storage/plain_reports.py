"""What should reports on scans say? Plain Python over lists of entries, written from the rules alone.

It shares no code with what it is compared with: not the reader, not the kernel, not the SQL.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from scan_reading import Entry

DAY = 86_400
AGES = (0, 30, 60, 180, 365, 730, 1095, 1825, 2555)
# In order: the first that fits. A class of suffixes, or of a directory above, or of a beginning.
CLASSES = (
    ("marker", r"\.imirrored$"),
    ("bam", r"\.(bam|sam)(\.gz)?$"),
    ("cram", r"\.cram(\.gz)?$"),
    ("vcf", r"\.(vcf|bcf|gvcf)(\.gz)?$"),
    ("pedbed", r"\.(ped|bed)(\.gz)?$"),
    ("fastq", r"\.(fastq|fq)(\.gz)?$"),
    ("fasta", r"\.(fasta|fa|fna|faa)(\.gz)?$"),
    ("index", r"\.(bai|crai|csi|tbi|fai|gzi|pbi|idx)$"),
    ("temp", r"\.(tmp|temp|swp|swo|part|partial)$"),
    ("temp", "above"),
    ("temp", r"^\.?(tmp|temp)\."),
    ("log", r"\.(log|out|err|o|e|oe)$"),
    ("compressed", r"\.(gz|bgz|bz2|xz|zst|lz4|zip|7z|tgz|tbz2|txz|rar)$"),
    ("text", r"\.(txt|text|csv|tsv|md|dat|json|xml|yaml|yml|html)$"),
    ("image", r"\.(png|jpg|jpeg|gif|tif|tiff|svg|pdf|ps)$"),
    ("code", r"\.(py|pyc|r|pl|sh|c|cc|cpp|h|hpp|java|js|rs|go|f90|ipynb|so|a)$"),
    ("array", r"\.(h5|hdf5|h5ad|nc|zarr|npy|npz|parquet|rdata|rds|mat|pt|pkl|loom)$"),
)


def class_of(entry: Entry) -> str:
    """The class of what a name names."""
    if entry.type != "f":
        return {"d": "directory", "l": "link"}.get(entry.type, "special")
    *above, name = entry.path.decode("latin-1").lower().split("/")
    for found, pattern in CLASSES:
        if pattern == "above":
            fits = bool({"tmp", "temp", ".tmp", ".temp"} & set(above))
        else:
            fits = re.search(pattern, name) is not None
        if fits:
            return found
    return "other"


def as_text(path: bytes) -> str:
    """Bytes that are no UTF-8, control characters and backslashes as `\\xNN`."""
    out = []
    for character in path.decode("utf-8", "surrogateescape"):
        code = ord(character)
        odd = code < 32 or code == 127 or character == "\\" or 0xDC80 <= code <= 0xDCFF
        out.append(f"\\x{code & 0xFF:02x}" if odd else character)
    return "".join(out)


@dataclass(frozen=True)
class Counted:
    """A name, with what it counts."""

    entry: Entry
    shared: int
    apparent: int
    allocated: int
    inodes: int
    accessed: int | None  # times that can be used
    modified: int | None
    file_class: str

    @property
    def files(self) -> int:
        return int(self.entry.type == "f")

    @property
    def directories(self) -> int:
        return int(self.entry.type == "d")

    @property
    def above(self) -> list[bytes]:
        """The directory in which it counts: its own, if it is one."""
        names = [name for name in self.entry.path.split(b"/") if name]
        return names if self.entry.type == "d" else names[:-1]


class PlainVolume:
    """A scan of a volume as a list."""

    def __init__(self, name: str, entries: Iterable[Entry], scanned_at: int) -> None:
        self.name = name
        self.scanned_at = scanned_at
        self.names = list(self._counted(entries))

    def _counted(self, entries: Iterable[Entry]) -> Iterator[Counted]:
        seen: dict[tuple[int, int], int] = {}
        for one in entries:
            if one.links == 0:
                continue
            first = True
            if one.links > 1 and one.type != "d":
                key = one.device, one.inode
                first = key not in seen
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == one.links:
                    del seen[key]
            yield Counted(
                one,
                one.size // one.links,
                one.size if first else 0,
                one.allocated if first else 0,
                int(first),
                one.atime if 0 <= one.atime <= self.scanned_at else None,
                one.mtime if 0 <= one.mtime <= self.scanned_at else None,
                class_of(one),
            )

    def age(self, time: int | None) -> int | None:
        """The least days of the bucket of a usable time."""
        return None if time is None else max(a for a in AGES if self.scanned_at - time >= a * DAY)

    def days_since(self, newest: int | None) -> str | None:
        """Days to a tenth, half to even."""
        return None if newest is None else str(round(Decimal(self.scanned_at - newest) / DAY, 1))


def newest(times: Iterable[int | None]) -> int | None:
    return max((one for one in times if one is not None), default=None)


def moment(time: int | None) -> str:
    """A time as CSV has it."""
    return "" if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gathered(names: Iterable[Counted], key: Callable[[Counted], Any]) -> dict[Any, list[Counted]]:
    found: dict[Any, list[Counted]] = defaultdict(list)
    for one in names:
        found[key(one)].append(one)
    return found


def groups(
    volume: PlainVolume, names: dict[int, str], counted: str = "shared"
) -> dict[str, tuple[int, str | None]]:
    """Bytes and days since the last change, by group."""
    return {
        group: (
            sum(getattr(one, counted) for one in kept),
            volume.days_since(newest(o.modified for o in kept)),
        )
        for group, kept in gathered(
            volume.names, lambda one: names.get(one.entry.gid, str(one.entry.gid))
        ).items()
        if any(getattr(one, counted) for one in kept) or newest(o.modified for o in kept) is not None
    }


def users(
    volume: PlainVolume, user_names: dict[int, str], group_names: dict[int, str]
) -> dict[tuple[str, str], tuple[int, int, str]]:
    """Bytes, files and the day of the last change, by user and group."""

    def owners(one: Counted) -> tuple[str, str]:
        entry = one.entry
        return user_names.get(entry.uid, str(entry.uid)), group_names.get(entry.gid, str(entry.gid))

    return {
        key: (
            sum(o.shared for o in kept),
            sum(o.files for o in kept),
            moment(newest(o.modified for o in kept))[:10],
        )
        for key, kept in gathered(volume.names, owners).items()
    }


def directories(volume: PlainVolume, depth: int) -> dict[str, tuple[int, int, int, int, str, str]]:
    """Every directory of so many names, with all that is below it."""
    below = [one for one in volume.names if len(one.above) >= depth]
    found = gathered(below, lambda one: as_text(b"/" + b"/".join(one.above[:depth])))
    return {
        key: (
            *(
                sum(getattr(one, what) for one in kept)
                for what in ("shared", "files", "inodes", "directories")
            ),
            moment(min((o.accessed for o in kept if o.files and o.accessed is not None), default=None)),
            moment(newest(o.modified for o in kept)),
        )
        for key, kept in found.items()
    }


def told_apart(one: Counted, limit: int) -> str:
    """The directory of usage: cut to a depth, one deeper below a directory of users."""
    names = one.above
    if len(names) > limit > 0 and names[limit - 1].lower() == b"users":
        limit += 1
    return as_text(b"/" + b"/".join(names[:limit]))


def old(
    volume: PlainVolume, days: int, since: str, key: Callable[[Counted], str]
) -> dict[str, tuple[int, int, int, str]]:
    """Old bytes, old files, all bytes and the oldest access, of regular files."""
    found = {}
    for what, kept in gathered([o for o in volume.names if o.files], key).items():
        times = [(one, volume.age(one.accessed if since == "access" else one.modified)) for one in kept]
        aged = [one for one, age in times if age is not None and age >= days]
        if aged:
            accesses = [o.accessed for o in kept if o.accessed is not None]
            found[what] = (
                sum(o.shared for o in aged),
                len(aged),
                sum(o.shared for o in kept),
                moment(min(accesses, default=None)),
            )
    return found


def projects(
    volume: PlainVolume, root: bytes, named: dict[int, str]
) -> dict[str, tuple[int, int, Counter[str], str | None, str]]:
    """By place: bytes and files, bytes by class, days since the last change, and whose it mostly is."""
    found: dict[str, list[Counted]] = defaultdict(list)
    for one in volume.names:
        inside = re.match(root + rb"/((?:projects|teams)(?:/.*)?)$", b"/" + b"/".join(one.above), re.DOTALL)
        if not inside or one.entry.type not in "fd":
            continue
        names = inside[1].split(b"/")
        depth = 4 if len(names) > 2 and names[2].lower() == b"users" else 3
        for length in range(2, min(len(names), depth) + 1):
            found[as_text(b"/".join(names[:length]))].append(one)
    return {place: _project(volume, kept, named) for place, kept in found.items()}


def _project(volume: PlainVolume, kept: list[Counted], named: dict[int, str]) -> Any:
    files = [one for one in kept if one.files]
    classes: Counter[str] = Counter()
    for one in files:
        classes[one.file_class] += one.shared

    def weight(gid: int) -> Any:
        of = [one for one in kept if one.entry.gid == gid]
        amounts = (
            sum(o.shared for o in of if o.files),
            sum(o.files for o in of),
            sum(o.directories for o in of),
        )
        return [-amount for amount in amounts], gid

    mostly = min({one.entry.gid for one in kept}, key=weight)
    return (
        sum(one.shared for one in files),
        len(files),
        +classes,
        volume.days_since(newest(one.modified for one in kept)),
        named.get(mostly, str(mostly)),
    )
