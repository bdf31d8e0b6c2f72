"""Which files are one scan, and which scan is the newest? Files of a pattern, by the time in their names."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from meterhouse.sources.filesystem.scan_time import named_time

_NO_SCANS = (".partial", ".unreadable", ".tmp", ".writing")


@dataclass(frozen=True, slots=True)
class ScanSet:
    """Files that are one scan, and when it was made. `named`: their names say it."""

    moment: datetime
    named: bool
    files: tuple[Path, ...]


def scan_sets(pattern: str, base: Path, start: datetime, end: datetime) -> list[ScanSet]:
    """The scans made in `[start, end)` whose files `pattern` names, below `base` or absolute; newest first.

    Files whose names say the same time are one scan. A file whose name says none is a scan of its own, made
    when it was last written to.
    """
    found: dict[tuple[datetime, bool, str], list[Path]] = {}
    named_files = glob.glob(os.path.normpath(base / pattern), recursive=True)  # noqa: PTH207
    for path in sorted(map(Path, named_files)):
        if path.name.endswith(_NO_SCANS) or not path.is_file():
            continue
        moment = named_time(path)
        key = (
            (moment, True, "")
            if moment is not None
            else (datetime.fromtimestamp(int(path.stat().st_mtime), UTC), False, path.name)
        )
        if start <= key[0] < end:
            found.setdefault(key, []).append(path)
    return [
        ScanSet(moment, named, tuple(found[moment, named, name]))
        for moment, named, name in sorted(found, reverse=True)
    ]
