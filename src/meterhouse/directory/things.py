"""Who and what does a source mean? Its people, projects, institutions and fields, found or entered."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Any

from meterhouse.directory.identities import Identities
from meterhouse.directory.pen import Difference, Pen
from meterhouse.directory.register.models import (
    CareerLevel,
    FieldOfScience,
    Institution,
    InstitutionDomain,
    Person,
    Project,
    ProjectLevel,
    ProjectReference,
)
from meterhouse.sources.directory.statement import SaidPerson, SaidProject, Statement

_LONGEST_CODE = 60


class Things:
    """What a statement's keys mean, once `enter` has found or entered all of it."""

    def __init__(self, pen: Pen, statement: Statement, identities: Identities) -> None:
        self._pen, self._statement, self._identities = pen, statement, identities
        self.institutions: dict[str, Institution] = {}
        self.fields: dict[str, FieldOfScience] = {}
        self.career_levels: dict[str, CareerLevel] = {}
        self.project_levels: dict[str, ProjectLevel] = {}
        self.people: dict[str, Person] = {}
        self.projects: dict[str, Project] = {}
        self._codes: dict[str, Project] = {}
        self._institutions: dict[int, Institution] = {}
        self._domains: dict[str, int] = {}
        self._usernames: dict[str, Person] = {}
        self._people_by_id: dict[int, Person] = {}
        self._projects_by_id: dict[int, Project] = {}

    def enter(self) -> None:
        """Find or enter everything that the statement names, before what ties it."""
        self._enter_institutions()
        self._enter_fields()
        self._enter_levels()
        self._enter_people()
        self._enter_projects()

    def project(self, key: str) -> Project | None:
        """The project that the source means, now or by what it said before; or any by our own code."""
        identity = self._identities.get("project", key)
        before = self._projects_by_id.get(identity.project_id or 0) if identity is not None else None
        return self.projects.get(key) or before or self._codes.get(key)

    def person(self, key: str) -> Person | None:
        """The person whom the source means, now or by what it said before; or any by username."""
        identity = self._identities.get("person", key)
        before = self._people_by_id.get(identity.person_id or 0) if identity is not None else None
        return self.people.get(key) or before or self._usernames.get(key.casefold())

    def institution_of(self, said: SaidPerson) -> int | None:
        """The institution that the source says."""
        return self.institutions[said.institution].id if said.institution else None

    def institution_by_mail(self, email: str) -> int | None:
        """The institution whose domain is the longest end of an address."""
        domain = email.rpartition("@")[2].casefold()
        while domain:
            if domain in self._domains:
                return self._domains[domain]
            domain = domain.partition(".")[2]
        return None

    def institution_name(self, id_: int | None) -> str:
        """Its name; "" for None."""
        return "" if id_ is None else self._institutions[id_].name

    def _all(self, model: Any) -> list[Any]:
        return list(model.objects.using(self._pen.alias).order_by("id"))

    def _enter_institutions(self) -> None:
        by_name: dict[str, list[Institution]] = defaultdict(list)
        for one in self._all(Institution):
            self._institutions[one.id] = one
            by_name[one.name.casefold()].append(one)
        taken = set()
        entered = []
        for said in self._statement.institutions:
            identity = self._identities.get("institution", said.key)
            if identity is not None:
                found = self._institutions[identity.institution_id or 0]
            else:
                # Two keys of one source are two institutions, whatever they are called.
                same = [one for one in by_name[said.name.casefold()] if one.id not in taken]
                if len(same) == 1:
                    found = same[0]
                else:
                    found = Institution(name=said.name[:500])
                    self._pen.add(found, Difference("add", "institution", said.name))
            if found.id:
                taken.add(found.id)
                self._pen.change(
                    found,
                    Difference("change", "institution", found.name),
                    **_given(short_name=said.short_name),
                )
            self.institutions[said.key] = found
            entered.append((said, found))
        self._pen.flush()
        domains = {one.domain: one for one in self._all(InstitutionDomain) if one.is_active}
        for said, found in entered:
            self._institutions[found.id] = found
            self._identities.see("institution", said.key, institution=found)
            for domain in map(str.casefold, said.domains):
                known = domains.get(domain)
                if known is not None and known.institution_id != found.id:
                    self._pen.change(known, None, is_active=False)
                    known = None
                if known is None:
                    domains[domain] = InstitutionDomain(institution=found, domain=domain)
                    self._pen.add(domains[domain], Difference("add", "domain", domain, found.name))
        self._pen.flush()
        self._domains = {domain: one.institution_id for domain, one in domains.items()}

    def _enter_fields(self) -> None:
        by_place: dict[tuple[str, int | None], FieldOfScience] = {}
        by_id = {}
        for one in self._all(FieldOfScience):
            by_place[one.name.casefold(), one.parent_id] = one
            by_id[one.id] = one
        waiting = {said.key: said for said in self._statement.fields}

        def enter(key: str, below: frozenset[str]) -> FieldOfScience:
            if key in self.fields:
                return self.fields[key]
            said = waiting[key]
            parent = None
            if said.parent is not None and said.parent in waiting and said.parent not in below | {key}:
                parent = enter(said.parent, below | {key})
            identity = self._identities.get("field", key)
            found = by_id[identity.field_id or 0] if identity is not None else None
            found = found or by_place.get((said.name.casefold(), parent.id if parent else None))
            if found is None:
                found = FieldOfScience(name=said.name[:500], parent=parent)
                self._pen.add(found, Difference("add", "field", said.name))
                self._pen.flush()
                by_place[said.name.casefold(), parent.id if parent else None] = found
            self._identities.see("field", key, field=found)
            self.fields[key] = found
            return found

        for key in waiting:
            enter(key, frozenset())

    def _enter_levels(self) -> None:
        said_of_people = {one.career_level for one in self._statement.people if one.career_level}
        said_of_members = {one.level for one in self._statement.members if one.level}
        for model, kind, said, levels in (
            (CareerLevel, "career level", said_of_people, self.career_levels),
            (ProjectLevel, "project level", said_of_members, self.project_levels),
        ):
            known = {one.name: one for one in self._all(model)}
            for name in sorted(said):
                if name not in known:
                    known[name] = model(name=name[:255])
                    self._pen.add(known[name], Difference("add", kind, name))
                levels[name] = known[name]
        self._pen.flush()

    def _enter_people(self) -> None:
        by_id = self._people_by_id
        by_username = self._usernames
        by_email: dict[str, list[Person]] = defaultdict(list)
        for one in self._all(Person):
            by_id[one.id] = one
            if one.username:
                by_username[one.username.casefold()] = one
            if one.email:
                by_email[one.email.casefold()].append(one)
        for said in self._statement.people:
            identity = self._identities.get("person", said.key)
            found = by_id[identity.person_id or 0] if identity is not None else None
            if found is None and said.username:
                found = by_username.get(said.username.casefold())
            if found is None and said.email:
                same = by_email[said.email.casefold()]
                found = same[0] if len(same) == 1 else None
            if found is None:
                found = Person(
                    username=said.username or "",
                    first_name=said.first_name or "",
                    last_name=said.last_name or ("" if said.username or said.email else said.key),
                    email=said.email or "",
                    is_active=said.active,
                )
                self._pen.add(found, Difference("add", "person", _called(said), str(found)))
                by_email[found.email.casefold()].append(found)
            else:
                self._change_person(found, said, by_username)
            if found.username:
                by_username[found.username.casefold()] = found
            self.people[said.key] = found
        self._pen.flush()
        for said in self._statement.people:
            self._identities.see("person", said.key, person=self.people[said.key])

    def _change_person(self, found: Person, said: SaidPerson, by_username: dict[str, Person]) -> None:
        wanted = _given(
            username=said.username, first_name=said.first_name, last_name=said.last_name, email=said.email
        )
        holder = by_username.get((said.username or "").casefold())
        if holder is not None and holder is not found:
            wanted.pop("username", None)  # another person has that name already
        if "person" in self._statement.weak:
            wanted = {name: value for name, value in wanted.items() if not getattr(found, name)}
            if self._is_back("person", said.key):
                wanted["is_active"] = True
        else:
            if found.username:
                wanted.pop("username", None)  # sources may differ in that; further names are accounts
            wanted["is_active"] = said.active
        self._pen.change(found, Difference("change", "person", _called(said)), **wanted)

    def _enter_projects(self) -> None:
        by_id = self._projects_by_id
        for one in self._all(Project):
            by_id[one.id] = one
            self._codes[one.code] = one
        by_reference: dict[tuple[str, str, str], int] = {}
        for reference in self._all(ProjectReference):
            if reference.valid_until is None:
                key = (reference.resource, reference.matches, reference.ref)
                by_reference[key] = reference.project_id
        referred: dict[str, list[int]] = defaultdict(list)
        for said_reference in self._statement.references:
            key = (said_reference.resource, said_reference.matches, said_reference.ref)
            if key in by_reference:
                referred[said_reference.project].append(by_reference[key])
        for said in self._statement.projects:
            identity = self._identities.get("project", said.key)
            found = by_id[identity.project_id or 0] if identity is not None else None
            if found is None and said.code:
                found = self._codes.get(said.code)
            if found is None and "project" in self._statement.weak and len(set(referred[said.key])) == 1:
                # What it is called there is known: it is the same project.
                found = by_id[referred[said.key][0]]
            if found is None:
                found = Project(
                    code=said.code or self._free_code(said.title or said.key),
                    title=(said.title or "")[:500],
                    description=said.description or "",
                    is_active=said.active,
                    start_date=said.start,
                    end_date=said.end,
                )
                self._pen.add(found, Difference("add", "project", found.code, found.title))
                self._codes[found.code] = found
            else:
                self._change_project(found, said)
            self.projects[said.key] = found
        self._pen.flush()
        for said in self._statement.projects:
            self._identities.see("project", said.key, project=self.projects[said.key])

    def _change_project(self, found: Project, said: SaidProject) -> None:
        wanted = _given(
            title=said.title and said.title[:500],
            description=said.description,
            start_date=said.start,
            end_date=said.end,
        )
        if "project" in self._statement.weak:
            wanted = {name: value for name, value in wanted.items() if not getattr(found, name)}
            goes_on = said.active and self._is_back("project", said.key)
        else:
            goes_on = said.active and not found.is_active
            wanted["is_active"] = said.active
        if goes_on:
            wanted["is_active"] = True
            wanted["end_date"] = said.end
        self._pen.change(found, Difference("change", "project", found.code), **wanted)

    def _is_back(self, kind: str, key: str) -> bool:
        """Whether the source speaks of it again after it had not."""
        identity = self._identities.get(kind, key)
        return identity is not None and identity.missed_runs > 0

    def _free_code(self, title: str) -> str:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_CODE] or "project"
        code, number = slug, 1
        while code in self._codes:
            number += 1
            code = f"{slug}-{number}"
        return code


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _called(said: SaidPerson) -> str:
    return said.username or said.email or said.key
