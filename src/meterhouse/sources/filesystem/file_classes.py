"""Which file classes and age buckets are told apart? Read from data files, which a site may replace."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from meterhouse.errors import ConfigurationError

MATCHES = ("suffix", "directory", "prefix")
LONGEST_PATTERN = 16
_MOST_PATTERNS = 2000
# What is not in the catalogue, before its classes: places are what the kernel says.
OTHER, DIRECTORY, LINK, SPECIAL = "other", "directory", "link", "special"
_OWN = {
    OTHER: "Other files",
    DIRECTORY: "Directories",
    LINK: "Symbolic links",
    SPECIAL: "Sockets, pipes, devices",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule: files whose name ends (`suffix`) or begins so, or that lie below a directory of this name.

    Case doesn't matter. The first rule that fits decides.
    """

    file_class: str
    match: str
    pattern: str


@dataclass(frozen=True, slots=True)
class FileClasses:
    """The table of classes: patterns in order, and the name and title of each class."""

    patterns: tuple[Pattern, ...]
    titles: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every class, in the order in which the kernel numbers them."""
        return tuple(self.titles)


def file_classes(path: Path | None = None) -> FileClasses:
    """The classes of a CSV file with the columns class, title, match, patterns; else our own.

    Raises ConfigurationError that names file, line and column.
    """
    origin = str(path or "file_classes.csv")
    text = path.read_text() if path else _own("file_classes.csv")
    patterns = []
    titles = dict(_OWN)
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        name, match = (row.get("class") or "").strip(), (row.get("match") or "").strip()
        if not name or name in _OWN:
            raise ConfigurationError(f"{origin}: line {number}, class: expected a name, found {name!r}")
        if match not in MATCHES:
            raise ConfigurationError(
                f"{origin}: line {number}, match: expected one of {', '.join(MATCHES)}, found {match!r}"
            )
        titles.setdefault(name, (row.get("title") or name).strip())
        for pattern in (row.get("patterns") or "").lower().split():
            if len(pattern.encode()) > LONGEST_PATTERN or (match == "suffix" and pattern[0] != "."):
                raise ConfigurationError(
                    f"{origin}: line {number}, patterns: expected at most {LONGEST_PATTERN} bytes"
                    f"{', beginning with a point' if match == 'suffix' else ''}, found {pattern!r}"
                )
            patterns.append(Pattern(name, match, pattern))
    if len(patterns) > _MOST_PATTERNS:
        raise ConfigurationError(
            f"{origin}: expected at most {_MOST_PATTERNS} patterns, found {len(patterns)}"
        )
    if len(titles) > 200:
        raise ConfigurationError(f"{origin}: expected at most 196 classes, found {len(titles) - len(_OWN)}")
    return FileClasses(tuple(patterns), titles)


@cache
def age_buckets() -> tuple[tuple[int, str], ...]:
    """The age buckets: least age in days, and title; youngest first."""
    rows = csv.DictReader(_own("age_buckets.csv").splitlines())
    return tuple((int(row["least_days"]), row["title"]) for row in rows)


def _own(name: str) -> str:
    return files("meterhouse.sources.filesystem.catalogue").joinpath(name).read_text()
