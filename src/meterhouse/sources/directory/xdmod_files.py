"""What do Open XDMoD's four CSV files say about people, institutions, fields and projects on clouds?

names: people, who are called so on every resource, and their institutions. hierarchy: fields of science.
group-to-hierarchy: in which field a PI works. cloud-project-to-pi: projects of clouds, and who leads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidField,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Scope,
    Skipped,
    Statement,
)

SOURCE = "xdmod-files"
Rows = Sequence[Mapping[str, Any]]


def statement_of(files: Mapping[str, Rows]) -> Statement:
    """The rows of the newest file of each kind (keys and columns as in `sources.xdmod_csv.IMPORTS`).

    Of two lines about the same the later counts, as in Open XDMoD.
    """
    whole: set[Scope] = set()
    if "names" in files:
        whole |= {"person", "account"}
    if "cloud-project-to-pi" in files:
        whole |= {"project", "member", "reference"}
    said = Statement(SOURCE, complete=frozenset(whole))
    for row in _newest(files, "hierarchy", "abbreviation"):
        said.fields.append(SaidField(row["abbreviation"], row["description"], row["parent"]))
    _people(said, files)
    for row in _newest(files, "cloud-project-to-pi", "cloud", "project_name"):
        key = f"{row['cloud']}/{row['project_name']}"
        said.projects.append(SaidProject(key, row["project_name"]))
        said.references.append(
            SaidReference(key, row["cloud"], "cloud_project", row["project_name"], matches="name")
        )
        said.members.append(SaidMember(key, row["pi"], leader=True, primary_contact=True))
    return said


def _people(said: Statement, files: Mapping[str, Rows]) -> None:
    known = {one.key for one in said.fields}
    field_of = {}
    for row in _newest(files, "group-to-hierarchy", "group_name"):
        if row["abbreviation"] in known:
            field_of[row["group_name"]] = row["abbreviation"]
        else:
            reason = f"abbreviation: expected one of hierarchy.csv, found {row['abbreviation']!r}"
            said.skipped.append(Skipped(f"group {row['group_name']}", reason))
    institutions = set()
    for row in _newest(files, "names", "username"):
        username, institution = row["username"], row["organization"]
        if institution is not None and institution not in institutions:
            institutions.add(institution)
            said.institutions.append(SaidInstitution(institution, institution))
        said.people.append(
            SaidPerson(
                username,
                username,
                row["first_name"],
                row["last_name"],
                institution=institution,
                field=field_of.pop(username, None),
            )
        )
        said.accounts.append(SaidAccount(username, "", username))
    for group in field_of:
        reason = "expected the user name of a PI in names.csv, found none"
        said.skipped.append(Skipped(f"group {group}", reason))


def _newest(files: Mapping[str, Rows], kind: str, *key: str) -> list[Mapping[str, Any]]:
    """One row a key, the last that was said, in the order of the file."""
    rows = {tuple(row[name] for name in key): row for row in files.get(kind, ())}
    return list(rows.values())
