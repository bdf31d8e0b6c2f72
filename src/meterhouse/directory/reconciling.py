"""What changes when a source has spoken? Its statement is compared with the directory, and written into it.

A source is known by its name; `Identity` says what its ids mean. What it doesn't say stays as it is.
What a source states as a whole and no longer says has been missed once more: after `inactive_after`
runs it is inactive. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from meterhouse.directory.contacts import contact_ties
from meterhouse.directory.holding import Ties
from meterhouse.directory.identities import Identities
from meterhouse.directory.missing import let_go
from meterhouse.directory.pen import Difference, Pen
from meterhouse.directory.register import models
from meterhouse.directory.register.recorded import Dated
from meterhouse.directory.things import Things
from meterhouse.sources.directory.statement import (
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Skipped,
    Statement,
)


@dataclass(frozen=True, slots=True)
class Habits:
    """`effective` is the day from which changes are true. With `ever`, what is new has always been so."""

    effective: date
    now: datetime
    inactive_after: int = 1
    ever: bool = False


def reconcile(pen: Pen, statement: Statement, habits: Habits) -> list[Skipped]:
    """Write what a statement says into the directory; what could not be written comes back."""
    reconciling = Reconciling(pen, statement, habits)
    reconciling.all()
    return reconciling.skipped


class Reconciling:
    """One statement on its way into the directory."""

    def __init__(self, pen: Pen, statement: Statement, habits: Habits) -> None:
        self.pen, self.statement, self.habits = pen, statement, habits
        self.skipped: list[Skipped] = []
        self.identities = Identities(pen.alias, statement.source, habits.now)
        self.things = Things(pen, statement, self.identities)
        day = habits.effective

        def ties(model: type[Dated], kind: str, *key: str) -> Ties:
            return Ties(pen, model, kind, key, day)

        self.affiliations = ties(models.PersonAffiliation, "affiliation", "person_id")
        self.parents = ties(models.ProjectParent, "parent", "project_id")
        self.fields = ties(models.ProjectField, "field", "project_id")
        self.members = ties(models.ProjectMembership, "member", "person_id", "project_id")
        self.references = ties(models.ProjectReference, "reference", "resource", "matches", "ref")
        self.accounts = ties(models.Account, "account", "resource", "matches", "ref")
        self.splits = ties(models.FundingSplit, "shares", "project_id")

    def all(self) -> None:
        self.things.enter()
        for said in self.statement.people:
            self._affiliation(said)
        for project in self.statement.projects:
            self._place(project)
        for project in self.statement.projects:
            self._shares(project)
        for member in self.statement.members:
            self._member(member)
        for reference in self.statement.references:
            self._reference(reference)
        for account in self.statement.accounts:
            person = self.things.person(account.person)
            if person is None:
                self._skip("account", account.ref, f"person: expected a known one, found {account.person!r}")
                continue
            key = (account.resource, account.matches, account.ref)
            held = self.accounts.current(key)
            name = f"{account.ref} on {account.resource or 'every resource'}"
            if held is not None and held.person_id != person.id and self._is_anothers("account", key):
                self._skip("account", name, "belongs to another person, as another source says")
                continue
            self.identities.see("account", _joined(*key), person=person)
            self._hold(self.accounts, key, {"person_id": person.id}, name, str(person), account)
        contact_ties(self.pen, self.statement, self.things, self.habits.effective, self._skip)
        let_go(self)
        self.pen.flush()
        self.identities.write()

    def _affiliation(self, said: SaidPerson) -> None:
        person = self.things.people[said.key]
        current = self.affiliations.current((person.id,))
        institution = self.things.institution_of(said)
        if institution is None and current is None:
            institution = self.things.institution_by_mail(person.email)
        field = self.things.fields[said.field].id if said.field else None
        level = self.things.career_levels[said.career_level].id if said.career_level else None
        wanted = {"institution_id": institution, "field_id": field, "career_level_id": level}
        if current is not None:
            for name, value in wanted.items():
                known = getattr(current, name)
                if value is None or ("person" in self.statement.weak and known is not None):
                    wanted[name] = known
        if current is None and not any(wanted.values()):
            return
        told = ", ".join(
            filter(
                None, (self.things.institution_name(wanted["institution_id"]), said.field, said.career_level)
            )
        )
        self._hold(self.affiliations, (person.id,), wanted, str(person), told, said)

    def _place(self, said: SaidProject) -> None:
        project = self.things.projects[said.key]
        if said.parent is not None:
            parent = self.things.project(said.parent)
            if parent is None:
                self._skip("project", project.code, f"parent: expected a known one, found {said.parent!r}")
            elif parent.id == project.id:
                self._skip("project", project.code, "parent: expected another project, found itself")
            else:
                self._hold(self.parents, (project.id,), {"parent_id": parent.id}, project.code, parent.code)
        if said.field is not None:
            field = self.things.fields[said.field]
            if not ("project" in self.statement.weak and self.fields.current((project.id,))):
                self._hold(self.fields, (project.id,), {"field_id": field.id}, project.code, field.name)

    def _shares(self, said: SaidProject) -> None:
        if said.shares is None:
            return
        project = self.things.projects[said.key]
        wanted = {self.things.institutions[key].id: millionths for key, millionths in said.shares}
        if sum(wanted.values()) != models.WHOLE or len(wanted) != len(said.shares):
            total = sum(millionths for _, millionths in said.shares)
            self._skip("project", project.code, f"shares: expected 100 % in all, found {total / 10_000} %")
            return
        current = self.splits.current((project.id,))
        if current is not None:
            self.pen.flush()
            held = dict(current.shares.using(self.pen.alias).values_list("institution_id", "millionths"))
            if held == wanted:
                return
            if current.valid_from != self.habits.effective:
                self.pen.change(current, None, valid_until=self.habits.effective)
            else:
                self.pen.change(current, None, valid_until=current.valid_from)
        first = current is None and self.habits.ever
        split = models.FundingSplit(
            project=project, valid_from=None if first else self.habits.effective, is_complete=False
        )
        told = ", ".join(
            f"{self.things.institution_name(id_)} {millionths / 10_000:g} %"
            for id_, millionths in wanted.items()
        )
        action = "add" if current is None else "change"
        self.pen.add(split, Difference(action, "shares", project.code, told))  # type: ignore[arg-type]
        self.pen.flush()
        for id_, millionths in wanted.items():
            self.pen.add(models.InstitutionShare(split=split, institution_id=id_, millionths=millionths))
        self.pen.flush()
        self.pen.change(split, None, is_complete=True)

    def _member(self, said: SaidMember) -> None:
        project, person = self.things.project(said.project), self.things.person(said.person)
        if project is None or person is None:
            missing = said.project if project is None else said.person
            self._skip(
                "member", f"{said.person} of {said.project}", f"expected a known one, found {missing!r}"
            )
            return
        self.identities.see(
            "member", _joined(str(project.id), str(person.id)), person=person, project=project
        )
        level = self.things.project_levels[said.level].id if said.level else None
        wanted: dict[str, Any] = {
            "level_id": level,
            "is_leader": said.leader,
            "is_supervisor": said.supervisor,
            "is_primary_contact": said.primary_contact,
            "is_default_project": said.default_project,
        }
        current = self.members.current((person.id, project.id))
        if current is not None:
            if (
                "project" in self.statement.weak
            ):  # a scheduler knows that somebody is in it, not what they are
                wanted |= {name: True for name in wanted if name != "level_id" and getattr(current, name)}
            if level is None:
                wanted["level_id"] = current.level_id
        if said.primary_contact:
            self._give_way(project.id, person.id)
        roles = [name[3:].replace("_", " ") for name, value in wanted.items() if value is True]
        name = f"{person} of {project.code}"
        self._hold(self.members, (person.id, project.id), wanted, name, ", ".join(roles), said)

    def _give_way(self, project: int, person: int) -> None:
        """Of one project one person is the primary contact: who was it before stays a member."""
        for row in self.members.rows():
            if row.project_id == project and row.person_id != person and row.is_primary_contact:
                roles = {"is_primary_contact": False, "is_leader": False}
                kept = {
                    name: getattr(row, name) for name in ("level_id", "is_supervisor", "is_default_project")
                }
                name = f"{row.person} of {row.project.code}"
                self.members.hold((row.person_id, project), {**kept, **roles}, name, "no longer leads")

    def _reference(self, said: SaidReference) -> None:
        project = self.things.project(said.project)
        name = f"{said.ref} on {said.resource}"
        if project is None:
            self._skip("reference", name, f"project: expected a known one, found {said.project!r}")
            return
        key = (said.resource, said.matches, said.ref)
        held = self.references.current(key)
        if held is not None and held.project_id != project.id and self._is_anothers("reference", key):
            self._skip("reference", name, "belongs to another project, as another source says")
            return
        self.identities.see("reference", _joined(*key), project=project)
        wanted: dict[str, Any] = {"project_id": project.id, "kind": said.kind}
        if said.name is not None and not (
            "project" in self.statement.weak and held is not None and held.name
        ):
            wanted["name"] = said.name[:500]
        elif held is not None:
            wanted["name"] = held.name
        self._hold(self.references, key, wanted, name, project.code, said)

    def _is_anothers(self, kind: str, key: tuple[str, ...]) -> bool:
        """Whether another source still says whose it is: then this one doesn't take it away."""
        return self.identities.said_elsewhere(kind, _joined(*key), self.habits.inactive_after)

    def _hold(
        self,
        ties: Ties,
        key: tuple[Any, ...],
        values: Mapping[str, Any],
        name: str,
        detail: str,
        said: Any = None,
    ) -> None:
        since = getattr(said, "since", None)
        until = getattr(said, "until", None)
        ties.hold(key, values, name, detail, since, until, self.habits.ever)

    def _skip(self, kind: str, name: str, reason: str) -> None:
        self.skipped.append(Skipped(f"{kind} {name}", reason))


def _joined(*parts: str) -> str:
    return "|".join(parts)
