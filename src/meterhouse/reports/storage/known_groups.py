"""Which unix groups are the site's own, and who is their PI? From the directory, or a CSV file instead."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.errors import ConfigurationError

if TYPE_CHECKING:
    from meterhouse.site import Site


@dataclass(frozen=True, slots=True)
class Group:
    """A group that is known: its name, and its PI and id where they are."""

    name: str
    pi: str | None
    gid: int | None


class KnownGroups:
    """The groups that are known, found by name or by id, on a resource where it matters."""

    def __init__(self, groups: dict[str | None, list[Group]]) -> None:
        self._names = {where: {one.name: one for one in listed} for where, listed in groups.items()}
        self._ids = {
            where: {one.gid: one for one in listed if one.gid is not None} for where, listed in groups.items()
        }

    def find(self, resource: str, gid: int | None, name: str | None) -> Group | None:
        """The group of that name, else of that id; on that resource, else on every one."""
        for where in (resource, None):
            found = self._names.get(where, {}).get(name or "")
            if found is None and gid is not None:
                found = self._ids.get(where, {}).get(gid)
            if found is not None:
                return found
        return None


def groups_of_file(path: Path) -> KnownGroups:
    """The groups of a CSV file with the columns `group`, `pi` and, if wanted, `gid`.

    Raises ConfigurationError that names file, line and column.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a CSV file in UTF-8, found: {error}") from None
    reader = csv.DictReader(lines)
    missing = {"group", "pi"} - set(reader.fieldnames or ())
    if missing:
        raise ConfigurationError(
            f"{path}: line 1: expected the columns group and pi, found {', '.join(reader.fieldnames or ())}"
        )
    groups: dict[str, Group] = {}
    for row in reader:
        name, pi, gid = ((row.get(column) or "").strip() for column in ("group", "pi", "gid"))
        if not name or name in groups:
            raise ConfigurationError(
                f"{path}: line {reader.line_num}, group: expected a name that stands there once,"
                f" found {name!r}"
            )
        if gid and not (gid.isascii() and gid.isdigit()):
            raise ConfigurationError(f"{path}: line {reader.line_num}, gid: expected a number, found {gid!r}")
        groups[name] = Group(name, pi or None, int(gid) if gid else None)
    return KnownGroups({None: list(groups.values())})


def groups_of_directory(site: Site, day: date, known: datetime | None = None) -> KnownGroups:
    """The groups that the directory knows on a day: unix groups as references of projects, led by a PI.

    `known`: as the directory stood then, instead of now.
    """
    from meterhouse.directory.ownership import owners
    from meterhouse.directory.periods import on
    from meterhouse.directory.state import Directory

    directory = Directory(site.register.alias, known)
    groups: dict[str | None, list[Group]] = {}
    for reference in directory.references:
        if reference.kind != "unix_group" or not reference.start <= day < reference.end:
            continue
        owner = on(day, owners(directory, reference.project))
        person = directory.people.get(owner.pi) if owner and owner.pi is not None else None
        is_id = reference.matches == "id" and reference.ref.isascii() and reference.ref.isdigit()
        name = (reference.name or reference.ref) if is_id else reference.ref
        pi = (person.last_name or person.called) if person else None
        groups.setdefault(reference.resource, []).append(
            Group(name, pi, int(reference.ref) if is_id else None)
        )
    return KnownGroups(groups)
