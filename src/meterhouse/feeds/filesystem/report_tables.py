"""What do the report tables look like that other programs read? `lustre_usage` and `spaceman`.

Names and columns are those of the pipeline that this replaces, so what reads them needs no change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table: its columns in order, each with its type as (PostgreSQL, MariaDB and MySQL), and its key."""

    name: str
    key: str
    columns: Mapping[str, tuple[str, str]]
    unique: tuple[str, ...] = ()


_TEXT = ("VARCHAR(500)", "VARCHAR(500)")
_LONG_TEXT = ("TEXT", "TEXT")
_BIG = ("BIGINT", "BIGINT")
_REAL = ("DOUBLE PRECISION", "DOUBLE")

LUSTRE_USAGE = ReportTable(
    "lustre_usage",
    "id",
    {
        "Lustre Volume": ("VARCHAR(64)", "VARCHAR(64)"),
        "PI": _TEXT,
        "Unix Group": ("VARCHAR(255)", "VARCHAR(255)"),
        "Used (bytes)": _BIG,
        "Quota (bytes)": _BIG,
        "Consumption": _TEXT,
        "Last Modified (days)": ("DECIMAL(12,1)", "DECIMAL(12,1)"),
        "Archived Directories": _LONG_TEXT,
        "date": ("DATE", "DATE"),
        "isHumgen": ("SMALLINT", "TINYINT"),
    },
    ("Lustre Volume", "Unix Group", "date"),
)
SPACEMAN = ReportTable(
    "spaceman",
    "index",
    {
        "Project": _TEXT,
        "Directory": _TEXT,
        "Volume": ("VARCHAR(64)", "VARCHAR(64)"),
        "Files": _BIG,
        "Total": _REAL,
        "BAM": _REAL,
        "CRAM": _REAL,
        "VCF": _REAL,
        "PEDBED": _REAL,
        "Last Modified (days)": _REAL,
        "PI": _TEXT,
        "Project Total": _REAL,
        "Status": _TEXT,
        "Action": _TEXT,
        "Comment": _LONG_TEXT,
        "Unix Group": ("VARCHAR(255)", "VARCHAR(255)"),
    },
)


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """A row of `lustre_usage`; fields in the order of its columns."""

    volume: str
    pi: str | None
    group: str
    used_bytes: int
    quota_bytes: int | None
    consumption: str
    last_modified_days: Decimal | None
    archived_directory: str | None
    day: date
    is_own: bool

    def values(self) -> tuple[object, ...]:
        return (*astuple(self)[:-1], int(self.is_own))


@dataclass(frozen=True, slots=True)
class Remarks:
    """What people wrote about a directory; "" is nothing."""

    status: str = ""
    action: str = ""
    comment: str = ""

    def or_else(self, other: Remarks) -> Remarks:
        """These remarks, and the other's where these say nothing."""
        mine, theirs = astuple(self), astuple(other)
        return Remarks(*(one or instead for one, instead in zip(mine, theirs, strict=True)))


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A row of `spaceman`; sizes in TiB, `directory` as it stands there."""

    project: str
    directory: str
    volume: str
    files: int
    total: Decimal
    bam: Decimal
    cram: Decimal
    vcf: Decimal
    pedbed: Decimal
    last_modified_days: Decimal | None
    pi: str | None
    project_total: Decimal
    group: str | None
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells it from all others: project, directory and volume."""
        return self.project, self.directory, self.volume

    def values(self, remarks: Remarks) -> tuple[object, ...]:
        sizes = (self.total, self.bam, self.cram, self.vcf, self.pedbed)
        return (
            *self.place,
            self.files,
            *map(float, sizes),
            float(self.last_modified_days) if self.last_modified_days is not None else None,
            self.pi,
            float(self.project_total),
            *(text or None for text in astuple(remarks)),
            self.group,
        )
