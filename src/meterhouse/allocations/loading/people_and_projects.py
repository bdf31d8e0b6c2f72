"""How do institutions, people and projects of a ledger file get into the directory?"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from meterhouse.allocations.file import entries as file
from meterhouse.allocations.file.timelines import ever, piece, states
from meterhouse.allocations.loading.differences import Writing
from meterhouse.allocations.loading.names import Names
from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register import models as directory


def write_people_and_projects(entities: file.Entities, writing: Writing, names: Names) -> None:
    """Write them, in an order in which each finds what it refers to."""
    for one in entities.institutes:
        row = writing.put(
            directory.Institution,
            one.name,
            {"name": one.name},
            {"short_name": one.short_name, "is_active": one.is_active},
            one.unsaid(),
        )
        names.remember(row, one.name)
    _people(entities, writing, names)
    _projects(entities, writing, names)
    _memberships(entities, writing, names)
    for account in entities.accounts:
        writing.put_dated(
            directory.Account,
            account.username,
            {"resource": account.machine or "", "matches": "name", "ref": account.username},
            states([ever(person=names.person(account.person))]),
        )
    _groups(entities, writing, names)


def _people(entities: file.Entities, writing: Writing, names: Names) -> None:
    apart: dict[str, list[file.Affiliation]] = defaultdict(list)
    for one in entities.affiliations:
        apart[one.person or ""].append(one)
    for person in entities.persons:
        first, _, last = person.full_name.rpartition(" ")
        row = writing.put(
            directory.Person,
            person.username,
            {"username": person.username},
            {"first_name": first, "last_name": last, "email": person.email, "is_active": person.is_active},
            person.unsaid(first_name="full_name", last_name="full_name"),
        )
        names.remember(row, person.username)
        base = []
        if person.institute or person.career_level:
            base = [file.Affiliation(institute=person.institute, career_level=person.career_level)]
        _affiliations([*base, *person.affiliations, *apart.pop(person.username, [])], row, writing, names)
    for username, several in apart.items():
        _affiliations(several, names.person(username), writing, names)


def _affiliations(
    said: list[file.Affiliation], person: directory.Person, writing: Writing, names: Names
) -> None:
    entries = []
    for one in said:
        level = None
        if one.career_level:
            level = writing.put(directory.CareerLevel, one.career_level, {"name": one.career_level}, {})
        institution = names.optional(names.institution, one.institute)
        entries.append(piece(one, institution=institution, career_level=level))
    writing.put_dated(directory.PersonAffiliation, person.username, {"person": person}, states(entries))


def _projects(entities: file.Entities, writing: Writing, names: Names) -> None:
    for project in entities.projects:
        row = writing.put(
            directory.Project,
            project.pid,
            {"code": project.pid},
            {
                "title": project.name,
                "description": project.description,
                "start_date": project.start_date,
                "end_date": project.end_date + timedelta(days=1) if project.end_date else None,
                "is_active": project.is_active,
            },
            project.unsaid(title="name"),
        )
        names.remember(row, project.pid)
    apart: dict[str, list[file.ParentOf]] = defaultdict(list)
    for move in entities.project_parents:
        apart[move.project or ""].append(move)
    policies: dict[str, list[file.Policy]] = defaultdict(list)
    for policy in entities.policies:
        policies[policy.project or ""].append(policy)
    for project in entities.projects:
        base = [ever(parent=names.project(project.parent))] if project.parent else []
        _parents(base, [*project.parents, *apart.pop(project.pid, [])], project.pid, writing, names)
        changes = policies.pop(project.pid, [])
        is_silent = project.unsaid() >= {"allocation_mode", "shares_with_children"} and not changes
        if not (is_silent and _has_policy(project.pid, writing, names)):
            said = ever(mode=project.allocation_mode, shares_with_children=project.shares_with_children)
            _policies([said], changes, project.pid, writing, names)
    for pid, moves in apart.items():
        _parents([], moves, pid, writing, names)
    for pid, several in policies.items():
        _policies([], several, pid, writing, names)
    _references(entities, writing, names)
    funders = {project.pid: project.institute for project in entities.projects if project.institute}
    funders |= {one.root_project: one.name for one in entities.institutes if one.root_project}
    for pid, institute in funders.items():
        _funded_by(pid, institute, writing, names)


def _references(entities: file.Entities, writing: Writing, names: Names) -> None:
    said: dict[tuple[str, str, str], list[tuple[str, file.ProjectReference]]] = defaultdict(list)
    for pid, one in (
        *((project.pid, one) for project in entities.projects for one in project.references),
        *((one.project or "", one) for one in entities.project_references),
    ):
        said[one.resource, one.matches, one.ref].append((pid, one))
    for (resource, matches, ref), several in said.items():
        subject = {"resource": resource, "matches": matches, "ref": ref}
        entries = [
            piece(one, project=names.project(pid), kind=one.kind, name=one.name) for pid, one in several
        ]
        writing.put_dated(directory.ProjectReference, f"{ref} on {resource}", subject, states(entries))


def _parents(base: list, moves: list[file.ParentOf], pid: str, writing: Writing, names: Names) -> None:  # type: ignore[type-arg]
    entries = [*base, *(piece(one, parent=names.optional(names.project, one.parent)) for one in moves)]
    known = [
        (recorded, [one for one in pieces if one.values["parent"] is not None])
        for recorded, pieces in states(entries)
    ]
    writing.put_dated(directory.ProjectParent, pid, {"project": names.project(pid)}, known)


def _policies(base: list, said: list[file.Policy], pid: str, writing: Writing, names: Names) -> None:  # type: ignore[type-arg]
    changes = (
        piece(one, mode=one.allocation_mode, shares_with_children=one.shares_with_children) for one in said
    )
    writing.put_dated(
        ledger.AllocationPolicy, pid, {"project": names.project(pid)}, states([*base, *changes])
    )


def _has_policy(pid: str, writing: Writing, names: Names) -> bool:
    return ledger.AllocationPolicy.objects.using(writing.alias).filter(project=names.project(pid)).exists()


def _funded_by(pid: str, institute: str, writing: Writing, names: Names) -> None:
    """The whole of a project by one institution, where nothing else was said of its funding."""
    project = names.project(pid)
    if directory.FundingSplit.objects.using(writing.alias).filter(project=project).exists():
        return
    split = writing.put(directory.FundingSplit, pid, {"project": project}, {})
    writing.put(
        directory.InstitutionShare,
        pid,
        {"split": split, "institution": names.institution(institute)},
        {"millionths": directory.WHOLE},
    )
    split.is_complete = True
    split.save(using=writing.alias)


def _memberships(entities: file.Entities, writing: Writing, names: Names) -> None:
    said: dict[tuple[str, str], list[file.Membership]] = defaultdict(list)
    for one in entities.memberships:
        said[one.person, one.project].append(one)
    for account in entities.accounts:
        # Whose default a project is, is a member of it.
        if account.default_project and (account.person, account.default_project) not in said:
            said[account.person, account.default_project].append(
                file.Membership(
                    person=account.person, project=account.default_project, is_default_project=True
                )
            )
    for (person, project), several in said.items():
        entries = []
        for one in several:
            level = (
                writing.put(directory.ProjectLevel, one.level, {"name": one.level}, {}) if one.level else None
            )
            entries.append(
                piece(
                    one,
                    level=level,
                    is_leader=one.is_project_leader,
                    is_supervisor=one.is_project_supervisor,
                    is_primary_contact=one.is_primary_contact,
                    is_default_project=one.is_default_project,
                )
            )
        subject = {"person": names.person(person), "project": names.project(project)}
        writing.put_dated(directory.ProjectMembership, f"{person} in {project}", subject, states(entries))


def _groups(entities: file.Entities, writing: Writing, names: Names) -> None:
    for group in entities.groups:
        owner: dict[str, object] = {"institution": None, "project": None}
        if group.parent is not None:
            kind, of = group.parent
            # A number counts the file's own list, as KEP 5's object ids do.
            if kind in ("institute", "institution"):
                listed = [one.name for one in entities.institutes]
                owner["institution"] = names.institution(_counted(listed, of))
            elif kind == "project":
                owner["project"] = names.project(_counted([one.pid for one in entities.projects], of))
            else:
                raise ValueError(f"group {group.name}: expected an institute or project, found {kind!r}")
        values = {"foreign_id": group.foreign_id or "", "description": group.description, **owner}
        writing.put(ledger.OwnedGroup, group.name, {"name": group.name}, values)


def _counted(listed: list[str], of: str) -> str:
    return listed[int(of) - 1] if of.isdigit() and of not in listed and 0 < int(of) <= len(listed) else of
