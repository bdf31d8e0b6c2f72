"""What do Open XDMoD's importer, and the portals round it, want to know of the hierarchy? Four CSV files.

`hierarchy.csv` (id, name, parent), `group.csv` (group, PI's id), `names.csv` and `pi2project.csv`. In the
form of three columns they go into `xdmod-import-csv`: a project on a cloud stands for a user there, so that
its layer of portal projects is left out, and one on a batch system for a group. In the form of two, portal
projects are groups, and names lead from resource projects to portal projects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

from meterhouse.directory.hierarchy import Hierarchy, PortalProject, ResourceProject

Columns = Literal[2, 3]
FILES = ("hierarchy.csv", "group.csv", "names.csv", "pi2project.csv")
_CLOUD = "cloud_project"


def hierarchy_files(hierarchy: Hierarchy, columns: Columns = 3) -> dict[str, str]:
    """The content of each file."""
    if columns == 3:
        lines = (
            _branches(hierarchy, ","),
            _groups_of_three(hierarchy),
            _names_of_three(hierarchy),
            (
                f"{_quoted(one.name)}, {_quoted(one.name)}, {_quoted(one.resource)}"
                for _, one in _resource_projects(hierarchy, cloud=True)
            ),
        )
    else:
        lines = (
            _branches(hierarchy, ", "),
            (f"{_quoted(project.name)},{_number(hierarchy, project.pi)}" for project in hierarchy.projects),
            (
                f"{_quoted(one.name)}, {_quoted(project.name)}"
                for project, one in _resource_projects(hierarchy)
            ),
            (
                f"{_quoted(one.name)}, {_quoted(one.name)}"
                for _, one in _resource_projects(hierarchy, cloud=True)
            ),
        )
    return {name: "".join(f"{line}\n" for line in _once(of)) for name, of in zip(FILES, lines, strict=True)}


def ambiguous(hierarchy: Hierarchy) -> list[str]:
    """Names of resource projects that several PIs have: Open XDMoD can't tell them apart."""
    pis: dict[str, set[str]] = defaultdict(set)
    for project, one in _resource_projects(hierarchy):
        pis[one.name].add(project.pi)
    return sorted(name for name, several in pis.items() if len(several) > 1)


def _branches(hierarchy: Hierarchy, comma: str) -> Iterator[str]:
    for one in (*hierarchy.institutions, *hierarchy.fields, *hierarchy.pis):
        parent = "" if one.parent is None else comma + _number(hierarchy, one.parent)
        yield f"{_number(hierarchy, one.key)}{comma}{_quoted(one.name)}" + (parent or ",")


def _groups_of_three(hierarchy: Hierarchy) -> Iterator[str]:
    for cloud in (True, False):
        for project, one in _resource_projects(hierarchy, cloud):
            yield f"{_quoted(one.name)}, {_number(hierarchy, project.pi)}"
    for project in hierarchy.projects:
        if any(one.kind != _CLOUD for one in project.resource_projects):
            yield f"{_quoted(project.name)}, {_number(hierarchy, project.pi)}"


def _names_of_three(hierarchy: Hierarchy) -> Iterator[str]:
    for cloud in (True, False):
        for project, one in _resource_projects(hierarchy, cloud):
            yield f"{_quoted(one.name)}, , {_quoted(project.name)}"


def _resource_projects(
    hierarchy: Hierarchy, cloud: bool | None = None
) -> Iterator[tuple[PortalProject, ResourceProject]]:
    found = [
        (project, one)
        for project in hierarchy.projects
        for one in project.resource_projects
        if cloud is None or (one.kind == _CLOUD) == cloud
    ]
    yield from sorted(found, key=lambda pair: hierarchy.numbers[pair[1].key])


def _number(hierarchy: Hierarchy, key: str) -> str:
    return f'"{hierarchy.numbers[key]}"'


def _quoted(text: str) -> str:
    """A name as a CSV field on one line."""
    one_line = " ".join(text.split())
    return '"' + one_line.replace('"', '""') + '"'


def _once(lines: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(lines)
