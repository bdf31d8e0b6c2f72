"""How does a file get to where another program reads it? Whole: under another name first, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file with the number of its records."""

    path: Path
    records: int


@dataclass(slots=True)
class Written:
    """What has been written, what Open XDMoD has no room for, and what else to know (one line each)."""

    files: list[WrittenFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def write_array(path: Path, records: Iterable[Mapping[str, Any]]) -> WrittenFile:
    """Write a JSON array, a record a line."""
    count = 0
    with _whole_file(path) as file:
        file.write("[")
        for record in records:
            file.write(",\n" if count else "\n")
            file.write(json.dumps(record, ensure_ascii=False))
            count += 1
        file.write("\n]\n")
    return WrittenFile(path, count)


def write_object(path: Path, record: Mapping[str, Any], records: int) -> WrittenFile:
    """Write one JSON object that holds `records` records."""
    with _whole_file(path) as file:
        json.dump(record, file, ensure_ascii=False, indent=1)
        file.write("\n")
    return WrittenFile(path, records)


def write_lines(path: Path, lines: Iterable[str]) -> WrittenFile:
    """Write lines, each of which ends where it should."""
    count = 0
    with _whole_file(path) as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return WrittenFile(path, count)


@contextmanager
def _whole_file(path: Path) -> Iterator[TextIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
