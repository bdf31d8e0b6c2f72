"""How does a scan become a delivery? All its files in one pass, and nothing of it unless it is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from meterhouse.errors import MeterhouseError
from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.file_content import FileContent, file_content
from meterhouse.sources.filesystem.compiled import require_libraries
from meterhouse.sources.filesystem.file_classes import FileClasses, file_classes
from meterhouse.sources.filesystem.owner_names import names_of
from meterhouse.sources.filesystem.scan_formats import ScanFormat
from meterhouse.sources.filesystem.scan_time import ScanTime, scan_time

SOURCE = "filesystem-scan"
_MOST = (1 << 63) - 1
DEPTH = 5  # directories told apart below a volume's top, unless its roots say more or less
Item = Rows | Rejection | Coverage


@dataclass(frozen=True, slots=True)
class ScannedVolume:
    """A volume, and what is to be kept of its scans.

    `limit`: to how many names below its top directories are told apart; `top`: that directory, or None
    to take the first line's, if that is a directory.
    """

    name: str
    top: str | None = None
    limit: int = DEPTH
    directories: bool = True
    entries: bool = False
    passwd_file: Path | None = None
    group_file: Path | None = None
    classes_file: Path | None = None


class IncompleteScan(MeterhouseError):
    """A scan that isn't whole: nothing of it lands. `report` is a delivery that says so."""

    def __init__(self, message: str, report: Delivery) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a scan's files: what it is of, and what is to become of it."""

    contents: tuple[FileContent, ...]
    resource: str
    volume: ScannedVolume
    time: ScanTime
    content_key: str
    declared_format: str | None
    columns: str | None
    unreadable: int | None
    progress: Callable[[int, int], None]

    @property
    def origin(self) -> str:
        return ", ".join(content.origin for content in self.contents)


def read_scan(
    paths: Sequence[Path | str],
    resource: str,
    volume: ScannedVolume,
    *,
    scanned_at: datetime | None = None,
    scan_format: str | None = None,
    columns: str | None = None,
    unreadable: int | None = None,
    progress: Callable[[int, int], None] = lambda read_bytes, lines: None,
) -> Delivery:
    """The delivery of one scan of `volume`, in one or several files, plain or gzip, of one format.

    `scanned_at` declares when it was made; `scan_format` its format, which is detected otherwise;
    `columns` the order of columns where a format has none of its own. `progress` is told now and then how
    many bytes of the files and how many lines were read. The stream raises IncompleteScan, in the end,
    when a file is cut off or damaged, and ScanExtraMissing without its libraries.
    """
    if not paths:
        raise ValueError("expected at least one file")
    contents = tuple(file_content(Path(path), SOURCE, resource) for path in paths)
    time = scan_time(contents, scanned_at)
    said = json.dumps(
        [
            resource,
            volume.name,
            volume.top,
            volume.limit,
            volume.directories,
            volume.entries,
            time.moment.isoformat(),
            scan_format,
            columns,
            [_digest(file) for file in (volume.passwd_file, volume.group_file, volume.classes_file)],
            [content.content_key for content in contents],
        ]
    )
    key = hashlib.sha256(f"{SOURCE}\0{said}".encode()).hexdigest()
    reading = _Reading(contents, resource, volume, time, key, scan_format, columns, unreadable, progress)
    return Delivery(SOURCE, resource, reading.origin, key, _stream(reading))


def _digest(path: Path | None) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def _stream(reading: _Reading) -> Iterator[Item]:
    require_libraries()
    from meterhouse.sources.filesystem import kernel_layout as at
    from meterhouse.sources.filesystem.pass_state import Wanted
    from meterhouse.sources.filesystem.scan_feed import BrokenFile
    from meterhouse.sources.filesystem.scan_files import source_of, top_of
    from meterhouse.sources.filesystem.scan_pass import ScanPass
    from meterhouse.sources.filesystem.scan_rows import ScanRows

    volume, files = reading.volume, reading.contents
    found: ScanFormat | None = None
    scan: ScanPass | None = None
    try:
        sources = [source_of(one, reading.declared_format, reading.columns) for one in files]
        found = sources[0].format
        for source in sources[1:]:
            if source.format != found:
                raise MeterhouseError(
                    f"{source.content.origin}: expected {found} as {files[0].origin}, found {source.format}"
                )
        top = volume.top or _common_top([top_of(source) for source in sources])
        limit = len(PurePosixPath(top).parts) - 1 + volume.limit
        rows = ScanRows(
            reading.resource,
            volume.name,
            reading.time.moment,
            found.layout.has_allocated,
            _classes(volume),
            names_of(volume.group_file) if volume.group_file else {},
            names_of(volume.passwd_file) if volume.passwd_file else {},
        )
        scan = ScanPass.begin(found.layout, rows, limit, Wanted(True, volume.directories, volume.entries))
        yield from _items(reading, sources, scan)
    except BrokenFile as broken:
        raise _incomplete(reading, found, scan, str(broken)) from None
    if scan.count(at.LINES) == scan.count(at.BAD_LINES):
        raise _incomplete(reading, found, scan, "no line of it could be used")
    facts = _facts(reading, found, scan)
    facts |= {"complete": True, "top": top, "depth": limit}
    sums = {"apparent_bytes": rows.apparent_bytes}
    if rows.has_allocated:
        sums["allocated_bytes"] = rows.allocated_bytes
    facts |= {name: amount for name, amount in sums.items() if amount <= _MOST}
    beyond = {name: str(amount) for name, amount in sums.items() if amount > _MOST}
    facts["extra"] = json.dumps(beyond) if beyond else None
    yield rows.one("filesystem_scan", facts)
    detail = (
        f"{found}, scanned {reading.time.moment:%Y-%m-%dT%H:%M:%SZ} ({reading.time.known_from}):"
        f" {facts['lines']} lines, {facts['bad_lines']} bad; {facts['files']} files,"
        f" {facts['directories']} directories, {facts['others']} others"
    )
    yield _coverage(reading, "ok", facts["lines"] - facts["bad_lines"], detail)


def _items(reading: _Reading, sources: list[Any], scan: Any) -> Iterator[Item]:
    """What one pass over the files gives; entries come last, sorted."""
    from meterhouse.sources.filesystem import kernel_layout as at
    from meterhouse.sources.filesystem.sorted_entries import TABLE, SortedEntries

    def of_files() -> Iterator[Item]:
        before = 0
        for source in sources:
            with source as fill:
                yield from scan.file(
                    fill,
                    source.content.origin,
                    lambda at_least=before, now=source: reading.progress(
                        at_least + now.position(), scan.count(at.LINES)
                    ),
                )
            source.content.check_unchanged()
            before += source.content.state[2]
        yield from scan.end()

    if not reading.volume.entries:
        yield from of_files()
        return
    with closing(SortedEntries()) as entries:
        for item in of_files():
            if isinstance(item, Rows) and item.table == TABLE:
                entries.take(item)
            else:
                yield item
        yield from entries.sorted()


def read_scan_file(path: Path | str, resource: str) -> Delivery:
    """The delivery of a scan in one file, of a volume that is called as its resource."""
    return read_scan([path], resource, ScannedVolume(resource))


def _classes(volume: ScannedVolume) -> FileClasses:
    return file_classes(volume.classes_file)


def _common_top(tops: list[str]) -> str:
    """The innermost directory that holds all of them."""
    parts = [PurePosixPath(top).parts for top in tops]
    shared = list(parts[0])
    for one in parts[1:]:
        while one[: len(shared)] != tuple(shared):
            shared.pop()
    return str(PurePosixPath(*shared)) if shared else "/"


def _facts(reading: _Reading, found: ScanFormat | None, scan: Any) -> dict[str, Any]:
    """What the row of a scan says whether it is complete or not."""
    from meterhouse.sources.filesystem import kernel_layout as at

    facts: dict[str, Any] = {
        "time_from": reading.time.known_from,
        "format": str(found) if found else reading.declared_format,
        "files_read": json.dumps([content.origin for content in reading.contents]),
        "size_is": found.size_is if found else None,
        "unreadable": reading.unreadable,
    }
    if scan is not None:
        facts |= {
            "lines": scan.count(at.LINES),
            "bad_lines": scan.count(at.BAD_LINES),
            "unlinked": scan.count(at.UNLINKED),
            "future_accesses": scan.count(at.FUTURE_ACCESSES),
            "future_modifications": scan.count(at.FUTURE_MODIFICATIONS),
            "early_times": scan.count(at.EARLY_TIMES),
            "links_not_followed": scan.count(at.LINKS_NOT_FOLLOWED),
            "files": scan.count(at.FILES),
            "directories": scan.count(at.DIRECTORIES),
            "others": scan.count(at.OTHERS),
        }
    return facts


def _incomplete(reading: _Reading, found: ScanFormat | None, scan: Any, reason: str) -> IncompleteScan:
    """The error for a scan that isn't whole, with the delivery that keeps the fact."""
    from meterhouse.sources.filesystem.scan_rows import ScanRows

    moment = reading.time.moment
    rows = ScanRows(reading.resource, reading.volume.name, moment, False, file_classes(), {}, {})
    lines = f" after {scan.count(0):,} lines" if scan is not None else ""
    message = f"{reading.origin}: incomplete{lines}: {reason}; nothing of it is published"

    def stream() -> Iterator[Item]:
        yield rows.one(
            "filesystem_scan", {**_facts(reading, found, scan), "complete": False, "reason": reason}
        )
        yield Rejection(reading.origin, 0, "", "a complete scan", reason)
        yield _coverage(reading, "failed", 0, reason)

    key = hashlib.sha256(f"incomplete\0{reading.content_key}".encode()).hexdigest()
    return IncompleteScan(message, Delivery(SOURCE, reading.resource, reading.origin, key, stream()))


def _coverage(reading: _Reading, outcome: Any, records: int, detail: str) -> Coverage:
    moment = reading.time.moment
    call = f"scan {reading.volume.name}"
    return Coverage(call, moment, moment + timedelta(seconds=1), outcome, records, detail)
