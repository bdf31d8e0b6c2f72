"""Which projects, people and institutions of the directory may somebody see? Those of their rows."""

from __future__ import annotations

from datetime import date
from functools import cached_property

from meterhouse.directory.ownership import owners
from meterhouse.directory.periods import on
from meterhouse.directory.state import Directory
from meterhouse.reports.storage.owners import Owners
from meterhouse.web.rights import Right


class Seen:
    """What a right sees of the directory on a day; None stands for everything, ids for what is told.

    Projects: those of the right, and what its institutions fund on that day. People: oneself, who belongs
    to the right's institutions, and who is in those projects. Institutions: those of the right, of those
    people, and those that fund the projects. Files: those of groups of the projects, and their own.
    """

    def __init__(self, right: Right, directory: Directory, day: date) -> None:
        self.right = right
        self.directory = directory
        self.day = day

    @cached_property
    def projects(self) -> frozenset[int] | None:
        if self.right.everything:
            return None
        found = set(self.right.projects)
        if self.right.institutions:
            for project in self.directory.projects:
                if self._funders(project) & self.right.institutions:
                    found.add(project)
        return frozenset(found & self.directory.projects.keys())

    @cached_property
    def people(self) -> frozenset[int] | None:
        if self.projects is None:
            return None
        found = set(self.right.people)
        for person, affiliations in self.directory.affiliations.items():
            held = on(self.day, affiliations)
            if held is not None and held.institution in self.right.institutions:
                found.add(person)
        for project in self.projects:
            for membership in self.directory.memberships.get(project, []):
                if membership.start <= self.day < membership.end:
                    found.add(membership.value.person)
        return frozenset(found & self.directory.people.keys())

    @cached_property
    def institutions(self) -> frozenset[int] | None:
        if self.projects is None or self.people is None:
            return None
        found = set(self.right.institutions)
        for project in self.projects:
            found |= self._funders(project)
        for person in self.people:
            held = on(self.day, self.directory.affiliations.get(person, []))
            if held is not None and held.institution is not None:
                found.add(held.institution)
        return frozenset(found)

    @cached_property
    def files(self) -> Owners | None:
        if self.projects is None:
            return None
        return Owners(
            frozenset(
                (held.resource, held.ref)
                for held in self.directory.references
                if held.kind == "unix_group"
                and held.project in self.projects
                and held.start <= self.day < held.end
            ),
            frozenset(
                (held.resource, held.ref)
                for held in self.directory.accounts
                if held.person in self.right.people and held.start <= self.day < held.end
            ),
        )

    def _funders(self, project: int) -> set[int]:
        owner = on(self.day, owners(self.directory, project))
        return set() if owner is None else {institution for institution, _ in owner.shares}
