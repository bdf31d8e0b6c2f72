"""What of a source's earlier word does it no longer say, and what follows from that?

Whoever isn't heard of any more is inactive, but keeps accounts and memberships: usage that goes on still
is theirs. A tie ends only when both its ends are still spoken of, and it isn't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meterhouse.directory.pen import Difference
from meterhouse.directory.register.models import Identity, Person, Project

if TYPE_CHECKING:
    from meterhouse.directory.reconciling import Reconciling


def let_go(run: Reconciling) -> None:
    """Count what was missed, and let go of what was missed often enough."""
    habits, pen = run.habits, run.pen
    complete: frozenset[str] = frozenset(run.statement.complete)
    seen_people = {one.id for one in run.things.people.values()}
    seen_projects = {one.id for one in run.things.projects.values()}
    for project in run.things.projects.values():
        if not project.is_active and project.end_date is None:
            pen.change(project, Difference("end", "project", project.code), end_date=habits.effective)
    for one in run.identities.unseen(complete):
        if one.missed_runs < habits.inactive_after:
            continue
        if one.kind == "person":
            _let_person_go(run, one)
        elif one.kind == "project":
            _let_project_go(run, one)
        elif one.kind == "member" and one.project_id in seen_projects:
            row = run.members.current((one.person_id, one.project_id))
            if row is not None and not _is_elsewhere(run, one):
                run.members.end(row, f"{row.person} of {row.project.code}")
        elif one.kind == "reference" and one.project_id in seen_projects:
            _end(run, one, run.references, one.project_id)
        elif one.kind == "account" and one.person_id in seen_people:
            _end(run, one, run.accounts, one.person_id)


def _let_person_go(run: Reconciling, one: Identity) -> None:
    person = Person.objects.using(run.pen.alias).get(pk=one.person_id or 0)
    if not run.identities.means_elsewhere(run.habits.inactive_after, person_id=person.id):
        name = person.username or str(person)
        run.pen.change(person, Difference("end", "person", name, "no longer spoken of"), is_active=False)


def _let_project_go(run: Reconciling, one: Identity) -> None:
    project = Project.objects.using(run.pen.alias).get(pk=one.project_id or 0)
    if not run.identities.means_elsewhere(run.habits.inactive_after, project_id=project.id):
        difference = Difference("end", "project", project.code, "no longer spoken of")
        end = project.end_date or run.habits.effective
        run.pen.change(project, difference, is_active=False, end_date=end)


def _end(run: Reconciling, one: Identity, ties: Any, owner: int | None) -> None:
    resource, matches, ref = one.external_id.split("|", 2)
    row = ties.current((resource, matches, ref))
    owned = row is not None and owner in (getattr(row, "project_id", None), getattr(row, "person_id", None))
    if owned and not _is_elsewhere(run, one):
        ties.end(row, f"{ref} on {resource or 'every resource'}")


def _is_elsewhere(run: Reconciling, one: Identity) -> bool:
    return run.identities.said_elsewhere(one.kind, one.external_id, run.habits.inactive_after)
