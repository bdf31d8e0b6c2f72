"""What do entries add up to? Plain Python over a list, written from the definitions, to compare with."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from scan_reading import DAY, NOW, SUMS, Entry

_AGES = (0, 30, 60, 180, 365, 730, 1095, 1825, 2555)
_SUFFIX_CLASSES = (
    ("bam", r"\.(bam|sam)(\.gz)?$"),
    ("cram", r"\.cram(\.gz)?$"),
    ("vcf", r"\.(vcf|bcf|gvcf)(\.gz)?$"),
    ("pedbed", r"\.(ped|bed)(\.gz)?$"),
    ("fastq", r"\.(fastq|fq)(\.gz)?$"),
    ("fasta", r"\.(fasta|fa|fna|faa)(\.gz)?$"),
    ("index", r"\.(bai|crai|csi|tbi|fai|gzi|pbi|idx)$"),
    ("temp", r"\.(tmp|temp|swp|swo|part|partial)$"),
)
_LATER_CLASSES = (
    ("log", r"\.(log|out|err|o|e|oe)$"),
    ("compressed", r"\.(gz|bgz|bz2|xz|zst|lz4|zip|7z|tgz|tbz2|txz|rar)$"),
    ("text", r"\.(txt|text|csv|tsv|md|dat|json|xml|yaml|yml|html)$"),
)


def class_of(path: bytes) -> str:
    """The class of a regular file, for names of the tests' alphabet."""
    *above, name = path.decode("latin-1").lower().split("/")
    for found, pattern in _SUFFIX_CLASSES:
        if re.search(pattern, name):
            return found
    if {"tmp", "temp", ".tmp", ".temp"} & set(above) or re.match(r"\.?(tmp|temp)\.", name):
        return "temp"
    return next((found for found, pattern in _LATER_CLASSES if re.search(pattern, name)), "other")


def age_of(time: int) -> int | None:
    if time > NOW or time < 0:
        return None
    return max(days for days in _AGES if NOW - time >= days * DAY)


def parts_of(path: bytes) -> list[bytes]:
    return [part for part in path.split(b"/") if part]


def totals(entries: list[Entry], limit: int) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Usage by directory, gid, uid, class and ages, and directories by path, gid and uid."""
    usage: dict[Any, Any] = defaultdict(_nothing)
    directories: dict[Any, Any] = defaultdict(_nothing)
    names_left: dict[Any, int] = {}
    for entry in entries:
        if entry.links == 0:
            continue
        first = True
        if entry.links > 1 and entry.type != "d":
            inode = (entry.device, entry.inode)
            first = inode not in names_left
            names_left[inode] = names_left.get(inode, entry.links) - 1
            if names_left[inode] == 0:
                del names_left[inode]
        amounts = dict.fromkeys(SUMS, 0) | {
            "apparent_bytes": entry.size if first else 0,
            "allocated_bytes": entry.allocated if first else 0,
            "shared_bytes": entry.size // entry.links,
            "repeated_bytes": 0 if first else entry.size,
            "inodes": int(first),
            {"f": "files", "d": "directories"}.get(entry.type, "others"): 1,
        }
        accessed = entry.atime if entry.type == "f" and 0 <= entry.atime <= NOW else None
        modified = entry.mtime if 0 <= entry.mtime <= NOW else None
        kinds = {"f": class_of(entry.path), "d": "directory", "l": "link"}
        kind = kinds.get(entry.type, "special")
        above = parts_of(entry.path)
        if entry.type != "d":
            above = above[:-1]
        depth = limit
        if len(above) > limit > 0 and above[limit - 1].lower() == b"users":
            depth += 1
        key = (_path(above[:depth]), entry.gid, entry.uid, kind, age_of(entry.atime), age_of(entry.mtime))
        _add(usage[key], amounts, accessed, modified)
        for length in range(len(above) + 1):
            _add(directories[_path(above[:length]), entry.gid, entry.uid], amounts, accessed, modified)
    return usage, directories


def _path(parts: list[bytes]) -> bytes:
    return b"/" + b"/".join(parts)


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(SUMS, 0) | {"oldest_access": None, "newest_modification": None}


def _add(into: dict[str, Any], amounts: dict[str, int], accessed: int | None, modified: int | None) -> None:
    for name, amount in amounts.items():
        into[name] += amount
    if accessed is not None:
        old = into["oldest_access"]
        into["oldest_access"] = accessed if old is None else min(old, accessed)
    if modified is not None:
        old = into["newest_modification"]
        into["newest_modification"] = modified if old is None else max(old, modified)
