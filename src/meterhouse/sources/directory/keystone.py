"""What do Keystone's projects say, as they were collected? Projects, their tree, and names on the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidPerson,
    SaidProject,
    SaidReference,
    Scope,
    Skipped,
    Statement,
)


def read(
    source: str, resource: str, projects: Iterable[Mapping[str, Any]], users: Iterable[Mapping[str, Any]] = ()
) -> Statement:
    """What rows of the raw tables `openstack_project` and `openstack_user` say, the newest of each id.

    A project at the top has its domain for a parent; it stands below the whole centre here.
    """
    rows = list(projects)
    people = list(users)
    scope: set[Scope] = {"project", "reference"}
    if people:
        scope |= {"person", "account"}
    statement = Statement(source, frozenset(scope), frozenset({"person", "project"}))
    known = {row["project_id"] for row in rows}
    for number, row in enumerate(rows, 1):
        key, name = row["project_id"], row["name"]
        if not key:
            statement.skipped.append(
                Skipped(f"projects, record {number}", "id: expected a value, found none")
            )
            continue
        parent = row["parent_id"] if row["parent_id"] in known - {row["domain_id"], key} else None
        enabled = row["enabled"] is not False
        statement.projects.append(
            SaidProject(key, name or key, description=row["description"], parent=parent, active=enabled)
        )
        statement.references.append(SaidReference(key, resource, "cloud_project", key, name=name))
    for row in people:
        statement.people.append(
            SaidPerson(
                row["user_id"],
                username=row["name"],
                email=row["email"],
                active=row["enabled"] is not False,
            )
        )
        statement.accounts.append(SaidAccount(row["user_id"], resource, row["user_id"], "id"))
    return statement
