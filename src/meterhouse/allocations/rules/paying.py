"""Who pays for a project's use? The allocated project and its pool (KEP 5, allocation_mode; rule R1)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from meterhouse.allocations.rules.days import ByDay, Stretches
from meterhouse.allocations.rules.world import Function, Key, Line, Period, Policy, Pool, World

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which a line may be drawn: its grant is in force and its period runs."""

    begins: date
    ends: date

    def holds(self, day: date) -> bool:
        return self.begins <= day < self.ends


@dataclass(frozen=True, slots=True)
class Way:
    """From the submitted project up to the allocated one, both included; `pool` pays, or nobody does."""

    projects: tuple[Key, ...]
    pool: Key | None

    @property
    def allocated(self) -> Key:
        return self.projects[-1]


class TreeCycle(ValueError):
    """A project stands below itself."""


class Paying:
    """Looks up, for a project, a resource pool and a day, who pays."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.function: dict[Key, Function] = {pool.key: pool.function for pool in world.resource_pools}
        self.resource_pool_of = {resource.key: resource.resource_pool for resource in world.resources}
        self.pools = {pool.key: pool for pool in world.pools}
        self.periods = {period.key: period for period in world.periods}
        self.grants = {grant.key: grant for grant in world.grants}
        self.lines: dict[Key, list[Line]] = defaultdict(list)
        for line in world.lines:
            self.lines[line.pool].append(line)
        self._calendar = {pool.key: pool.calendar for pool in world.resource_pools}
        self._pool_of = {(pool.project, pool.resource_pool, pool.period): pool for pool in world.pools}
        self._parents = ByDay((parent.project, parent) for parent in world.parents)
        self._policies = ByDay((policy.project, policy) for policy in world.policies)
        self._rates = ByDay((rate.resource, rate) for rate in world.rates)
        self._ways: dict[tuple[Key, Key, int], Way] = {}
        self._periods_by_calendar: dict[Key | None, list[Period]] = defaultdict(list)
        for period in sorted(world.periods, key=lambda period: period.start):
            self._periods_by_calendar[period.calendar].append(period)

    @cached_property
    def _stretches(self) -> Stretches:
        """Between these days no answer of `way` changes."""
        return Stretches(
            {
                *self._parents.borders(),
                *self._policies.borders(),
                *(day for period in self.world.periods for day in (period.start, period.end)),
                *(grant.begins for grant in self.world.grants),
            }
        )

    def factor(self, resource: Key, day: date) -> Decimal:
        """The scaling factor on that day; 1 where none was set (R3)."""
        rate = self._rates.on(resource, day)
        return rate.factor if rate else ONE

    def parent(self, project: Key, day: date) -> Key | None:
        """The project above, on that day."""
        found = self._parents.on(project, day)
        return found.parent if found else None

    def root(self, project: Key, day: date) -> Key:
        """The project at the top of the tree in which `project` stood on that day: its institute."""
        seen = {project}
        while (above := self.parent(project, day)) is not None:
            if above in seen:
                raise TreeCycle(f"project {project}: expected a tree, found it below itself on {day}")
            seen.add(above)
            project = above
        return project

    def policy(self, project: Key, day: date) -> Policy:
        """How the project used allocations on that day; private where nothing was said."""
        return self._policies.on(project, day) or Policy(project)

    def period(self, resource_pool: Key, day: date) -> Period | None:
        """The period of the resource pool's calendar in which the day lies."""
        for period in self._periods_by_calendar[self._calendar[resource_pool]]:
            if period.start <= day < period.end:
                return period
        return None

    def pool(self, project: Key, resource_pool: Key, day: date) -> Pool | None:
        """The project's own pool on that day, drawn up or not."""
        period = self.period(resource_pool, day)
        return self._pool_of.get((project, resource_pool, period.key)) if period else None

    def window(self, line: Line) -> Window:
        """When the line may be drawn."""
        grant, period = self.grants[line.grant], self.periods[self.pools[line.pool].period]
        return Window(max(grant.begins, period.start), min(grant.ends, period.end))

    def way(self, project: Key, resource_pool: Key, day: date) -> Way:
        """R1: climb until somebody has an allocation, or may not climb further.

        A project has an allocation from the day on which the first line's grant begins. It keeps it when
        it is used up and when the grant has ended: nobody pays silently for somebody else.
        """
        at = (project, resource_pool, self._stretches.of(day))
        found = self._ways.get(at)
        if found is None:
            found = self._ways[at] = self._climb(project, resource_pool, day)
        return found

    def _climb(self, project: Key, resource_pool: Key, day: date) -> Way:
        passed: list[Key] = []
        while True:
            if project in passed:
                raise TreeCycle(f"project {project}: expected a tree, found it below itself on {day}")
            passed.append(project)
            pool = self.pool(project, resource_pool, day)
            has = pool is not None and any(self.grants[x.grant].begins <= day for x in self.lines[pool.key])
            parent = self.parent(project, day)
            if (
                has
                or parent is None
                or self.policy(project, day).mode == "private"
                or not self.policy(parent, day).shares_with_children
            ):
                return Way(tuple(passed), pool.key if pool else None)
            project = parent
