"""What does the ledger know before it decides? Everything that people set up, as plain records.

Keys are whatever tells things apart: names in a file, row ids in the register. Spans of days are
half-open `[start, end)`; None is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Key = str | int
Function = Literal["sum", "average", "minimum", "maximum", "last"]
Mode = Literal["private", "shared", "capped"]

FUNCTIONS: tuple[Function, ...] = ("sum", "average", "minimum", "maximum", "last")
MODES: tuple[Mode, ...] = ("private", "shared", "capped")
DEFAULT_PRIORITY = 100


@dataclass(frozen=True, slots=True)
class Parent:
    """Below which project a project stood on some days."""

    project: Key
    parent: Key
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a project used allocations on some days (KEP 5, allocation_mode).

    private: its own only. shared: its own, else the nearest above. capped: as shared, up to its caps.
    `shares_with_children` is the word of the project above: without it, nobody below climbs to it.
    """

    project: Key
    mode: Mode = "private"
    shares_with_children: bool = True
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """How much of what stands above may pass to a capped project, a period and resource pool."""

    project: Key
    resource_pool: Key
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ResourcePool:
    """What is counted in one unit and one way: CPU hours by sum, disk by maximum ..."""

    key: Key
    function: Function
    calendar: Key | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What a machine gives to a resource pool; `quantity` is how much of it there is, where it was said."""

    key: Key
    machine: Key
    resource_pool: Key
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """The scaling factor of a resource on some days."""

    resource: Key
    factor: Decimal
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Part of a calendar. Periods of one calendar don't overlap."""

    key: Key
    start: date
    end: date
    calendar: Key | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """An award of a scheme to a project, in force `[begins, ends)`."""

    key: Key
    project: Key
    scheme: Key
    begins: date
    ends: date


@dataclass(frozen=True, slots=True)
class Pool:
    """An allocation pool: the account of a project for one resource pool in one period."""

    key: Key
    project: Key
    period: Key
    resource_pool: Key


@dataclass(frozen=True, slots=True)
class Line:
    """An allocation: a signed entry of a grant in an allocation pool.

    `order` is what decides when nothing else does: the id that people gave it.
    """

    key: Key
    pool: Key
    grant: Key
    quantity: Decimal
    priority: int = DEFAULT_PRIORITY
    order: tuple[int, int, str] = (0, 0, "")


@dataclass(frozen=True, slots=True)
class Use:
    """Raw usage of one resource by one project on one day, before any decision."""

    key: Key
    day: date
    resource: Key
    project: Key
    raw: Decimal
    account: Key | None = None
    order: tuple[int, int, str] = (0, 0, "")
    estimated: bool = False  # carried from an earlier day, because nobody looked


@dataclass(frozen=True, slots=True)
class Charge:
    """A use, or part of it, and who pays: `pool` is None where nobody does."""

    use: Key
    day: date
    resource: Key
    submitted_project: Key
    allocated_project: Key
    pool: Key | None
    raw: Decimal
    factor: Decimal
    quantity: Decimal
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction by hand of a pool whose charges add up: a refund is negative, a charge positive."""

    key: Key
    pool: Key
    day: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class World:
    """All of it."""

    parents: tuple[Parent, ...] = ()
    policies: tuple[Policy, ...] = ()
    caps: tuple[Cap, ...] = ()
    resource_pools: tuple[ResourcePool, ...] = ()
    resources: tuple[Resource, ...] = ()
    rates: tuple[Rate, ...] = ()
    periods: tuple[Period, ...] = ()
    grants: tuple[Grant, ...] = ()
    pools: tuple[Pool, ...] = ()
    lines: tuple[Line, ...] = ()
    schemes: dict[Key, str] = field(default_factory=dict)


def order_of(name: str) -> tuple[int, int, str]:
    """The order of ids as people count: 2 before 10, numbers before words."""
    return (0, int(name), "") if name.isascii() and name.isdigit() else (1, 0, name)
