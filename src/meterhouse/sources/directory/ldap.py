"""What does an LDAP directory say? People, groups as projects, their members, and the PI by an attribute."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meterhouse.errors import MeterhouseError
from meterhouse.sources.directory.http import DirectoryUnreachable
from meterhouse.sources.directory.statement import (
    Checked,
    ReferenceKind,
    SaidAccount,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Scope,
    Skipped,
    Statement,
    Unusable,
    record,
)

PAGE = 500
_UID = re.compile(r"^uid=([^,+]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LdapHabits:
    """Where people and groups are, and which attribute says what.

    `member` holds user names (memberUid) or DNs (member, uniqueMember); `pi` too. Groups are what
    projects are called on each of `resources`; `ref` is the attribute that usage records carry.
    """

    source: str
    people_base: str
    groups_base: str
    people_filter: str = "(objectClass=posixAccount)"
    groups_filter: str = "(objectClass=posixGroup)"
    username: str = "uid"
    institution: str = "o"
    career_level: str | None = None
    group: str = "cn"
    title: str = "description"
    member: str = "memberUid"
    pi: str | None = None
    ref: str = "cn"
    resources: tuple[str, ...] = ()
    kind: ReferenceKind = "unix_group"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its DN, and its attributes as lists of texts."""

    dn: str
    attributes: Mapping[str, list[str]]


def fetch(
    url: str,
    habits: LdapHabits,
    bind_dn: str | None = None,
    password: str | None = None,
    page: int = PAGE,
    *,
    start_tls: bool = False,
    ca_file: Path | None = None,
) -> tuple[list[Entry], list[Entry]]:
    """People and groups, page by page. `url` is ldap://, ldaps:// or ldapi://; nothing is changed there.

    With `start_tls` an ldap:// connection is encrypted before anything is said. The server's certificate
    must be of its name and of an authority in `ca_file`, or, without one, that this machine trusts.
    """
    try:
        import ldap3
        from ldap3.core.exceptions import LDAPException, LDAPSocketOpenError, LDAPStartTLSError
    except ImportError:
        raise MeterhouseError("ldap: expected the extra meterhouse[ldap] to be installed") from None
    if ca_file is not None and not ca_file.is_file():
        raise DirectoryUnreachable(f"{url}: ca_file: expected a file, found none at {ca_file}")
    try:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(ca_file) if ca_file else None)
        connection = ldap3.Connection(
            ldap3.Server(url, connect_timeout=30, get_info=ldap3.NONE, tls=tls),
            user=bind_dn,
            password=password,
            read_only=True,
            receive_timeout=120,
            raise_exceptions=True,
            auto_bind=ldap3.AUTO_BIND_TLS_BEFORE_BIND if start_tls else ldap3.AUTO_BIND_NO_TLS,
        )
    except (LDAPStartTLSError, LDAPSocketOpenError, ssl.SSLError) as error:
        raise DirectoryUnreachable(f"{url}: expected a connection, found: {str(error)[:300]}") from None
    except LDAPException as error:
        raise DirectoryUnreachable(f"{url}: {type(error).__name__}: expected to bind as {bind_dn}") from None
    people = [habits.username, "givenName", "sn", "cn", "mail", habits.institution, habits.career_level]
    groups = [habits.group, habits.title, habits.member, habits.pi, habits.ref]
    try:
        return (
            list(_searched(connection, habits.people_base, habits.people_filter, people, page)),
            list(_searched(connection, habits.groups_base, habits.groups_filter, groups, page)),
        )
    except LDAPException as error:
        raise DirectoryUnreachable(f"{url}: {type(error).__name__}: {str(error)[:200]}") from None
    finally:
        connection.unbind()


def read(habits: LdapHabits, people: list[Entry], groups: list[Entry]) -> Statement:
    """What these entries say."""
    complete: frozenset[Scope] = frozenset({"person", "project", "member", "reference", "account"})
    statement = Statement(habits.source, complete, frozenset({"project"}))
    by_dn = {}
    institutions = {}
    for number, entry in enumerate(people, 1):
        try:
            one = _checked("people", number, entry)
            key = _needed(one, habits.username)
            by_dn[entry.dn.casefold()] = key
            institution = one.first(habits.institution)
            if institution:
                institutions[institution] = SaidInstitution(institution, institution)
            level = one.first(habits.career_level) if habits.career_level else None
            last = one.first("sn") or one.first("cn")
            statement.people.append(
                SaidPerson(
                    key, key, one.first("givenName"), last, one.first("mail"), institution, None, level
                )
            )
            statement.accounts.append(SaidAccount(key, "", key))
            statement.said.append(record("people", entry.dn, dict(entry.attributes)))
        except Unusable as problem:
            statement.skipped.append(problem.skipped)
    statement.institutions += institutions.values()
    known = set(by_dn.values())
    for number, entry in enumerate(groups, 1):
        try:
            one = _checked("groups", number, entry)
            key = _needed(one, habits.group)
            ref = _needed(one, habits.ref)
            statement.projects.append(SaidProject(key, one.first(habits.title) or key, code=key))
            statement.references += [
                SaidReference(key, resource, habits.kind, ref, name=key) for resource in habits.resources
            ]
            statement.said.append(record("groups", entry.dn, dict(entry.attributes)))
        except Unusable as problem:
            statement.skipped.append(problem.skipped)
            continue
        leaders = _people(entry, habits.pi, by_dn)
        for person in dict.fromkeys([*leaders, *_people(entry, habits.member, by_dn)]):
            if person not in known:
                statement.skipped.append(
                    Skipped(f"groups, record {number}", f"member: expected a known person, found {person!r}")
                )
                continue
            statement.members.append(
                SaidMember(
                    key,
                    person,
                    leader=person in leaders,
                    primary_contact=bool(leaders) and person == leaders[0],
                )
            )
    return statement


def _people(entry: Entry, attribute: str | None, by_dn: Mapping[str, str]) -> list[str]:
    """Who is named by user name or by DN."""
    found = []
    for value in entry.attributes.get(attribute, []) if attribute else []:
        uid = _UID.match(value)
        found.append(by_dn.get(value.casefold()) or (uid.group(1) if uid and "=" in value else value))
    return found


def _checked(what: str, number: int, entry: Entry) -> Checked:
    return Checked(f"{what}, record {number}", dict(entry.attributes))


def _needed(one: Checked, name: str) -> str:
    value = one.first(name)
    if value is None:
        raise Unusable(one.where, f"{name}: expected a value, found none")
    return value


def _searched(
    connection: Any, base: str, condition: str, attributes: list[str | None], page: int
) -> Iterator[Entry]:
    answers = connection.extend.standard.paged_search(
        base,
        condition,
        attributes=sorted({name for name in attributes if name}),
        paged_size=page,
        generator=True,
    )
    for answer in answers:
        if answer.get("type") == "searchResEntry":
            said = {name: _texts(values) for name, values in answer["attributes"].items()}
            yield Entry(answer["dn"], {name: values for name, values in said.items() if values})


def _texts(values: Any) -> list[str]:
    several = values if isinstance(values, list | tuple | set) else [values]
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in several]
