"""What does a monthly report say? Plain frozen values, exact to the second; the renderers round and draw.

Every quantity is exact (core seconds, MiB seconds, counts) and becomes a figure once, in the end, by its
meter: divided by `divisor`, rounded half up to `places`. So rows may differ from their total in the last
digit, and the total is right. A quantity that is absent is *no data*, which isn't zero.

A report that doesn't add up can't be made: `MonthlyReport` raises `ReportDoesNotAddUp`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from meterhouse.reports.coverage import CoverageStatement
from meterhouse.reports.figures import Quantity, rounded
from meterhouse.reports.transaction_log import LogLine

Quantities = Mapping[str, Quantity]
"""Exact quantities by meter id. A meter that is absent has no data."""

Dimension = Literal["institution", "project", "user"]


class ReportDoesNotAddUp(ValueError):
    """The rows of a table don't make the total: usage was lost or invented on the way here."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A measure of the report: `quantity / divisor` is its figure in `unit`.

    `adds_up` is false where the sum of rows isn't the total (projects active, VMs running).
    """

    id: str  # "core_hours", the column name in files
    title: str  # "Core hours"
    unit: str  # "core hours", "GiB hours", "VMs"
    divisor: int  # 3600 for core seconds; 1024 * 3600 for MiB seconds shown as GiB hours; 1 for counts
    meaning: str  # one sentence for the page of definitions
    places: int = 4  # 0 for counts
    adds_up: bool = True

    def figure(self, quantities: Quantities) -> Decimal | None:
        """The rounded figure, or None when there is no data."""
        quantity = quantities.get(self.id)
        return None if quantity is None else rounded(quantity, self.divisor, self.places)


@dataclass(frozen=True, slots=True)
class InstitutionRow:
    name: str
    quantities: Quantities
    projects: int
    users: int


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project's own use, without its sub-projects'. A project that used nothing but has sub-projects
    that did is a row too, with zeros."""

    key: str  # unique in the report, and what `meterhouse log --project` takes
    name: str
    quantities: Quantities
    parent: str | None = None  # key of the parent project
    institution: str = ""  # "" when it is not known; several with shares as text
    pi: str = ""


@dataclass(frozen=True, slots=True)
class UserRow:
    key: str  # unique in the report
    name: str
    quantities: Quantities
    institution: str = ""
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A VM, volume, image ...: its use in the period, and for how many seconds it was in which state."""

    item: str  # the source's id
    name: str
    kind: str  # vm, volume, snapshot ...
    resource: str
    project: str
    user: str
    size: str  # "c1.m4", or "c1.m4, c2.m8" when it was resized
    quantities: Quantities
    state_seconds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unattributed:
    """Usage of which an institution, project or user isn't known, and why."""

    dimension: Dimension
    reason: str  # "project 9f2c on openstack-a belongs to no institution"
    quantities: Quantities


@dataclass(frozen=True, slots=True)
class DailyRow:
    day: date
    institution: str | None  # None: not attributed
    quantities: Quantities


@dataclass(frozen=True, slots=True)
class Previous:
    """The period before, to compare with. `complete` is false when its coverage has gaps."""

    label: str
    totals: Quantities
    institutions: Mapping[str, Quantities]
    complete: bool


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """Everything that the report's documents and files say; nothing in them comes from elsewhere."""

    label: str  # "April 2018"
    start: date  # first day, in the site's time zone
    end: date  # the day after the last
    zone: str  # "America/New_York"
    site: str
    profile: str  # "default"
    profile_counts: str  # what the profile counts, in a sentence
    snapshot: int
    recorded_until: datetime  # UTC; also the creation date of the files
    meters: tuple[Meter, ...]  # the first is the one that charts and orders
    totals: Quantities
    institutions: tuple[InstitutionRow, ...]
    projects: tuple[ProjectRow, ...]
    users: tuple[UserRow, ...]
    daily: tuple[DailyRow, ...]
    coverage: tuple[CoverageStatement, ...]
    unattributed: tuple[Unattributed, ...] = ()
    items: tuple[ItemRow, ...] | None = None  # None: not asked for
    log: tuple[LogLine, ...] | None = None  # None: not asked for
    previous: Previous | None = None
    realm: str = "cloud"
    scope: str = ""  # what the report is limited to, "" for everything
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"period: expected a start before the end, found {self.start} to {self.end}")
        if self.recorded_until.utcoffset() != timedelta(0):
            raise ValueError(f"recorded_until: expected a time in UTC, found {self.recorded_until}")
        if not self.meters:
            raise ValueError("meters: expected at least one, found none")
        _expect_unique("meter", [meter.id for meter in self.meters])
        _expect_unique("institution", [row.name for row in self.institutions])
        _expect_unique("project", [row.key for row in self.projects])
        _expect_unique("user", [row.key for row in self.users])
        project_tree(self)
        _expect_conservation(self)

    @property
    def main_meter(self) -> Meter:
        return self.meters[0]

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.start + timedelta(days=n) for n in range((self.end - self.start).days))

    @property
    def period(self) -> str:
        """`2018-04` for a calendar month, else `2018-04-03_2018-04-09` (both days included)."""
        month_after = (self.start.replace(day=1) + timedelta(days=32)).replace(day=1)
        if self.start.day == 1 and self.end == month_after:
            return f"{self.start:%Y-%m}"
        return f"{self.start}_{self.last_day}"

    def log_command(self, project: str) -> str:
        """The command that lists what stands behind a project's row."""
        return f"meterhouse log --project {shlex.quote(project)} --from {self.start} --to {self.last_day}"

    def remainder(self, dimension: Dimension) -> tuple[Unattributed, ...]:
        """What the rows of that dimension don't hold."""
        return tuple(line for line in self.unattributed if line.dimension == dimension)


@dataclass(frozen=True, slots=True)
class ProjectBranch:
    """A project at its place in the tree, with what it and everything below it used."""

    row: ProjectRow
    depth: int
    parent_name: str | None
    has_subprojects: bool
    with_subprojects: Quantities


def project_tree(report: MonthlyReport) -> tuple[ProjectBranch, ...]:
    """The projects as one walks the tree: each before its sub-projects, siblings by use, then by name.

    A project whose parent isn't in the report stands at the top. Meters that don't add up have no
    figure for a project with sub-projects. Raises ValueError for a project that is its own ancestor.
    """
    rows = {row.key: row for row in report.projects}
    children: dict[str | None, list[ProjectRow]] = {}
    for row in report.projects:
        children.setdefault(row.parent if row.parent in rows else None, []).append(row)

    rolled_up: dict[str, Quantities] = {}
    pending = [(row, False) for row in children.get(None, [])]
    while pending:
        row, below_is_done = pending.pop()
        below = children.get(row.key, [])
        if below and not below_is_done:
            pending.append((row, True))
            pending += [(child, False) for child in below]
        elif below:
            parts = [row.quantities, *(rolled_up[child.key] for child in below)]
            rolled_up[row.key] = total(parts, [meter.id for meter in report.meters if meter.adds_up])
        else:
            rolled_up[row.key] = row.quantities
    in_a_circle = sorted(set(rows) - set(rolled_up))
    if in_a_circle:
        raise ValueError(
            f"project {in_a_circle[0]}: expected a parent above it, found itself among its ancestors"
        )

    def place(row: ProjectRow) -> tuple[Quantity, str, str]:
        return -rolled_up[row.key].get(report.main_meter.id, 0), row.name, row.key

    branches: list[ProjectBranch] = []
    walk = [(row, 0) for row in sorted(children.get(None, []), key=place, reverse=True)]
    while walk:
        row, depth = walk.pop()
        below = children.get(row.key, [])
        parent = rows[row.parent].name if row.parent in rows else None
        branches.append(ProjectBranch(row, depth, parent, bool(below), rolled_up[row.key]))
        walk += [(child, depth + 1) for child in sorted(below, key=place, reverse=True)]
    return tuple(branches)


def total(parts: Iterable[Quantities], meters: Iterable[str]) -> dict[str, Quantity]:
    """The exact sum by meter; a meter that no part has stays absent."""
    parts = list(parts)
    return {
        meter: sum((part[meter] for part in parts if meter in part), start=0)
        for meter in meters
        if any(meter in part for part in parts)
    }


class _Used(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def quantities(self) -> Quantities: ...


Used = TypeVar("Used", bound=_Used)


def by_use(rows: Iterable[Used], meter: Meter) -> list[Used]:
    """Who used most first; equals by name."""
    return sorted(rows, key=lambda row: (-row.quantities.get(meter.id, 0), row.name))


def _expect_unique(what: str, keys: list[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{what} {key}: expected one row, found several")
        seen.add(key)


def _expect_conservation(report: MonthlyReport) -> None:
    """Invariant 1 of the design: every grouping sums to the total, the unattributed included."""
    groupings: dict[str, list[Quantities]] = {
        "institution": [row.quantities for row in report.institutions],
        "project": [row.quantities for row in report.projects],
        "user": [row.quantities for row in report.users],
    }
    for line in report.unattributed:
        groupings[line.dimension].append(line.quantities)
    groupings["day"] = [row.quantities for row in report.daily]
    if report.items is not None:
        groupings["item"] = [row.quantities for row in report.items]
    for grouping, rows in groupings.items():
        for meter in report.meters:
            if not meter.adds_up or (grouping == "day" and not any(meter.id in row for row in rows)):
                continue  # the daily series may be of some meters only
            found = sum((row[meter.id] for row in rows if meter.id in row), start=0)
            expected = report.totals.get(meter.id, 0)
            if found != expected:
                raise ReportDoesNotAddUp(
                    f"{meter.id} by {grouping}: expected rows that make the total {expected}, found {found}"
                )
