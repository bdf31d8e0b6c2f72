"""What does a click on a row ask next? From the institution down to one item, and back by the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from meterhouse.directory.kept_dimensions import kept_dimensions
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.meters import find_realm, groupings
from meterhouse.web import present
from meterhouse.web.answering import kept_for_directory
from meterhouse.web.pages.words import Words
from meterhouse.web.seen import Seen

# What a row is broken down by next; what stands in neither list ends at the items behind it.
_DEEPER = {
    "resource": "institution",
    "kind": "resource",
    "institution": "portal_project",
    "pi": "portal_project",
    "pi_institution": "pi",
    "directorate": "parent_field",
    "parent_field": "field",
    "field": "portal_project",
    "project_path": "person",
    "project_tree": "portal_project",
    "portal_project": "person",
    "person_institution": "person",
    "career_level": "person",
    "project_level": "person",
    "project": "user",
    "account": "user",
    "namespace": "user",
}


@dataclass(frozen=True, slots=True)
class Tree:
    """Whether the directory knows projects, and the codes of those that have others below them."""

    known: bool
    above_others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way down: what was chosen, the address that goes back to it, and one without it."""

    title: str
    text: str
    back: str
    without: str


def project_tree() -> Tree:
    """The tree as it is known now."""

    def read() -> Tree:
        table = kept_dimensions(present.view())["directory_tree"].select(["code", "project_id"])
        below: dict[str, set[str]] = {}
        for row in table.to_pylist():
            below.setdefault(row["code"], set()).add(row["project_id"])
        return Tree(bool(below), frozenset(code for code, ids in below.items() if len(ids) > 1))

    return kept_for_directory("tree", read)


def deeper(words: Words, grouping: str, label: str, id_: str, tree: Tree) -> Words | None:
    """The question that a click on a label asks; None where only items lie below."""
    following = _DEEPER.get(grouping)
    if following is None:
        return None
    value = id_ or label
    filtered = grouping
    if not tree.known and following == "portal_project":
        following = "project"
    if grouping == "portal_project" and id_ in tree.above_others:
        inside = f"project_tree={id_}"
        if inside not in words.where:  # first the project with all that stands below it
            filtered, following = "project_tree", "portal_project"
    where = f"{filtered}={value}"
    if where in words.where:
        return None
    wanted = [following if name == grouping else name for name in words.by]
    return words.changed(where=(*words.where, where), by=tuple(dict.fromkeys(wanted)))


def items_address(words: Words, also: tuple[str, ...] = (), days: tuple[date, date] | None = None) -> str:
    """The address of the items behind a question, or behind one row of it."""
    first, last = days or (words.first, words.last)
    kinds = find_realm(words.profile, words.realm).kinds
    pairs = [("from", str(first)), ("to", str(last))]
    pairs += [("where", one) for one in dict.fromkeys((*words.where, *also))]
    if not any(one.startswith("kind=") for one in (*words.where, *also)):
        pairs += [("where", f"kind={kind}") for kind in kinds]
    return urlencode(pairs)


def days_of_periods(words: Words) -> dict[str, tuple[date, date]]:
    """The first and last day of each unit of time of a question, within its days."""
    if not words.unit:
        return {}
    table = calendar_table(words.first, words.last, "UTC")
    found: dict[str, tuple[date, date]] = {}
    for day, name in zip(table.column("day").to_pylist(), table.column(words.unit).to_pylist(), strict=True):
        first, _ = found.get(str(name), (day, day))
        found[str(name)] = (first, day)
    return found


def crumbs(words: Words, seen: Seen | None) -> list[Crumb]:
    """How the visitor got here: each filter with the question that was asked when it was chosen.

    Of what the visitor may see in the directory names are shown instead of ids.
    """
    found = []
    for place, one in enumerate(words.where):
        name, _, value = one.partition("=")
        known = groupings().get(name)
        found.append(
            Crumb(
                known.title if known else name,
                value if seen is None else _named(name, value, seen),
                words.changed(where=words.where[: place + 1]).address(),
                words.changed(where=(*words.where[:place], *words.where[place + 1 :])).address(),
            )
        )
    return found


def _named(grouping: str, value: str, seen: Seen) -> str:
    """What people call an id that this visitor may know; the id itself otherwise."""
    known = seen.directory
    if grouping in _PROJECTS:
        project = next((one for one in known.projects.values() if one.code == value), None)
        if project is not None and (seen.projects is None or project.id in seen.projects):
            return project.called
    if not (value.isascii() and value.isdigit() and len(value) < 18):
        return value
    number = int(value)
    if grouping in _PEOPLE and number in known.people and (seen.people is None or number in seen.people):
        return known.people[number].listed
    may = known.institutions if seen.institutions is None else seen.institutions
    if grouping in _INSTITUTIONS and number in may:
        return known.institutions[number]
    return value


_PROJECTS = ("portal_project", "project_path", "project_tree")
_PEOPLE = ("person", "pi")
_INSTITUTIONS = ("institution", "person_institution", "pi_institution")
