"""Whose is a row of usage? SQL that joins daily usage or spans with the dimension tables it is given.

The dimension tables come from the caller (directory.dimensions); this side knows only their columns.
Names that sources and Open XDMoD's files say have no dates. What the directory says has: it is joined by
day of use, and an institution's share of a project multiplies what is counted, in whole millionths.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa

from meterhouse.usage.meters import Grouping

UNKNOWN = "Unknown"  # who it belongs to is known, but not this of them
UNATTRIBUTED = "Unattributed"  # the directory knows nobody to whom it belonged on that day
WHOLE = 1_000_000  # all shares of a project

_DAYS = [("since", pa.date32()), ("until", pa.date32())]  # half-open; open ends are the first and last day


def _schema(*columns: tuple[str, pa.DataType] | str) -> pa.Schema:
    return pa.schema([(one, pa.string()) if isinstance(one, str) else one for one in columns])


_PROJECT, _PERSON = ("project_id", pa.int64()), ("person_id", pa.int64())

# What the directory says, with the days on which it was so.
DATED_DIMENSIONS: dict[str, pa.Schema] = {
    # One row: what usage is called that nobody owns; null when the site keeps no directory.
    "directory_kept": _schema("nobody"),
    # A project's name on a resource; `matches` says whether `ref` is the source's id or its name.
    "directory_reference": _schema("resource", "matches", "ref", _PROJECT, *_DAYS),
    "directory_owner": _schema(
        _PROJECT,
        *_DAYS,
        "code",
        "project",
        "path",
        "pi",
        "pi_id",
        "pi_institution",
        "pi_institution_id",
        "field",
        "parent_field",
        "directorate",
        "field_id",
    ),
    # Millionths of a project that an institution funds: those of one day add up to WHOLE.
    "directory_share": _schema(_PROJECT, *_DAYS, "institution", "institution_id", ("millionths", pa.int64())),
    # Each project with itself and everything above it.
    "directory_tree": _schema(_PROJECT, *_DAYS, "code", "path"),
    # A person's name on a resource; an empty resource means all of them.
    "directory_account": _schema("resource", "matches", "ref", _PERSON, *_DAYS),
    "directory_person": _schema(
        _PERSON, *_DAYS, "person", "id", "institution", "institution_id", "career_level"
    ),
    "directory_member": _schema(_PROJECT, _PERSON, "project_level", *_DAYS),
}

Filters = tuple[tuple[Grouping, tuple[str, ...]], ...]


def text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    """Strings as a list of SQL literals."""
    return ", ".join(text(value) for value in values)


# What is known by name of rows, and the columns by which it is found.
_NAMED = {
    "user_name": ("COALESCE(u.user_name, i.user_name)", ("resource", "user_ref")),
    "project_name": ("COALESCE(n.project_name, u.project_name)", ("resource", "project_ref")),
    "domain": ("COALESCE(u.domain, n.domain)", ("resource", "project_ref")),
}


NAMED_BY = {name: columns for name, (_, columns) in _NAMED.items()}


def named(source: str, columns: Iterable[str] = tuple(_NAMED)) -> str:
    """Rows of `source` with the names that the dimensions know for their project and user.

    A project is called by its newest known name, so that it is one project after it was renamed. Of
    `columns` those are filled that are names.
    """
    filled = [name for name in _NAMED if name in set(columns)]
    if not filled:
        return source
    names = ", ".join(f"{_NAMED[name][0]} AS {name}" for name in filled)
    joins = ""
    if "user_name" in filled:
        joins += " LEFT JOIN user_dimension AS i ON i.resource = u.resource AND i.user_ref = u.user_ref"
    if {"project_name", "domain"} & set(filled):
        joins += (
            " LEFT JOIN project_dimension AS n ON n.resource = u.resource AND n.project_ref = u.project_ref"
        )
    return f"SELECT u.* REPLACE ({names}) FROM ({source}) AS u{joins}"


# For rows of `named` under the name u: w is the person, p who the project belongs to.
_UNDATED = {
    "w": ("person_dimension", "w.user_name = u.user_name"),
    "p": ("owner_dimension", "p.resource = u.resource AND p.project_name = u.project_name"),
}
JOINS = "".join(f"\n    LEFT JOIN {table} AS {name} ON {on}" for name, (table, on) in _UNDATED.items())


def kept(filters: Filters) -> str:
    """A condition over u, w and p: each grouping's label or id is one of its values."""
    conditions = ["TRUE"]
    for grouping, values in filters:
        wanted = texts(values)
        label = f"COALESCE(CAST({grouping.label} AS VARCHAR), {text(UNKNOWN)}) IN ({wanted})"
        conditions.append(f"({label} OR {grouping.id} IN ({wanted}))" if grouping.id else label)
    return " AND ".join(conditions)


# Which dated tables a name in a grouping's SQL stands for, in the order in which they are joined.
PROJECT_ID = "COALESCE(r1.project_id, r2.project_id)"
PERSON_ID = "COALESCE(a1.person_id, a2.person_id, a3.person_id, a4.person_id)"
_BY_PROJECT = {"o": "directory_owner", "f": "directory_share", "t": "directory_tree"}
# How a user and a project are found: by what, on which resource, called how.
ACCOUNTS = (
    ("a1", "u.resource", "id", "u.user_ref"),
    ("a2", "u.resource", "name", "u.user_name"),
    ("a3", "''", "id", "u.user_ref"),
    ("a4", "''", "name", "u.user_name"),
)
REFERENCES = (
    ("r1", "u.resource", "id", "u.project_ref"),
    ("r2", "u.resource", "name", "u.project_name"),
)
_DATED = {
    **_BY_PROJECT,
    "h": "directory_person",
    "m": "directory_member",
    "r": "directory_reference",
    "a": "directory_account",
}
_NAME = re.compile(r"\b([a-z])\.")
_OF_USAGE = re.compile(r'\bu\.("?)(\w+)\1')


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a question needs to know of owners: `names` of dated tables that its SQL mentions.

    o is the owner of the project, f an institution's part in it, t a project above it, h the person,
    m what the person is in the project, k what unowned usage is called; r and a are how the directory finds
    project and person. With f or t a row of usage is there once for each institution or project above.
    Nothing is looked up in the tables `empty`.
    """

    names: frozenset[str]
    empty: frozenset[str] = frozenset()

    @classmethod
    def of(cls, groupings: Iterable[Grouping], filters: Filters = ()) -> Attribution:
        """What these groupings and filters need."""
        every = [*groupings, *(grouping for grouping, _ in filters)]
        texts = " ".join(f"{one.label} {one.id}" for one in every)
        return cls(frozenset(_NAME.findall(texts)))

    @property
    def dated(self) -> bool:
        """Whether it matters on which day usage was."""
        return bool(self.names & set(_DATED))

    @staticmethod
    def tells_nothing(empty: Collection[str]) -> set[str]:
        """The names of which nothing can be known where these tables are empty."""
        undated = {name: table for name, (table, _) in _UNDATED.items()}
        gone = {name for name, table in {**undated, **_DATED}.items() if table in empty}
        gone |= {"o", "f", "t", "m"} if "directory_reference" in empty else set()
        return gone | ({"h", "m"} if "directory_account" in empty else set())

    def dated_tables(self) -> list[str]:
        """The tables with days that it joins."""
        return sorted({table for name, table in _DATED.items() if name in self.names} - self.empty)

    @property
    def repeats(self) -> bool:
        """Whether a row of usage may be there more than once."""
        return bool(self.names & {"f", "t"})

    @property
    def scale(self) -> int:
        """By how much quantities are multiplied so that shares of them are whole numbers."""
        return WHOLE if "f" in self.names else 1

    def weighted(self, quantity: str) -> str:
        """SQL: a quantity times the share; without shares the whole of it."""
        return f"{quantity} * COALESCE(f.millionths, {WHOLE})" if "f" in self.names else quantity

    def joins(self, day: str) -> str:
        """SQL that follows `FROM rows AS u`; `day` is SQL for the day whose owners count."""
        held = []
        for name, (table, on) in _UNDATED.items():
            if name in self.names:
                held.append(f"LEFT JOIN {table} AS {name} ON {'FALSE' if table in self.empty else on}")

        def left(table: str, name: str, condition: str) -> None:
            days = f"{day} >= {name}.since AND {day} < {name}.until"
            on = "FALSE" if table in self.empty else f"{condition} AND {days}"
            held.append(f"LEFT JOIN {table} AS {name} ON {on}")

        def found(table: str, known: tuple[tuple[str, str, str, str], ...]) -> None:
            for name, resource, how, ref in known:
                on = f"{name}.matches = '{how}' AND {name}.resource = {resource} AND {name}.ref = {ref}"
                left(table, name, on)

        if self.names & {"o", "f", "t", "m", "r"}:
            found("directory_reference", REFERENCES)
        for name, table in _BY_PROJECT.items():
            if name in self.names:
                left(table, name, f"{name}.project_id = {PROJECT_ID}")
        if self.names & {"h", "m", "a"}:
            found("directory_account", ACCOUNTS)
        if "h" in self.names:
            left("directory_person", "h", f"h.person_id = {PERSON_ID}")
        if "m" in self.names:
            left("directory_member", "m", f"m.project_id = {PROJECT_ID} AND m.person_id = {PERSON_ID}")
        if "k" in self.names:
            held.append("CROSS JOIN directory_kept AS k")
        return "\n    ".join(held)

    def columns(self) -> list[str]:
        """The columns of usage that the joins mention."""
        found = {name for _, name in _OF_USAGE.findall(self.joins("u.day"))}
        for name in found & set(_NAMED):
            found |= set(_NAMED[name][1])
        return sorted(found - {"day"})


def matching(source: str, filters: Filters, day: str) -> str:
    """A SELECT of the rows of `source` that the filters keep, each once. Their owners are those of `day`."""
    attribution = Attribution.of((), filters)
    once = "DISTINCT " if attribution.repeats else ""
    return f"SELECT {once}u.* FROM ({named(source)}) AS u {attribution.joins(day)} WHERE {kept(filters)}"


_UNOWNED = {
    "project": ("u.project_ref", "u.project_name", "r1.project_id IS NULL AND r2.project_id IS NULL", "o"),
    "person": ("u.user_ref", "u.user_name", f"{PERSON_ID} IS NULL", "h"),
}


UNOWNED_COLUMNS = ("resource", "kind", "project_ref", "project_name", "user_ref", "user_name", "domain")


def unowned(daily: str, what: str, first: str, last: str) -> str:
    """A SELECT of the ids in daily usage that no "project" or "person" owned on the days of use.

    `daily` has rules, day, UNOWNED_COLUMNS, wall_seconds and spans. Days are ISO 8601, both included. Usage
    without any id is there with a null.
    """
    ref, name, condition, needs = _UNOWNED[what]
    joins = Attribution(frozenset({needs})).joins("u.day")
    return f"""
        SELECT {text(what)} AS what, u.resource, u.kind, {ref} AS ref, MAX({name}) AS name,
            MIN(u.day) AS first_day, MAX(u.day) AS last_day, COUNT(DISTINCT u.day) AS days,
            CAST(SUM(u.wall_seconds) AS BIGINT) AS wall_seconds
        FROM ({
        named(
            "SELECT day, resource, kind, project_ref, project_name, user_ref, user_name, domain, "
            f"SUM(wall_seconds) AS wall_seconds, SUM(spans) AS spans FROM ({daily}) "
            f"WHERE rules = 'default' AND day BETWEEN DATE {text(first)} AND DATE {text(last)} "
            "GROUP BY ALL HAVING SUM(spans) <> 0"
        )
    }) AS u {joins}
        WHERE {condition}
        GROUP BY u.resource, u.kind, {ref}
        ORDER BY u.resource, u.kind, ref"""
