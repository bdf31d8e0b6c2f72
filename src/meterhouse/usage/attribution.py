"""Whose is a row of usage? SQL that joins daily usage or spans with the dimension tables it is given.

The dimension tables come from the caller (directory.dimensions); this side knows only their columns.
"""

from __future__ import annotations

from meterhouse.usage.meters import Grouping

UNKNOWN = "Unknown"

Filters = tuple[tuple[Grouping, tuple[str, ...]], ...]


def text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    """Strings as a list of SQL literals."""
    return ", ".join(text(value) for value in values)


def named(source: str) -> str:
    """Rows of `source` with the names that the dimensions know for their project and user.

    A project is called by its newest known name, so that it is one project after it was renamed.
    """
    return f"""
        SELECT u.* REPLACE (COALESCE(u.user_name, i.user_name) AS user_name,
                COALESCE(n.project_name, u.project_name) AS project_name,
                COALESCE(u.domain, n.domain) AS domain)
        FROM ({source}) AS u
        LEFT JOIN user_dimension AS i ON i.resource = u.resource AND i.user_ref = u.user_ref
        LEFT JOIN project_dimension AS n ON n.resource = u.resource AND n.project_ref = u.project_ref"""


# For rows of `named` under the name u: w is the person, p who the project belongs to.
JOINS = """
    LEFT JOIN person_dimension AS w ON w.user_name = u.user_name
    LEFT JOIN owner_dimension AS p ON p.resource = u.resource AND p.project_name = u.project_name"""


def kept(filters: Filters) -> str:
    """A condition over u, w and p: each grouping's label or id is one of its values."""
    conditions = ["TRUE"]
    for grouping, values in filters:
        wanted = texts(values)
        label = f"COALESCE(CAST({grouping.label} AS VARCHAR), {text(UNKNOWN)}) IN ({wanted})"
        conditions.append(f"({label} OR {grouping.id} IN ({wanted}))" if grouping.id else label)
    return " AND ".join(conditions)
