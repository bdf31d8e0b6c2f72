"""What does ColdFront say? Projects, their PIs, and what they are called on each resource.

Three shapes of its allocations are read: that of NERC's plug-in (a bare list, with project and attributes
within), that of ColdFront's own api plug-in (flat, projects by title), and ColdFront 2's (in pages).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from meterhouse.sources.directory.http import Api
from meterhouse.sources.directory.statement import (
    Checked,
    ReferenceKind,
    SaidAccount,
    SaidField,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Skipped,
    Statement,
    Unusable,
    record,
)

Shape = Literal["nerc", "core", "v2"]
PATHS: dict[Shape, str] = {
    "nerc": "/api/allocations",
    "core": "/api/allocations/",
    "v2": "/api/allocations/",
}

# An allocation in one of these states never began, or was taken back.
_NOT_BEGUN = {"new", "requested", "pending", "unpaid", "payment requested", "in review"}
_TAKEN_BACK = {"denied", "revoked", "declined", "withdrawn"}
_CLOSED_PROJECT = {"archived", "closed", "denied", "inactive"}

_PROJECT_ID, _PROJECT_NAME = "Allocated Project ID", "Allocated Project Name"


@dataclass(frozen=True, slots=True)
class ColdFrontHabits:
    """How ColdFront's words are read: its resources by name (or `name-type`) -> ours and their kind."""

    source: str
    resources: Mapping[str, str]
    kinds: Mapping[str, ReferenceKind] = field(default_factory=dict)
    id_attribute: str = _PROJECT_ID
    name_attribute: str = _PROJECT_NAME


@dataclass(slots=True)
class _Allocation:
    """One allocation, whatever its shape. `project` is ColdFront's id of the project, or its title."""

    where: str
    id: str
    status: str
    project: str
    title: str
    pi: str | None
    description: str | None
    field: str | None
    project_status: str | None
    resource: str
    resource_type: str
    attributes: dict[str, str]
    start: Any = None
    end: Any = None
    users: tuple[str, ...] = ()


def fetch(api: Api, shape: Shape) -> list[Any]:
    """All allocations, inactive ones too, as ColdFront says them."""
    if shape == "nerc":
        return _listed(api.get(PATHS[shape], all="true"), PATHS[shape])
    if shape == "core":
        answer = api.get(PATHS[shape], allocation_users="true", allocation_attributes="true")
        return _listed(answer, PATHS[shape])
    found: list[Any] = []
    answer = api.get(PATHS[shape], limit=500)
    while True:
        page = Checked(PATHS[shape], answer)
        found += page.parts("results")
        following = page.text("next", 2000)
        if following is None:
            return found
        answer = api.get(following)


def fetch_projects(api: Api) -> list[Any]:
    """ColdFront's own projects with their PIs, which its flat allocations don't say."""
    return _listed(api.get("/api/projects/", project_users="true"), "/api/projects/")


def read(
    habits: ColdFrontHabits, shape: Shape, allocations: Iterable[Any], projects: Iterable[Any] = ()
) -> Statement:
    """What ColdFront's allocations (and, in the core shape, projects) say."""
    statement = Statement(
        habits.source, frozenset({"person", "project", "member", "reference"}), frozenset({"person"})
    )
    reader = _Reader(habits, statement)
    said_projects = list(projects)
    for number, said in enumerate(said_projects, 1):
        reader.take(f"projects, record {number}", said, reader.core_project)
    for number, said in enumerate(allocations, 1):
        reader.take(f"allocations, record {number}", said, lambda one: reader.allocation(one, shape))
    reader.finish()
    return statement


class _Reader:
    """Allocations repeat their project and PI: each is said once."""

    def __init__(self, habits: ColdFrontHabits, statement: Statement) -> None:
        self._habits = habits
        self._statement = statement
        self._projects: dict[str, SaidProject] = {}
        self._people: dict[str, SaidPerson] = {}
        self._members: dict[tuple[str, str], SaidMember] = {}
        self._fields: dict[str, SaidField] = {}
        self._by_title: dict[str, list[str]] = {}
        self._references: dict[tuple[str, str], SaidReference] = {}

    def take(self, where: str, said: Any, read_one: Any) -> None:
        try:
            read_one(Checked(where, said))
        except Unusable as problem:
            self._statement.skipped.append(problem.skipped)
        key = said.get("id", where) if isinstance(said, dict) else where
        self._statement.said.append(record(where.partition(",")[0], key, said))

    def core_project(self, said: Checked) -> None:
        """ColdFront 1.1's /api/projects/: id, title, pi, status and, when asked, users."""
        id_, title = said.required("id"), said.required("title")
        self._by_title.setdefault(title, []).append(id_)
        self._project(id_, title, said.text("description", 100_000), said.text("field_of_science"), said)
        pi = said.text("pi")
        if pi:
            self._lead(id_, pi)
        for user in said.parts("project_users"):
            one = Checked(f"{said.where}, project_users", user)
            if (one.text("status") or "active").casefold() == "active":
                name = one.text("user") or one.required("username")
                self._member(id_, name)

    def allocation(self, said: Checked, shape: Shape) -> None:
        one = {"nerc": self._nerc, "core": self._core, "v2": self._v2}[shape](said)
        status = one.status.casefold()
        if one.project not in self._projects:
            state = Checked(one.where, {"status": one.project_status})
            self._project(one.project, one.title, one.description, one.field, state)
        if one.pi:
            self._lead(one.project, one.pi)
        for user in one.users:
            self._member(one.project, user)
        if status in _NOT_BEGUN:
            raise Unusable(one.where, f"status: expected one in force, found {one.status!r}")
        if status in _TAKEN_BACK:
            raise Unusable(one.where, f"status: the allocation was taken back ({one.status})")
        self._refer(one)

    def finish(self) -> None:
        statement = self._statement
        statement.projects += self._projects.values()
        statement.people += self._people.values()
        statement.members += self._members.values()
        statement.fields += self._fields.values()
        statement.references += self._references.values()
        statement.accounts += [SaidAccount(person, "", person) for person in self._people]

    def _refer(self, one: _Allocation) -> None:
        typed = f"{one.resource}-{one.resource_type}" if one.resource_type else one.resource
        resource = self._habits.resources.get(typed) or self._habits.resources.get(one.resource)
        if resource is None:
            raise Unusable(one.where, f"resource: expected a mapped one, found {typed!r}")
        ref = one.attributes.get(self._habits.id_attribute)
        if not ref:
            raise Unusable(one.where, f"{self._habits.id_attribute}: expected a value, found none")
        kind = self._habits.kinds.get(resource) or _kind_of(one.resource_type)
        reference = SaidReference(
            one.project,
            resource,
            kind,
            ref,
            name=one.attributes.get(self._habits.name_attribute),
            since=one.start,
            until=one.end,
        )
        earlier = self._references.setdefault((resource, ref), reference)
        if earlier.project != one.project:
            raise Unusable(one.where, f"{ref!r} on {resource}: belongs to project {earlier.project} already")

    def _project(
        self, key: str, title: str, description: str | None, said_field: str | None, said: Checked
    ) -> None:
        if said_field:
            self._fields[said_field] = SaidField(said_field, said_field)
        status = (said.text("status") or "active").casefold()
        self._projects[key] = SaidProject(
            key,
            title,
            description=description,
            field=said_field,
            active=status not in _CLOSED_PROJECT,
        )

    def _lead(self, project: str, person: str) -> None:
        self._person(person)
        self._members[project, person] = SaidMember(project, person, leader=True, primary_contact=True)

    def _member(self, project: str, person: str) -> None:
        self._person(person)
        self._members.setdefault((project, person), SaidMember(project, person))

    def _person(self, name: str) -> None:
        email = name if "@" in name else None
        self._people.setdefault(name, SaidPerson(name, username=name, email=email))

    def _nerc(self, said: Checked) -> _Allocation:
        project, resource = _part(said, "project"), _part(said, "resource")
        attributes = said.part("attributes")
        return _Allocation(
            said.where,
            said.required("id"),
            said.required("status"),
            project.required("id"),
            project.required("title"),
            project.text("pi"),
            project.text("description", 100_000),
            project.text("field_of_science"),
            project.text("status"),
            resource.required("name"),
            resource.text("resource_type") or "",
            _attributes(attributes, self._habits) if attributes else {},
        )

    def _core(self, said: Checked) -> _Allocation:
        title = said.required("project")
        ids = self._by_title.get(title, [])
        if len(ids) != 1:
            # Titles are unique only for one PI: several, or none, leave it open whose it is.
            raise Unusable(said.where, f"project: expected one project of that title, found {len(ids)}")
        attributes = {}
        for said_attribute in said.parts("allocation_attributes"):
            one = Checked(f"{said.where}, allocation_attributes", said_attribute)
            attributes[one.required("allocation_attribute_type")] = one.text("value", 10_000) or ""
        users = []
        for user in said.parts("allocation_users"):
            member = Checked(f"{said.where}, allocation_users", user)
            if (member.text("status") or "active").casefold() == "active":
                users.append(member.required("user"))
        return _Allocation(
            said.where,
            said.required("id"),
            said.required("status"),
            ids[0],
            title,
            None,
            None,
            None,
            None,
            # "A, B": the first is the resource itself, as in ColdFront's own lists
            said.required("resource").partition(",")[0].strip(),
            "",
            attributes,
            users=tuple(users),
        )

    def _v2(self, said: Checked) -> _Allocation:
        project, resource = _part(said, "project"), _part(said, "resource_object")
        owner = project.part("owner") or said.part("owner")
        attributes: dict[str, str] = {}
        for name in ("custom_fields", "attributes"):
            if isinstance(value := said.part(name), Checked):
                attributes |= _attributes(value, self._habits)
        end = said.day("end_date")
        return _Allocation(
            said.where,
            said.required("id"),
            _status(said),
            project.required("id"),
            project.text("display") or project.text("name") or project.required("title"),
            None if owner is None else owner.text("username") or owner.text("display"),
            said.text("description", 100_000),
            project.text("field_of_science"),
            None,
            resource.text("display") or resource.required("name"),
            resource.text("type") or "",
            attributes,
            start=said.day("start_date"),
            # ColdFront's last day is included
            end=None if end is None else end + timedelta(days=1),
        )


def _part(said: Checked, name: str) -> Checked:
    part = said.part(name)
    if part is None:
        raise Unusable(said.where, f"{name}: expected an object, found none")
    return part


def _status(said: Checked) -> str:
    """ColdFront 2 says a status as text or as {value, label}."""
    try:
        return said.required("status")
    except Unusable:
        return _part(said, "status").required("value")


def _attributes(said: Checked, habits: ColdFrontHabits) -> dict[str, str]:
    wanted = (habits.id_attribute, habits.name_attribute)
    slugs = {name.casefold().replace(" ", "_"): name for name in wanted}
    found = {}
    for name in said.names():
        known = name if name in wanted else slugs.get(name.casefold().replace("-", "_"))
        if known and (value := said.text(name)):
            found[known] = value
    return found


def _kind_of(resource_type: str) -> ReferenceKind:
    kind = resource_type.casefold()
    if "openshift" in kind or "kubernetes" in kind:
        return "namespace"
    if "cluster" in kind or "slurm" in kind:
        return "slurm_account"
    if "storage" in kind:
        return "unix_group"
    return "cloud_project"


def _listed(answer: Any, path: str) -> list[Any]:
    """A bare list, or the first page of one that says it holds everything."""
    if isinstance(answer, list):
        return answer
    page = Checked(path, answer)
    if page.text("next", 2000) is not None:
        raise Unusable(path, "expected all records at once, found a page of them")
    return page.parts("results")


__all__ = ["ColdFrontHabits", "Shape", "Skipped", "fetch", "fetch_projects", "read"]
