"""To whom does a project belong on each day? Its PI, field, path and funding, with what it inherits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from meterhouse.directory.periods import Dated, During, all_on, cut, joined, on
from meterhouse.directory.register.models import WHOLE
from meterhouse.directory.state import Affiliation, Directory, Membership, Shares

_NOBODY = Affiliation(None, None, None)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a project is: ids; None where nobody said. `line` leads from it up to the root.

    `field` is the project's, else the PI's. `pi_field` is the PI's, else the project's: the exported
    hierarchy has PIs below fields.
    """

    line: tuple[int, ...]
    pi: int | None
    pi_institution: int | None
    pi_field: int | None
    field: int | None
    shares: Shares


def owners(directory: Directory, project: int) -> Dated[Owner]:
    """To whom a project belongs, in order of time, without gap.

    What a sub-project doesn't say of itself (leader, field, funding) the nearest project above it says.
    Without any funding split the PI's institution has all of it.
    """
    return joined(_pieces(directory, project))


def _pieces(directory: Directory, project: int) -> Iterator[During[Owner]]:
    for way in directory.tree.lines(project):
        line = way.value.projects
        said = [
            timelines
            for one in line
            for timelines in (
                directory.memberships.get(one, []),
                directory.project_fields.get(one, []),
                directory.shares.get(one, []),
            )
        ]
        leaders = {
            held.value.person
            for one in line
            for held in directory.memberships.get(one, [])
            if held.value.is_leader
        }
        said += [directory.affiliations.get(person, []) for person in leaders]  # type: ignore[misc]
        for start, end in cut(way.start, way.end, *said):  # type: ignore[arg-type]
            yield During(start, end, _on(directory, line, start))


def _on(directory: Directory, line: tuple[int, ...], day: date) -> Owner:
    pi = next(filter(None, (leader(directory, one, day) for one in line)), None)
    affiliation = on(day, directory.affiliations.get(pi, [])) if pi is not None else None
    affiliation = affiliation or _NOBODY
    field = next(filter(None, (on(day, directory.project_fields.get(one, [])) for one in line)), None)
    shares = next(filter(None, (on(day, directory.shares.get(one, [])) for one in line)), None)
    if shares is None and affiliation.institution is not None:
        shares = ((affiliation.institution, WHOLE),)
    return Owner(
        line,
        pi,
        affiliation.institution,
        affiliation.field or field,
        field or affiliation.field,
        shares or (),
    )


def leader(directory: Directory, project: int, day: date) -> int | None:
    """Who leads a project on a day: of several leaders the primary contact, else the first entered."""
    leading: list[Membership] = [
        one for one in all_on(day, directory.memberships.get(project, [])) if one.is_leader
    ]
    leading.sort(key=lambda one: not one.is_primary_contact)
    return leading[0].person if leading else None
