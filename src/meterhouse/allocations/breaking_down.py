"""Who used it? Charged use by the attributes that its person and project had on the day of use.

Attributes are looked up in the directory's dated rows, never in the log of changes: the log knows when
something was typed in, not since when it was true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.asking import Ledger
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.register.reading import read_charges
from meterhouse.allocations.rules.levels import day_totals, level
from meterhouse.allocations.rules.quantities import ZERO
from meterhouse.allocations.rules.world import Charge, Key
from meterhouse.directory.periods import on
from meterhouse.directory.state import Affiliation, Directory
from meterhouse.errors import QuestionError
from meterhouse.register.transactions import asked

NOBODY = "None"


@dataclass(frozen=True, slots=True)
class _Posted:
    code: str
    account: str | None
    person: int | None


class BreakDown:
    """Labels charges by attributes of the day of use, as known at `known`."""

    def __init__(self, alias: str, known: datetime | None = None) -> None:
        self.alias = alias
        self.ledger = Ledger(alias, known)
        self.directory = Directory(alias, known)
        self._attributes: dict[str, Callable[[Charge], str | None]] = {
            "submitted_project": lambda one: self._project(one.submitted_project),
            "allocated_project": lambda one: self._project(one.allocated_project),
            "project_institute": lambda one: self._project(
                self.ledger.paying.root(one.submitted_project, one.day)
            ),
            "person_institute": lambda one: self._institution(one),
            "person_career_level": lambda one: self._career_level(one),
            "person_project_level": lambda one: self._project_level(one),
            "person": lambda one: self._person(one),
            "account": lambda one: self._posted[one.use].account if one.use in self._posted else None,
            "usage": lambda one: self._posted[one.use].code if one.use in self._posted else None,
            "machine": lambda one: self._resources[one.resource][0],
            "resource": lambda one: self._resources[one.resource][1],
            "resource_pool": lambda one: self._resources[one.resource][2],
            "allocation_pool": lambda one: self._pools.get(one.pool) if one.pool else None,
            "day": lambda one: one.day.isoformat(),
        }

    def rows(self, by: Sequence[str], as_of: date, **kept: object) -> dict[tuple[str, ...], Decimal]:
        """Use up to the end of `as_of` by these attributes; of levels the pool's function over the days."""
        unknown = [name for name in by if name not in self._attributes]
        if unknown or not by:
            known = ", ".join(self._attributes)
            raise QuestionError(f"by: expected one of {known}, found {', '.join(unknown) or 'none'}")
        paying = self.ledger.paying
        groups: dict[tuple[str, ...], dict[Key, list[Charge]]] = defaultdict(lambda: defaultdict(list))
        for one in read_charges(self.alias, day__lte=as_of, **kept):
            labels = tuple(self._attributes[name](one) or NOBODY for name in by)
            groups[labels][paying.resource_pool_of[one.resource]].append(one)
        found: dict[tuple[str, ...], Decimal] = {}
        for labels, pools in groups.items():
            total = ZERO
            for resource_pool, charges in pools.items():
                function = paying.function[resource_pool]
                if function == "sum":
                    total += sum((one.quantity for one in charges), ZERO)
                else:
                    total += level(function, day_totals(charges, self.ledger.readings, as_of)).quantity
            if total:
                found[labels] = total
        return dict(sorted(found.items()))

    @cached_property
    def _posted(self) -> dict[Key, _Posted]:
        rows = ledger.PostedUsage.objects.using(self.alias).values_list(
            "id", "code", "account__ref", "person_id"
        )
        return {row[0]: _Posted(*row[1:]) for row in asked(self.alias, lambda: list(rows))}

    @cached_property
    def _resources(self) -> dict[Key, tuple[str, str, str]]:
        rows = ledger.Resource.objects.using(self.alias).values_list(
            "id", "machine__name", "code", "name", "resource_pool__name"
        )
        found = asked(self.alias, lambda: list(rows))
        return {id_: (machine, code or name or machine, pool) for id_, machine, code, name, pool in found}

    @cached_property
    def _pools(self) -> dict[Key, str]:
        return {pool.id: pool.code or pool.called for pool in self.ledger.pools()}

    def _project(self, project: Key) -> str:
        return self.directory.projects[int(project)].code

    def _person_of(self, one: Charge) -> int | None:
        posted = self._posted.get(one.use)
        return posted.person if posted else None

    def _person(self, one: Charge) -> str | None:
        person = self._person_of(one)
        if person is None:
            return None
        known = self.directory.people[person]
        return known.username or known.called

    def _affiliation(self, one: Charge) -> Affiliation | None:
        person = self._person_of(one)
        return on(one.day, self.directory.affiliations.get(person, ())) if person is not None else None

    def _institution(self, one: Charge) -> str | None:
        found = self._affiliation(one)
        return self.directory.institutions[found.institution] if found and found.institution else None

    def _career_level(self, one: Charge) -> str | None:
        found = self._affiliation(one)
        return self.directory.career_levels[found.career_level] if found and found.career_level else None

    def _project_level(self, one: Charge) -> str | None:
        person = self._person_of(one)
        for held in self.directory.memberships.get(int(one.submitted_project), ()):
            if held.value.person == person and held.start <= one.day < held.end and held.value.level:
                return self.directory.project_levels[held.value.level]
        return None
