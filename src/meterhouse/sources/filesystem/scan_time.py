"""When was a scan made? As declared, or as its file's name says, or when the file was last written to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from meterhouse.sources.file_content import FileContent

DECLARED, FILE_NAME, FILE_CHANGED, SCANNER = "declared", "file name", "file changed", "scanner"
# 20210617-200000, 20210617_200000, 20210617T200000Z; or the day alone.
_IN_NAME = re.compile(r"(?<![0-9])((?:19|20)[0-9]{6})(?:[-_T]?([0-9]{6})Z?)?(?![0-9])")


@dataclass(frozen=True, slots=True)
class ScanTime:
    """When a scan was made, and how that is known."""

    moment: datetime
    known_from: str


def scan_time(files: Iterable[FileContent], declared: datetime | None = None) -> ScanTime:
    """The time of the scan that these files hold: the latest of them.

    A name that says a day only means the end of that day: nothing that was changed while it was
    scanned is in the future then.
    """
    if declared is not None:
        return ScanTime(declared.replace(microsecond=0), DECLARED)
    contents = list(files)
    named = [moment for moment in (named_time(content.path) for content in contents) if moment is not None]
    if len(named) == len(contents):
        return ScanTime(max(named), FILE_NAME)
    return ScanTime(max(content.changed_at for content in contents), FILE_CHANGED)


def named_time(path: Path) -> datetime | None:
    """The time that a file's name says, else its folder's (wrstat keeps the date there)."""
    for name in (path.name, path.parent.name, path.parent.parent.name):
        found = _IN_NAME.search(name)
        if found is None:
            continue
        day, time = found.groups()
        try:
            moment = datetime.strptime(day + (time or "000000") + "+0000", "%Y%m%d%H%M%S%z")
        except ValueError:
            continue
        return moment if time else moment + timedelta(days=1, seconds=-1)
    return None
