"""Whose is a foreign user or project? The dimension tables that the usage question joins.

Names come from what the sources themselves say (names seen in records, Keystone's listings) and from Open
XDMoD's CSV imports; each import replaces the one before, and `as_of` gives the one known then. The
directory's own tables say what was true on which day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from meterhouse.directory.kept_dimensions import kept_dimensions
from meterhouse.usage.daily_source import project_names

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

# The dimension tables and their columns; all text.
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "user_dimension": ("resource", "user_ref", "user_name"),
    "project_dimension": ("resource", "project_ref", "project_name", "domain", "parent_ref"),
    "person_dimension": ("user_name", "person", "institution"),
    "owner_dimension": (
        "resource",
        "project_name",
        "pi",
        "pi_institution",
        "field",
        "parent_field",
        "directorate",
    ),
    # a PI whom records name by group or login, as jobs and files on disk do
    "group_dimension": ("group_name", "pi", "pi_institution", "field", "parent_field", "directorate"),
}

_NEWEST = "SELECT * FROM {table} WHERE recorded_at = (SELECT MAX(recorded_at) FROM {table})"

_PEOPLE = """
SELECT username AS user_name,
    CASE WHEN first_name IS NULL THEN last_name ELSE last_name || ', ' || first_name END AS person,
    organization AS institution
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY username ORDER BY record DESC) AS newest FROM names)
WHERE newest = 1"""

_FIELDS_OF_GROUPS = """
WITH node AS (
    SELECT abbreviation, description, parent
    FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY abbreviation ORDER BY record DESC) AS newest FROM hierarchy
    )
    WHERE newest = 1
),
grouped AS (
    SELECT group_name, abbreviation
    FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY group_name ORDER BY record DESC) AS newest
        FROM group_hierarchy
    )
    WHERE newest = 1
)
SELECT
    k.group_name, COALESCE(w.person, k.group_name) AS pi, w.institution AS pi_institution,
    a.description AS field,
    -- what stands on the middle level is its own bottom level, as Open XDMoD has it
    CASE WHEN c.abbreviation IS NULL THEN a.description ELSE b.description END AS parent_field,
    COALESCE(c.description, b.description, a.description) AS directorate
FROM (SELECT user_name AS group_name FROM people UNION SELECT group_name FROM grouped) AS k
LEFT JOIN people AS w ON w.user_name = k.group_name
LEFT JOIN grouped AS g ON g.group_name = k.group_name
LEFT JOIN node AS a ON a.abbreviation = g.abbreviation
LEFT JOIN node AS b ON b.abbreviation = a.parent AND b.abbreviation <> a.abbreviation
LEFT JOIN node AS c ON c.abbreviation = b.parent AND c.abbreviation <> b.abbreviation"""

_OWNERS = """
WITH owned AS (
    SELECT cloud, project_name, pi
    FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY cloud, project_name ORDER BY record DESC) AS newest
        FROM cloud_project
    )
    WHERE newest = 1
)
SELECT o.cloud AS resource, o.project_name, COALESCE(p.pi, o.pi) AS pi, p.pi_institution,
    p.field, p.parent_field, p.directorate
FROM owned AS o
LEFT JOIN groups AS p ON p.group_name = o.pi"""

# Keystone's newest word on each id; what has been deleted since keeps its last name.
_KEYSTONE_USERS = """
SELECT resource, user_id AS user_ref, name AS user_name
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY resource, user_id ORDER BY observed_at DESC) AS newest
    FROM keystone_user)
WHERE newest = 1"""
_KEYSTONE_PROJECTS = """
SELECT p.resource, p.project_id AS project_ref, p.name AS project_name, d.name AS domain,
    -- a project at the top has its domain for a parent
    CASE WHEN p.parent_id <> p.domain_id THEN p.parent_id END AS parent_ref
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY resource, project_id ORDER BY observed_at DESC) AS newest
    FROM keystone_project) AS p
LEFT JOIN (SELECT *, ROW_NUMBER() OVER (PARTITION BY resource, domain_id ORDER BY observed_at DESC) AS newest
    FROM keystone_domain) AS d ON d.resource = p.resource AND d.domain_id = p.domain_id AND d.newest = 1
WHERE p.newest = 1
UNION ALL
-- where Keystone was not asked: the newest name that a record gave
SELECT resource, project_ref, ARG_MAX(project_name, ROW(last_day, project_name)) AS project_name,
    ARG_MAX(domain, ROW(last_day, domain)) AS domain, NULL AS parent_ref
FROM said
WHERE NOT EXISTS (
    SELECT 1 FROM keystone_project AS k WHERE k.resource = said.resource AND k.project_id = said.project_ref
)
GROUP BY resource, project_ref"""


def dimension_tables(view: View, engine: DuckDBEngine) -> dict[str, pa.Table]:
    """The tables of DIMENSIONS, and the directory's with their days, as known in `view`."""
    for name, table in (
        ("names", "xdmod_name"),
        ("hierarchy", "xdmod_hierarchy"),
        ("group_hierarchy", "xdmod_group_hierarchy"),
        ("cloud_project", "xdmod_cloud_project"),
    ):
        engine.relation(f"{name}_all", view.select(table))
        engine.relation(name, _NEWEST.format(table=f"{name}_all"))
    for name in ("user", "project", "domain"):
        engine.relation(f"keystone_{name}", view.select(f"openstack_{name}"))
    engine.relation("said", project_names(view))
    engine.relation("people", _PEOPLE)
    engine.relation("groups", _FIELDS_OF_GROUPS)
    answers = {
        "user_dimension": engine.query(_KEYSTONE_USERS),
        "project_dimension": engine.query(_KEYSTONE_PROJECTS),
        "person_dimension": engine.query("SELECT * FROM people"),
        "owner_dimension": engine.query(_OWNERS),
        "group_dimension": engine.query("SELECT * FROM groups"),
    }
    for name, table in answers.items():
        assert tuple(table.column_names) == DIMENSIONS[name]
    return {**answers, **kept_dimensions(view)}
