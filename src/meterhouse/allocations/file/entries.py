"""Which records may a ledger file hold, and what do their fields mean? (KEP 5 and the rules' additions)

Days in files are inclusive on both sides, as people write them; `from` and `to` absent mean ever.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator

from meterhouse.allocations.file.values import (
    Day,
    Entry,
    Moment,
    Name,
    OptionalDay,
    OptionalName,
    OptionalQuantity,
    Quantity,
    Text,
)
from meterhouse.allocations.rules.world import DEFAULT_PRIORITY, FUNCTIONS, MODES


class Dated(Entry):
    """True on the days from `from` to `to`; `recorded` is the day on which it became known."""

    start: OptionalDay = Field(default=None, validation_alias=AliasChoices("from", "start", "valid_from"))
    last: OptionalDay = Field(default=None, validation_alias=AliasChoices("to", "end", "valid_to"))
    recorded: OptionalDay = None


class Institute(Entry):
    """An institution; KEP 5 gives each a project at the top of the tree."""

    name: Name
    short_name: Text = ""
    root_project: OptionalName = None
    is_active: bool = True


class Affiliation(Dated):
    """Where a person worked, and how far they were."""

    person: OptionalName = None  # said where affiliations stand by themselves
    institute: OptionalName = None
    career_level: OptionalName = None


class Person(Entry):
    """Somebody who uses machines; of `institute` and `career_level` ever, unless `affiliations` say when."""

    username: Name
    full_name: Text = ""
    short_name: Text = ""
    email: Text = ""
    institute: OptionalName = None
    career_level: OptionalName = None
    affiliations: tuple[Affiliation, ...] = ()
    is_active: bool = True


class Account(Entry):
    """A person's name on machines; on all of them, or on `machine`."""

    username: Name
    person: Name
    machine: OptionalName = None
    machine_category: OptionalName = None
    default_project: OptionalName = None


class ParentOf(Dated):
    """Below which project a project stood."""

    project: OptionalName = None  # said where parents stand by themselves
    parent: OptionalName = None


class Policy(Dated):
    """How a project used allocations on some days, where that changed."""

    project: OptionalName = None
    allocation_mode: Name = "private"
    shares_with_children: bool = True


class ProjectReference(Dated):
    """What a project is called on a resource: the id, or the name, under which usage is recorded there."""

    project: OptionalName = None  # said where references stand by themselves
    resource: Name
    ref: Name
    kind: Literal["cloud_project", "namespace", "slurm_account", "unix_group", "path"] = "cloud_project"
    matches: Literal["id", "name"] = "id"
    name: Text = ""


class Project(Entry):
    """A project; below `parent` ever, unless `parents` say when."""

    pid: Name
    name: Text = ""
    description: Text = ""
    parent: OptionalName = None
    parents: tuple[ParentOf, ...] = Field(
        default=(), validation_alias=AliasChoices("parents", "parent_history")
    )
    allocation_mode: Name = "private"
    shares_with_children: bool = True
    institute: OptionalName = None
    references: tuple[ProjectReference, ...] = ()
    start_date: OptionalDay = None
    end_date: OptionalDay = None
    is_active: bool = True


class Membership(Dated):
    """What a person was in a project."""

    person: Name
    project: Name
    level: OptionalName = Field(default=None, validation_alias=AliasChoices("level", "project_level"))
    is_project_leader: bool = False
    is_project_supervisor: bool = False
    is_primary_contact: bool = False
    is_default_project: bool = False


class Cap(Entry):
    """How much of the pools above may pass to a capped project, a period."""

    project: Name
    resource_pool: Name
    quantity: Quantity


class Group(Entry):
    """A Unix group, of one owner: `parent` is the kind of the owner and its number or name."""

    name: Name
    parent: tuple[Name, Name] | None = None
    foreign_id: OptionalName = None
    description: Text = ""


class MachineCategory(Entry):
    """Machines that belong together."""

    name: Name


class Machine(Entry):
    """A cluster, cloud or store; its name is that of the site's resource."""

    name: Name
    machine_category: OptionalName = Field(
        default=None, validation_alias=AliasChoices("machine_category", "category")
    )
    start_date: OptionalDay = None
    end_date: OptionalDay = None


class ResourcePool(Entry):
    """What is counted in one unit and one way."""

    name: Name
    units: Text = ""
    function: Name = "sum"
    description: Text = ""
    calendar: OptionalName = None


class Rate(Dated):
    """The scaling factor of a resource on some days."""

    resource: OptionalName = None
    factor: Quantity = Field(validation_alias=AliasChoices("factor", "scaling_factor"))


class Resource(Entry):
    """What a machine gives to a resource pool, and which question about usage counts it.

    `realm`, `meter` and `profile` are those of `meterhouse usage`; without them usage is posted by file.
    """

    id: OptionalName = None
    machine: Name
    resource_pool: Name
    resource_name: Text = ""
    scaling_factor: Quantity | None = None
    rates: tuple[Rate, ...] = Field(default=(), validation_alias=AliasChoices("rates", "scaling_factors"))
    quantity: OptionalQuantity = None
    realm: Text = ""
    meter: Text = ""
    profile: Text = "default"

    @field_validator("resource_name", mode="before")
    @classmethod
    def _no_name_is_a_name(cls, value: Any) -> Any:
        return "" if value is None else value


class Scheme(Entry):
    """A source of grants."""

    name: Name
    opened: Day
    closed: OptionalDay = None
    description: Text = ""


class Grant(Entry):
    """An award of a scheme to a project."""

    id: OptionalName = None
    project: Name
    scheme: Name
    begins: Day
    expires: Day
    description: Text = ""
    date: OptionalDay = None


class Calendar(Entry):
    """A row of periods: quarters, years ..."""

    name: Name


class Period(Entry):
    """Part of a calendar; the first calendar there is unless one is named."""

    name: Name
    start: Day
    end: Day
    calendar: OptionalName = None
    status: Literal["open", "closing", "closed"] = "open"
    closed_at: OptionalDay = None


class AllocationPool(Entry):
    """The account of a project for one resource pool in one period."""

    id: OptionalName = None
    name: Text = ""
    project: Name
    period: Name
    resource_pool: Name


class Allocation(Entry):
    """A signed line in a pool. Lines of one `transfer` add up to nothing; `void_of` takes a line back."""

    id: OptionalName = None
    grant: Name
    allocation_pool: Name
    quantity: Quantity
    priority: int = DEFAULT_PRIORITY
    transfer: OptionalName = None
    description: Text = ""
    void_of: OptionalName = None
    posted_at: OptionalDay = None
    posted_by: Text = ""


class Usage(Entry):
    """What an account used, on a `date` or from `start` to `end`; a `key` sent again replaces."""

    id: Name
    day: OptionalDay = Field(default=None, validation_alias=AliasChoices("date", "day"))
    start: Moment | None = None
    end: Moment | None = None
    account: OptionalName = None
    submitted_project: OptionalName = None
    resource: Name
    raw: Quantity = Field(validation_alias=AliasChoices("raw", "raw_used"))
    key: OptionalName = None
    count: int = 1
    recorded: OptionalDay = None


class Adjustment(Entry):
    """A correction: a refund (negative), a charge (positive), or what is void.

    Void is a usage or adjustment by its id, or what was measured of a `resource` on a day (`used_on`): of one
    `project`, or of all.
    """

    id: Name
    day: Day = Field(validation_alias=AliasChoices("date", "day"))
    kind: Literal["refund", "charge", "void"]
    quantity: OptionalQuantity = None
    pool: OptionalName = Field(default=None, validation_alias=AliasChoices("pool", "allocation_pool"))
    usage: OptionalName = None
    refers_to: OptionalName = None
    resource: OptionalName = None
    used_on: OptionalDay = None
    project: OptionalName = None
    reason: Text = ""
    author: Text = ""
    approved_by: Text = ""


class Entities(Entry):
    """All that is set up."""

    institutes: tuple[Institute, ...] = Field(
        default=(), validation_alias=AliasChoices("institutes", "institutions")
    )
    persons: tuple[Person, ...] = Field(default=(), validation_alias=AliasChoices("persons", "people"))
    affiliations: tuple[Affiliation, ...] = ()
    accounts: tuple[Account, ...] = ()
    projects: tuple[Project, ...] = ()
    project_parents: tuple[ParentOf, ...] = ()
    project_references: tuple[ProjectReference, ...] = ()
    policies: tuple[Policy, ...] = ()
    memberships: tuple[Membership, ...] = ()
    caps: tuple[Cap, ...] = Field(default=(), validation_alias=AliasChoices("caps", "project_caps"))
    groups: tuple[Group, ...] = ()
    machine_categories: tuple[MachineCategory, ...] = ()
    machines: tuple[Machine, ...] = ()
    calendars: tuple[Calendar, ...] = Field(
        default=(), validation_alias=AliasChoices("calendars", "period_calendars")
    )
    resource_pools: tuple[ResourcePool, ...] = ()
    resources: tuple[Resource, ...] = ()
    resource_rates: tuple[Rate, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    grants: tuple[Grant, ...] = ()
    periods: tuple[Period, ...] = Field(
        default=(), validation_alias=AliasChoices("periods", "allocation_periods")
    )
    allocation_pools: tuple[AllocationPool, ...] = ()
    allocations: tuple[Allocation, ...] = ()


KNOWN_FUNCTIONS = frozenset(FUNCTIONS)
KNOWN_MODES = frozenset(MODES)
