"""What does each name of a scan count? Plain Python over a list of entries, written from the rules alone.

It shares no code with what it is compared with: not the reader, not the kernel, not the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

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
