"""What do entries add up to? Sums by directory of what each name counts, to compare with."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from scan_reading import NOW, SUMS, Entry

from strategies.plain_volume import Counted, PlainVolume


def totals(entries: list[Entry], limit: int) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Usage by directory, gid, uid, class and ages, and directories by path, gid and uid."""
    usage: dict[Any, Any] = defaultdict(_nothing)
    directories: dict[Any, Any] = defaultdict(_nothing)
    volume = PlainVolume("volume", entries, NOW)
    for one in volume.names:
        entry, above = one.entry, one.above
        depth = limit
        if len(above) > limit > 0 and above[limit - 1].lower() == b"users":
            depth += 1
        ages = volume.age(one.accessed), volume.age(one.modified)
        _add(usage[_path(above[:depth]), entry.gid, entry.uid, one.file_class, *ages], one)
        for length in range(len(above) + 1):
            _add(directories[_path(above[:length]), entry.gid, entry.uid], one)
    return usage, directories


def _path(parts: list[bytes]) -> bytes:
    return b"/" + b"/".join(parts)


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(SUMS, 0) | {"oldest_access": None, "newest_modification": None}


def _add(into: dict[str, Any], one: Counted) -> None:
    amounts = {
        "apparent_bytes": one.apparent,
        "allocated_bytes": one.allocated,
        "shared_bytes": one.shared,
        "repeated_bytes": 0 if one.inodes else one.entry.size,
        "inodes": one.inodes,
        {"f": "files", "d": "directories"}.get(one.entry.type, "others"): 1,
    }
    for name, amount in amounts.items():
        into[name] += amount
    if one.accessed is not None and one.files:
        old = into["oldest_access"]
        into["oldest_access"] = one.accessed if old is None else min(old, one.accessed)
    if one.modified is not None:
        old = into["newest_modification"]
        into["newest_modification"] = one.modified if old is None else max(old, one.modified)
