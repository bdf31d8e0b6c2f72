"""Who stands below whom on a day? Institution > field of science > PI > portal project > resource project.

Every branch has a number for good, from a sequence of the register: names may repeat and change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from meterhouse.directory.ownership import Owner, owners
from meterhouse.directory.periods import on
from meterhouse.directory.register.models import HierarchyNode
from meterhouse.directory.state import Directory, KnownProject, Reference
from meterhouse.register.transactions import asked, committed

UNKNOWN = "Unknown"
_UNKNOWN_INSTITUTION = "institution:unknown"
_UNKNOWN_FIELD = f"{_UNKNOWN_INSTITUTION}/field:unknown"


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the upper three levels: its key, what people read, and the key above (None at the top)."""

    key: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class PortalProject:
    """A project with the key of its PI, and what it is called on resources."""

    key: str
    name: str
    pi: str
    resource_projects: tuple[ResourceProject, ...]


@dataclass(frozen=True, slots=True)
class ResourceProject:
    """What a project is called on a resource."""

    key: str
    name: str
    resource: str
    kind: str


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """All levels of one day, and the numbers of their keys."""

    institutions: tuple[Branch, ...]
    fields: tuple[Branch, ...]
    pis: tuple[Branch, ...]
    projects: tuple[PortalProject, ...]
    numbers: dict[str, int]


class _Growing:
    """The hierarchy while projects are put into it, in the order of their first names on resources."""

    def __init__(self, directory: Directory, day: date) -> None:
        self._directory, self._day = directory, day
        self.institutions: dict[str, Branch] = {}
        self.fields: dict[str, Branch] = {}
        self.pis: dict[str, Branch] = {}
        self.projects: dict[int, PortalProject] = {}
        self.keys: dict[str, None] = {}
        self._research: dict[int, int | None] = {}
        titles = Counter(project.called for project in directory.projects.values() if self._runs(project))
        self._repeated = {title for title, times in titles.items() if times > 1}

    def grow(self) -> None:
        directory, day = self._directory, self._day
        named: dict[int, list[Reference]] = {}
        for reference in directory.references:
            if reference.start <= day < reference.end and self._runs(directory.projects[reference.project]):
                named.setdefault(reference.project, []).append(reference)
        others = [one.id for one in directory.projects.values() if not one.is_root and self._runs(one)]
        for project in dict.fromkeys([*named, *others]):
            owner = on(day, owners(directory, project))
            if owner is not None and (project in named or owner.pi is not None):
                self._add(directory.projects[project], owner, named.get(project, []))

    def _runs(self, project: KnownProject) -> bool:
        return project.start <= self._day < project.end

    def _add(self, project: KnownProject, owner: Owner, references: Iterable[Reference]) -> None:
        pi = self._pi(owner)
        key = f"project:{project.id}"
        self.keys.setdefault(key)
        called = f"{project.called} ({project.code})" if project.called in self._repeated else project.called
        below = []
        for one in references:
            resource_key = f"reference:{one.resource}|{one.matches}|{one.ref}"
            self.keys.setdefault(resource_key)
            below.append(ResourceProject(resource_key, one.name or one.ref, one.resource, one.kind))
        self.projects[project.id] = PortalProject(key, called, pi, tuple(below))

    def _pi(self, owner: Owner) -> str:
        directory = self._directory
        if owner.pi is None:
            parent = self._field(owner.pi_institution, owner.pi_field)
            key = f"{parent}/pi:unknown"
            name = UNKNOWN
        else:
            # A PI stands in one place: projects in several fields don't make several PIs.
            field = self._research.setdefault(owner.pi, owner.pi_field)
            parent = self._field(owner.pi_institution, field)
            key = f"pi:{owner.pi}"
            name = directory.people[owner.pi].called
        self.keys.setdefault(key)
        self.pis.setdefault(key, Branch(key, name, parent))
        return key

    def _field(self, institution: int | None, field: int | None) -> str:
        directory = self._directory
        parent = _UNKNOWN_INSTITUTION if institution is None else f"institution:{institution}"
        above = UNKNOWN if institution is None else directory.institutions[institution]
        self.keys.setdefault(parent)
        self.institutions.setdefault(parent, Branch(parent, above, None))
        key = f"{parent}/field:{'unknown' if field is None else field}"
        called = UNKNOWN if field is None else directory.fields[field][0]
        self.keys.setdefault(key)
        self.fields.setdefault(key, Branch(key, f"{above} - {called}", parent))
        return key


def hierarchy(directory: Directory, day: date) -> Hierarchy:
    """The hierarchy of a day, as known to `directory`. What has no number yet gets the next ones."""
    growing = _Growing(directory, day)
    growing.grow()
    numbers = numbered(directory.alias, list(growing.keys))

    def ordered(branches: Iterable[Branch]) -> tuple[Branch, ...]:
        return tuple(sorted(branches, key=lambda one: numbers[one.key]))

    return Hierarchy(
        ordered(growing.institutions.values()),
        ordered(growing.fields.values()),
        ordered(growing.pis.values()),
        tuple(sorted(growing.projects.values(), key=lambda one: numbers[one.key])),
        numbers,
    )


def numbered(alias: str, keys: list[str]) -> dict[str, int]:
    """The numbers of keys; new ones follow the highest, in the order of `keys`. 1 and 2 are the unknown."""

    def known() -> dict[str, int]:
        return dict(HierarchyNode.objects.using(alias).values_list("key", "number"))

    found = asked(alias, known)
    if all(key in found for key in keys):
        return found

    def assign() -> dict[str, int]:
        with transaction.atomic(using=alias):
            _sole_numberer(alias)
            taken = known()
            new = [
                HierarchyNode(number=1, key=_UNKNOWN_INSTITUTION),
                HierarchyNode(number=2, key=_UNKNOWN_FIELD),
            ]
            new = [] if taken else new
            last = max([2, *taken.values()])
            reserved = {_UNKNOWN_INSTITUTION, _UNKNOWN_FIELD, *taken}
            for number, key in enumerate((key for key in keys if key not in reserved), last + 1):
                new.append(HierarchyNode(number=number, key=key))
            HierarchyNode.objects.using(alias).bulk_create(new, batch_size=500)
            return known()

    return committed(alias, assign)


def _sole_numberer(alias: str) -> None:
    """Two exports at once don't give one number twice: the second waits for the first."""
    from meterhouse.warehouse.catalogue.snapshots import lock_catalogue

    lock_catalogue(alias)
