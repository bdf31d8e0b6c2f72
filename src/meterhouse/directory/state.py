"""What did the directory say, as known at one moment? All of it in memory, each tie with its days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from meterhouse.directory.known import known_rows, period
from meterhouse.directory.periods import Dated, During
from meterhouse.directory.register import models
from meterhouse.directory.register.recorded import Recorded
from meterhouse.directory.tree import ProjectTree


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person. `listed` is "Last, First", as lists are sorted; `called` is "First Last"."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str

    @property
    def listed(self) -> str:
        if self.last_name and self.first_name:
            return f"{self.last_name}, {self.first_name}"
        return self.last_name or self.first_name or self.username or self.email

    @property
    def called(self) -> str:
        return " ".join(filter(None, (self.first_name, self.last_name))) or self.username or self.email


@dataclass(frozen=True, slots=True)
class KnownProject:
    """A project; `start` and `end` are the days on which it runs, open where nobody said."""

    id: int
    code: str
    title: str
    is_root: bool
    start: date
    end: date

    @property
    def called(self) -> str:
        return self.title or self.code


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Ids of a person's institution, career level and field; None is unknown."""

    institution: int | None
    career_level: int | None
    field: int | None


@dataclass(frozen=True, slots=True)
class Membership:
    """What a person is in a project."""

    person: int
    level: int | None
    is_leader: bool
    is_primary_contact: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """What a project is called on a resource, and on which days."""

    id: int
    project: int
    resource: str
    kind: str
    matches: str
    ref: str
    name: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What a person is called on a resource ("" is every one), and on which days."""

    person: int
    resource: str
    matches: str
    ref: str
    start: date
    end: date


# Who funds: (institution, millionths) with an exact sum of a million.
Shares = tuple[tuple[int, int], ...]


class Directory:
    """The directory as known at `known` (now when None), read when first needed."""

    def __init__(self, alias: str, known: datetime | None = None) -> None:
        self.alias = alias
        self.known = known

    @cached_property
    def institutions(self) -> dict[int, str]:
        """Names by id."""
        return dict(self._rows(models.Institution, "id", "name"))

    @cached_property
    def fields(self) -> dict[int, tuple[str, int | None]]:
        """Name and wider field by id."""
        rows = self._rows(models.FieldOfScience, "id", "name", "parent_id")
        return {id_: (name, parent) for id_, name, parent in rows}

    @cached_property
    def career_levels(self) -> dict[int, str]:
        return dict(self._rows(models.CareerLevel, "id", "name"))

    @cached_property
    def project_levels(self) -> dict[int, str]:
        return dict(self._rows(models.ProjectLevel, "id", "name"))

    @cached_property
    def people(self) -> dict[int, KnownPerson]:
        rows = self._rows(models.Person, "id", "username", "first_name", "last_name", "email")
        return {row[0]: KnownPerson(*row) for row in rows}

    @cached_property
    def projects(self) -> dict[int, KnownProject]:
        rows = self._rows(models.Project, "id", "code", "title", "is_root", "start_date", "end_date")
        return {row[0]: KnownProject(*(*row[:4], *period(row[4], row[5]))) for row in rows}

    @cached_property
    def affiliations(self) -> dict[int, Dated[Affiliation]]:
        """By person."""
        return _dated(
            (person, start, end, Affiliation(institution, level, field))
            for person, institution, level, field, start, end in self._rows(
                models.PersonAffiliation,
                *("person_id", "institution_id", "career_level_id", "field_id", "valid_from", "valid_until"),
            )
        )

    @cached_property
    def memberships(self) -> dict[int, Dated[Membership]]:
        """By project, in the order in which they were entered."""
        return _dated(
            (project, start, end, Membership(person, level, leader, contact))
            for project, person, level, leader, contact, start, end in self._rows(
                models.ProjectMembership,
                *("project_id", "person_id", "level_id", "is_leader", "is_primary_contact"),
                *("valid_from", "valid_until"),
            )
        )

    @cached_property
    def project_fields(self) -> dict[int, Dated[int]]:
        """Field of science by project."""
        rows = self._rows(models.ProjectField, "project_id", "field_id", "valid_from", "valid_until")
        return _dated((project, start, end, field) for project, field, start, end in rows)

    @cached_property
    def shares(self) -> dict[int, Dated[Shares]]:
        """Complete funding splits by project."""
        parts: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for split, institution, millionths in self._rows(
            models.InstitutionShare, "split_id", "institution_id", "millionths"
        ):
            parts[split].append((institution, millionths))
        rows = self._rows(models.FundingSplit, "id", "project_id", "is_complete", "valid_from", "valid_until")
        return _dated(
            (project, start, end, tuple(parts[split]))
            for split, project, complete, start, end in rows
            if complete
        )

    @cached_property
    def references(self) -> list[Reference]:
        columns = ("id", "project_id", "resource", "kind", "matches", "ref", "name")
        rows = self._rows(models.ProjectReference, *columns, "valid_from", "valid_until")
        return [Reference(*(*row[:7], *period(row[7], row[8]))) for row in rows]

    @cached_property
    def accounts(self) -> list[KnownAccount]:
        columns = ("person_id", "resource", "matches", "ref")
        rows = self._rows(models.Account, *columns, "valid_from", "valid_until")
        return [KnownAccount(*(*row[:4], *period(row[4], row[5]))) for row in rows]

    @cached_property
    def tree(self) -> ProjectTree:
        rows = self._rows(models.ProjectParent, "project_id", "parent_id", "valid_from", "valid_until")
        parents = _dated((project, start, end, parent) for project, parent, start, end in rows)
        root = next((project.id for project in self.projects.values() if project.is_root), None)
        return ProjectTree(root, parents)

    def field_path(self, field: int) -> list[str]:
        """The names from a field of science up to the widest."""
        names: list[str] = []
        seen: set[int] = set()
        at: int | None = field
        while at is not None and at not in seen:
            seen.add(at)
            name, at = self.fields[at]
            names.append(name)
        return names

    def _rows(self, model: type[Recorded], *columns: str) -> list[tuple]:  # type: ignore[type-arg]
        return known_rows(self.alias, model, columns, self.known)


def _dated(rows: Iterable[tuple[int, date | None, date | None, object]]) -> dict[int, Dated]:  # type: ignore[type-arg]
    found: dict[int, Dated] = defaultdict(list)  # type: ignore[type-arg]
    for key, start, end, value in rows:
        since, until = period(start, end)
        if since < until:
            found[key].append(During(since, until, value))
    return dict(found)
