"""What does one reading of a portal or identity provider say about people and projects?

Keys are the source's own ids. None means that the source says nothing of it, which never changes what
is known; people, institutions and fields may also be known by name only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

ReferenceKind = Literal["cloud_project", "namespace", "slurm_account", "unix_group", "path"]
Matches = Literal["id", "name"]

# What a source may state as a whole, so that what it no longer says is over.
Scope = Literal["person", "project", "member", "reference", "account"]


@dataclass(frozen=True, slots=True)
class SaidInstitution:
    """An institution by its key, which is its name where the source has no other."""

    key: str
    name: str
    short_name: str | None = None
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SaidField:
    """A field of science; `parent` is the key of the wider one."""

    key: str
    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class SaidPerson:
    """A person; `institution` and `field` are keys, `since` is when the affiliation began."""

    key: str
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    institution: str | None = None
    field: str | None = None
    career_level: str | None = None
    active: bool = True
    since: date | None = None


@dataclass(frozen=True, slots=True)
class SaidProject:
    """A project; `shares` are (institution key, millionths) with a sum of a million."""

    key: str
    title: str | None = None
    code: str | None = None
    description: str | None = None
    parent: str | None = None
    field: str | None = None
    active: bool = True
    start: date | None = None
    end: date | None = None  # the first day on which it is over
    shares: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class SaidMember:
    """What a person is in a project; both by key."""

    project: str
    person: str
    leader: bool = False
    supervisor: bool = False
    primary_contact: bool = False
    default_project: bool = False
    level: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SaidReference:
    """What a project (by key) is called on a resource."""

    project: str
    resource: str
    kind: ReferenceKind
    ref: str
    matches: Matches = "id"
    name: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SaidAccount:
    """What a person (by key) is called on a resource; an empty resource means all of them."""

    person: str
    resource: str
    ref: str
    matches: Matches = "name"
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SaidContact:
    """Whom to ask in a role for an institution, a project or a project on a resource (resource, ref)."""

    person: str
    role: str
    institution: str | None = None
    project: str | None = None
    reference: tuple[str, str] | None = None
    address: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that could not be used, and why."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SaidRecord:
    """A record as the source said it, as JSON text."""

    kind: str
    external_id: str
    said: str


def record(kind: str, external_id: object, said: object) -> SaidRecord:
    """A record to be kept as it was said: the same record gives the same text."""
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, default=str)
    return SaidRecord(kind, str(external_id), text)


@dataclass(slots=True)
class Statement:
    """Everything that one reading said. `complete`: what of these it doesn't say, it says is over.

    What a source is `weak` in it names only for lack of better: its words fill what is empty.
    """

    source: str
    complete: frozenset[Scope] = frozenset()
    weak: frozenset[Literal["person", "project"]] = frozenset()
    institutions: list[SaidInstitution] = field(default_factory=list)
    fields: list[SaidField] = field(default_factory=list)
    people: list[SaidPerson] = field(default_factory=list)
    projects: list[SaidProject] = field(default_factory=list)
    members: list[SaidMember] = field(default_factory=list)
    references: list[SaidReference] = field(default_factory=list)
    accounts: list[SaidAccount] = field(default_factory=list)
    contacts: list[SaidContact] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    said: list[SaidRecord] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was said."""
        return not (self.institutions or self.people or self.projects or self.accounts or self.references)

    def reasons(self) -> dict[str, int]:
        """How often what was skipped for which reason."""
        return dict(Counter(one.reason for one in self.skipped))


class Checked:
    """Fields of one record from outside, each checked when it is read; `where` names the record."""

    def __init__(self, where: str, said: Any) -> None:
        self.where = where
        if not isinstance(said, dict):
            raise Unusable(where, f"expected an object, found {_shown(said)}")
        self._said: dict[str, Any] = said

    def text(self, name: str, longest: int = 500) -> str | None:
        """A text, or None where there is none or an empty one. Numbers are ids, and texts as well."""
        value = self._said.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Unusable(self.where, f"{name}: expected text, found {_shown(value)}")
        if len(value) > longest or "\x00" in value:
            raise Unusable(self.where, f"{name}: expected at most {longest} characters, found {len(value)}")
        return value.strip() or None

    def required(self, name: str, longest: int = 500) -> str:
        """A text that must be there."""
        value = self.text(name, longest)
        if value is None:
            raise Unusable(self.where, f"{name}: expected a value, found none")
        return value

    def value(self, name: str) -> object:
        """Whatever stands there."""
        return self._said.get(name)

    def flag(self, name: str, otherwise: bool) -> bool:
        """True or false."""
        value = self._said.get(name, otherwise)
        if not isinstance(value, bool):
            raise Unusable(self.where, f"{name}: expected true or false, found {_shown(value)}")
        return value

    def day(self, name: str) -> date | None:
        """A day as YYYY-MM-DD, or None."""
        value = self._said.get(name)
        if value in (None, ""):
            return None
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            raise Unusable(
                self.where, f"{name}: expected a day as YYYY-MM-DD, found {_shown(value)}"
            ) from None

    def part(self, name: str) -> Checked | None:
        """An object within, or None."""
        value = self._said.get(name)
        return None if value is None else Checked(f"{self.where}, {name}", value)

    def parts(self, name: str) -> list[Any]:
        """A list within; none at all is an empty one."""
        value = self._said.get(name)
        if value is None:
            return []
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Unusable(self.where, f"{name}: expected a list, found {_shown(value)}")
        return list(value)

    def first(self, name: str) -> str | None:
        """The first of a list of texts, as Keycloak and LDAP keep attributes; None without any."""
        for value in self.parts(name):
            if not isinstance(value, str):
                raise Unusable(self.where, f"{name}: expected texts, found {_shown(value)}")
            if value.strip():
                return value.strip()[:500]
        return None

    def names(self) -> list[str]:
        """The names of all fields."""
        return list(self._said)


class Unusable(Exception):
    """A record of a source can't be used: where it stands, and what was expected and found."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.skipped = Skipped(where, reason)


def _shown(value: object) -> str:
    return repr(value)[:80]
