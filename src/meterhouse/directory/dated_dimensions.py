"""Whose was it on that day? The directory as tables with days, which a usage question joins by day of use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from meterhouse.directory.known import EVER, NEVER
from meterhouse.directory.ownership import Owner, owners
from meterhouse.directory.periods import Dated, During, joined
from meterhouse.directory.state import Affiliation, Directory, Shares
from meterhouse.usage.attribution import DATED_DIMENSIONS, UNATTRIBUTED


def dated_dimensions(directory: Directory) -> dict[str, pa.Table]:
    """The tables of `usage.attribution.DATED_DIMENSIONS`, as known to `directory`."""
    owned = {project: owners(directory, project) for project in directory.projects}
    rows: dict[str, Iterable[tuple[Any, ...]]] = {
        "directory_kept": [(UNATTRIBUTED if _is_kept(directory) else None,)],
        "directory_reference": (
            (one.resource, one.matches, one.ref, one.project, one.start, one.end)
            for one in directory.references
            if one.start < one.end
        ),
        "directory_owner": _owner_rows(directory, owned),
        "directory_share": _share_rows(directory, owned),
        "directory_tree": _tree_rows(directory),
        "directory_account": (
            (one.resource, one.matches, one.ref, one.person, one.start, one.end)
            for one in directory.accounts
            if one.start < one.end
        ),
        "directory_person": _person_rows(directory),
        "directory_member": (
            (project, held.value.person, directory.project_levels[held.value.level], held.start, held.end)
            for project, members in directory.memberships.items()
            for held in members
            if held.value.level is not None
        ),
    }
    return {name: _table(name, rows[name]) for name in DATED_DIMENSIONS}


def empty_dimensions() -> dict[str, pa.Table]:
    """The same tables of a directory that says nothing."""
    return {name: _table(name, [(None,)] if name == "directory_kept" else []) for name in DATED_DIMENSIONS}


def project_path(directory: Directory, line: tuple[int, ...]) -> str:
    """What a project is called with all above it but the root: "Ocean models / Tides"."""
    named = [directory.projects[one] for one in reversed(line)]
    return " / ".join(one.called for one in named if not one.is_root) or named[-1].called


def _is_kept(directory: Directory) -> bool:
    return bool(directory.references or directory.accounts)


def _owner_rows(directory: Directory, owned: dict[int, Dated[Owner]]) -> Iterator[tuple[Any, ...]]:
    for project, held in owned.items():
        one = directory.projects[project]
        for during in held:
            owner = during.value
            pi = directory.people.get(owner.pi) if owner.pi is not None else None
            fields = directory.field_path(owner.field) if owner.field is not None else []
            wider = [fields[min(level, len(fields) - 1)] for level in range(3)] if fields else [None] * 3
            yield (
                project,
                during.start,
                during.end,
                one.code,
                one.called,
                project_path(directory, owner.line),
                None if pi is None else pi.listed,
                None if pi is None else str(pi.id),
                _institution(directory, owner.pi_institution),
                _id(owner.pi_institution),
                *wider,
                _id(owner.field),
            )


def _share_rows(directory: Directory, owned: dict[int, Dated[Owner]]) -> Iterator[tuple[Any, ...]]:
    for project, held in owned.items():
        shares: Dated[Shares] = joined(During(one.start, one.end, one.value.shares) for one in held)
        for during in shares:
            for institution, millionths in during.value:
                yield (
                    project,
                    during.start,
                    during.end,
                    _institution(directory, institution),
                    _id(institution),
                    millionths,
                )


def _tree_rows(directory: Directory) -> Iterator[tuple[Any, ...]]:
    for project in directory.projects:
        for during in directory.tree.lines(project):
            line = during.value.projects
            for height, ancestor in enumerate(line):
                yield (
                    project,
                    during.start,
                    during.end,
                    directory.projects[ancestor].code,
                    project_path(directory, line[height:]),
                )


def _person_rows(directory: Directory) -> Iterator[tuple[Any, ...]]:
    nobody = Affiliation(None, None, None)
    for person in directory.people.values():
        since = EVER
        timeline: list[During[Affiliation]] = []
        for held in sorted(directory.affiliations.get(person.id, []), key=lambda one: one.start):
            timeline += [During(since, held.start, nobody)] if since < held.start else []
            timeline.append(held)
            since = held.end
        timeline += [During(since, NEVER, nobody)] if since < NEVER else []
        for during in timeline:
            told = during.value
            yield (
                person.id,
                during.start,
                during.end,
                person.listed,
                str(person.id),
                _institution(directory, told.institution),
                _id(told.institution),
                None if told.career_level is None else directory.career_levels[told.career_level],
            )


def _institution(directory: Directory, id_: int | None) -> str | None:
    return None if id_ is None else directory.institutions[id_]


def _id(id_: int | None) -> str | None:
    return None if id_ is None else str(id_)


def _table(name: str, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    schema = DATED_DIMENSIONS[name]
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [() for _ in schema]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )
