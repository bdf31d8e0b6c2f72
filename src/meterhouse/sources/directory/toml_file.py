"""What does an administrator write down? People, projects, shares and contacts in a TOML or JSON file.

Tables `institutions`, `fields`, `people`, `projects`, `members`, `references`, `accounts`, `contacts`; a
reference to another thing is its key. A file says nothing of what it doesn't name.
"""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

from meterhouse.errors import MeterhouseError
from meterhouse.sources.directory.statement import (
    Checked,
    Matches,
    ReferenceKind,
    SaidAccount,
    SaidContact,
    SaidField,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Statement,
    Unusable,
    record,
)

_REFERENCE_KINDS = ("cloud_project", "namespace", "slurm_account", "unix_group", "path")
_KEYS: dict[str, tuple[str, ...]] = {
    "institutions": ("key", "name", "short_name", "domains"),
    "fields": ("key", "name", "parent"),
    "people": (
        *("key", "username", "first_name", "last_name", "email", "institution", "field", "career_level"),
        *("active", "since"),
    ),
    "projects": (
        *("key", "title", "code", "description", "parent", "field", "active", "start", "end", "shares"),
    ),
    "members": (
        *("project", "person", "leader", "supervisor", "primary_contact", "default_project", "level"),
        *("since", "until"),
    ),
    "references": ("project", "resource", "kind", "ref", "matches", "name", "since", "until"),
    "accounts": ("person", "resource", "ref", "matches", "since", "until"),
    "contacts": ("person", "role", "institution", "project", "resource", "ref", "address"),
}


def read(path: Path, source: str) -> Statement:
    """What the file says. A faulty file as a whole is a MeterhouseError, a faulty record is skipped."""
    try:
        text = path.read_bytes().decode("utf-8")
        said = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise MeterhouseError(f"{path}: expected a file, found: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MeterhouseError(f"{path}: expected TOML (or JSON, as .json), found: {error}") from None
    if not isinstance(said, dict) or not all(isinstance(rows, list) for rows in said.values()):
        raise MeterhouseError(f"{path}: expected lists of tables {', '.join(_KEYS)}")
    unknown = sorted(set(said) - set(_KEYS))
    if unknown:
        raise MeterhouseError(f"{path}: expected tables {', '.join(_KEYS)}, found {', '.join(unknown)}")
    statement = Statement(source)
    reader = _Reader(statement)
    for table in _KEYS:
        for number, row in enumerate(said.get(table, []), 1):
            where = f"{path.name}: {table}, record {number}"
            try:
                one = Checked(where, row)
                odd = sorted(set(one.names()) - set(_KEYS[table]))
                if odd:
                    raise Unusable(where, f"expected {', '.join(_KEYS[table])}, found {', '.join(odd)}")
                getattr(reader, table)(one)
                statement.said.append(record(table, number, row))
            except Unusable as problem:
                statement.skipped.append(problem.skipped)
    return statement


class _Reader:
    """A method a table."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def institutions(self, one: Checked) -> None:
        name = one.required("name")
        self._statement.institutions.append(
            SaidInstitution(
                one.text("key") or name,
                name,
                one.text("short_name", 100),
                tuple(map(str, one.parts("domains"))),
            )
        )

    def fields(self, one: Checked) -> None:
        name = one.required("name")
        self._statement.fields.append(SaidField(one.text("key") or name, name, one.text("parent")))

    def people(self, one: Checked) -> None:
        username = one.text("username", 255)
        institution, field = one.text("institution"), one.text("field")
        self._name_institution(institution)
        self._name_field(field)
        self._statement.people.append(
            SaidPerson(
                one.text("key") or username or one.required("key"),
                username,
                one.text("first_name", 255),
                one.text("last_name", 255),
                one.text("email", 320),
                institution,
                field,
                one.text("career_level", 255),
                one.flag("active", True),
                one.day("since"),
            )
        )

    def projects(self, one: Checked) -> None:
        code = one.text("code", 255)
        field = one.text("field")
        self._name_field(field)
        shares = one.part("shares")
        self._statement.projects.append(
            SaidProject(
                one.text("key") or code or one.required("key"),
                one.text("title"),
                code,
                one.text("description", 100_000),
                one.text("parent"),
                field,
                one.flag("active", True),
                one.day("start"),
                one.day("end"),
                None if shares is None else self._shares(shares),
            )
        )

    def members(self, one: Checked) -> None:
        self._statement.members.append(
            SaidMember(
                one.required("project"),
                one.required("person"),
                one.flag("leader", False),
                one.flag("supervisor", False),
                one.flag("primary_contact", False),
                one.flag("default_project", False),
                one.text("level", 255),
                one.day("since"),
                one.day("until"),
            )
        )

    def references(self, one: Checked) -> None:
        kind = _one_of(one, "kind", _REFERENCE_KINDS, "cloud_project")
        self._statement.references.append(
            SaidReference(
                one.required("project"),
                one.required("resource", 200),
                cast(ReferenceKind, kind),
                one.required("ref"),
                cast(Matches, _one_of(one, "matches", ("id", "name"), "id")),
                one.text("name"),
                one.day("since"),
                one.day("until"),
            )
        )

    def accounts(self, one: Checked) -> None:
        self._statement.accounts.append(
            SaidAccount(
                one.required("person"),
                one.text("resource", 200) or "",
                one.required("ref"),
                cast(Matches, _one_of(one, "matches", ("id", "name"), "name")),
                one.day("since"),
                one.day("until"),
            )
        )

    def contacts(self, one: Checked) -> None:
        address = one.part("address")
        resource, ref = one.text("resource", 200), one.text("ref")
        self._statement.contacts.append(
            SaidContact(
                one.required("person"),
                one.required("role", 255),
                one.text("institution"),
                one.text("project"),
                (resource, ref) if resource and ref else None,
                None
                if address is None
                else {name: address.text(name, 255) or "" for name in address.names()},
            )
        )

    def _shares(self, said: Checked) -> tuple[tuple[str, int], ...]:
        found = []
        for institution in said.names():
            self._name_institution(institution)
            found.append((institution, _millionths(said, institution)))
        return tuple(found)

    def _name_institution(self, name: str | None) -> None:
        """An institution that is only named is known by its name."""
        if name and all(name != one.key for one in self._statement.institutions):
            self._statement.institutions.append(SaidInstitution(name, name))

    def _name_field(self, name: str | None) -> None:
        if name and all(name != one.key for one in self._statement.fields):
            self._statement.fields.append(SaidField(name, name))


def _millionths(said: Checked, institution: str) -> int:
    value = said.value(institution)
    try:
        percent = Decimal(str(value))
        millionths = percent * 10_000
    except InvalidOperation:
        millionths = Decimal("NaN")
    if not millionths.is_finite() or millionths != int(millionths) or millionths < 1:
        raise Unusable(
            said.where, f"{institution}: expected per cent with at most 4 decimals, found {value!r}"
        )
    return int(millionths)


def _one_of(one: Checked, name: str, known: tuple[str, ...], otherwise: str) -> str:
    value = one.text(name) or otherwise
    if value not in known:
        raise Unusable(one.where, f"{name}: expected one of {', '.join(known)}, found {value!r}")
    return value
