"""Who may see which rows? One function decides it for pages, API, exports and charts alike.

What a person may see follows from how things stand today: whom the account stands for, in which projects
that person is, which they lead, and what stands below those. Which usage belongs to a project, person or
institution follows from the day of use, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db.models import Q, QuerySet

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.register.models import ProjectMembership, ProjectParent
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked
from meterhouse.usage.attribution import Filters
from meterhouse.usage.meters import Grouping
from meterhouse.usage.question import Question

Role = Literal["public", "user", "institution", "staff", "administrator"]

# What anybody may ask by where the site opens its totals: nothing that names people, projects or items.
PUBLIC_GROUPINGS = frozenset({"resource", "kind", "state"})
_SEEN = "seen"


class Forbidden(MeterhouseError):
    """Asked for what this visitor may not see."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a role, and the ids of the person and the institution of the directory behind it."""

    role: Role
    person: int | None = None
    institution: int | None = None


@dataclass(frozen=True, slots=True)
class Right:
    """Which rows: all of them, or those of these people, projects or institutions (ids of the directory).

    With `totals_only` all rows count, but only sums by PUBLIC_GROUPINGS may be asked for.
    """

    everything: bool = False
    totals_only: bool = False
    people: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()
    institutions: frozenset[int] = frozenset()

    @property
    def filters(self) -> Filters:
        """What a question must be filtered by. Only whole numbers get into the SQL."""
        if self.everything or self.totals_only:
            return ()
        either = []
        if self.people:
            either.append(f"h.person_id IN ({_numbers(self.people)})")
        if self.projects:
            either.append(f"o.project_id IN ({_numbers(self.projects)})")
        if self.institutions:
            # An institution's share of a project, of which usage is counted in proportion.
            ids = ", ".join(f"'{int(one)}'" for one in sorted(self.institutions))
            either.append(f"f.institution_id IN ({ids})")
        label = f"CASE WHEN {' OR '.join(either) or 'FALSE'} THEN '{_SEEN}' ELSE 'hidden' END"
        return ((Grouping("right", "What may be seen", label), (_SEEN,)),)

    @property
    def key(self) -> str:
        """Different for rights that see different rows."""
        return repr(
            (self.everything, self.totals_only, *map(sorted, (self.people, self.projects, self.institutions)))
        )

    def covers(self, other: Right) -> bool:
        """Whether this right sees every row that `other` sees."""
        if self.everything:
            return True
        if other.everything or other.totals_only:
            return False
        return (
            self.people >= other.people
            and self.projects >= other.projects
            and self.institutions >= other.institutions
        )

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "everything": self.everything,
            "people": sorted(self.people),
            "projects": sorted(self.projects),
            "institutions": sorted(self.institutions),
        }

    @classmethod
    def from_record(cls, kept: Mapping[str, Any]) -> Right:
        """The right that `record` kept."""
        return cls(
            everything=bool(kept["everything"]),
            people=frozenset(kept["people"]),
            projects=frozenset(kept["projects"]),
            institutions=frozenset(kept["institutions"]),
        )

    def restrict(self, question: Question) -> Question:
        """The question as this right may ask it. Raises Forbidden where that would be another one."""
        if self.totals_only:
            asked_by = (*question.groupings, *(grouping for grouping, _ in question.filters))
            beyond = sorted({one.name for one in asked_by} - PUBLIC_GROUPINGS)
            if beyond:
                raise Forbidden(
                    f"by: without logging in expected {', '.join(sorted(PUBLIC_GROUPINGS))}, "
                    f"found {', '.join(beyond)}"
                )
            return question
        return Question(
            question.realm,
            question.meters,
            question.first,
            question.last,
            question.period,
            question.groupings,
            (*question.filters, *self.filters),
        )


def may_see(visitor: Visitor, alias: str, today: date, public: bool = False) -> Right:
    """Which rows `visitor` may see; `alias` names the register, `public` whether totals are open to all."""
    if visitor.role in ("staff", "administrator"):
        return Right(everything=True)
    if visitor.role == "public":
        return Right(totals_only=public)
    projects: set[int] = set()
    if visitor.person is not None:
        held = ProjectMembership.objects.using(alias).filter(_on(today), person=visitor.person)
        rows = asked(alias, lambda: list(held.values_list("project_id", "is_leader", "is_supervisor")))
        led = {project for project, leads, supervises in rows if leads or supervises}
        projects = {project for project, _, _ in rows} | _with_all_below(led, alias, today)
    return Right(
        people=frozenset() if visitor.person is None else frozenset({visitor.person}),
        projects=frozenset(projects),
        institutions=(
            frozenset({visitor.institution})
            if visitor.role == "institution" and visitor.institution is not None
            else frozenset()
        ),
    )


def _with_all_below(projects: set[int], alias: str, today: date) -> set[int]:
    found, above = set(projects), set(projects)
    while above:
        children = ProjectParent.objects.using(alias).filter(_on(today), parent__in=sorted(above))
        below = set(_projects_of(children, alias))
        above = below - found
        found |= above
    return found


def _projects_of(rows: QuerySet[ProjectParent], alias: str) -> list[int]:
    return asked(alias, lambda: list(rows.values_list("project_id", flat=True)))


def _on(day: date) -> Q:
    since = Q(valid_from__isnull=True) | Q(valid_from__lte=day)
    return since & (Q(valid_until__isnull=True) | Q(valid_until__gt=day))


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(str(int(one)) for one in sorted(ids))
