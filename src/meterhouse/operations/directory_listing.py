"""What does the directory say, in rows? Projects, people, changes, and what in usage nobody owns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.dated_dimensions import project_path
from meterhouse.directory.dimensions import dimension_tables
from meterhouse.directory.ownership import owners
from meterhouse.directory.periods import on
from meterhouse.directory.register import models
from meterhouse.directory.register.recorded import Recorded
from meterhouse.directory.state import Directory
from meterhouse.usage.attribution import UNOWNED_COLUMNS, unowned
from meterhouse.usage.daily_source import entries_by_day

if TYPE_CHECKING:
    from meterhouse.site import Site

PROJECT_COLUMNS = ("code", "title", "path", "pi", "field", "funded_by", "resource_projects", "start", "end")
PERSON_COLUMNS = ("username", "name", "email", "institution", "career_level", "field", "accounts")
HISTORY_COLUMNS = ("known_from", "who", "why", "what", "id", "change", "before", "after")
UNATTRIBUTED_COLUMNS = (
    *("what", "resource", "kind", "ref", "name", "first_day", "last_day", "days", "wall_seconds"),
)
_CHANGES = {"+": "added", "~": "changed", "-": "removed"}


def project_rows(
    site: Site, day: date, known: datetime | None, only: Container[int] | None = None
) -> Iterator[dict[str, object]]:
    """Projects of a day, by path; sub-projects stand under those above them. `only` keeps some ids."""
    directory = Directory(site.register.alias, known)
    named: dict[int, list[str]] = defaultdict(list)
    for one in directory.references:
        if one.start <= day < one.end:
            named[one.project].append(f"{one.ref} on {one.resource}")
    rows: list[dict[str, object]] = []
    for project in directory.projects.values():
        if only is not None and project.id not in only:
            continue
        owner = on(day, owners(directory, project.id))
        if owner is None or project.is_root or not project.start <= day < project.end:
            continue
        shares = (
            f"{directory.institutions[institution]} {millionths / 10_000:g} %"
            for institution, millionths in owner.shares
        )
        rows.append(
            {
                "code": project.code,
                "title": project.title,
                "parent": _parent(directory, owner.line),
                "path": project_path(directory, owner.line),
                "pi": "" if owner.pi is None else directory.people[owner.pi].listed,
                "field": "" if owner.field is None else directory.fields[owner.field][0],
                "funded_by": ", ".join(shares),
                "resource_projects": ", ".join(named[project.id]),
                "start": None if project.start == date.min else project.start,
                "end": None if project.end == date.max else project.end,
            }
        )
    yield from sorted(rows, key=lambda row: (str(row["path"]), str(row["code"])))


def _parent(directory: Directory, line: tuple[int, ...]) -> str | None:
    """The code of the project right above; None below the root."""
    above = directory.projects.get(line[1]) if len(line) > 1 else None
    return None if above is None or above.is_root else above.code


def person_rows(
    site: Site, day: date, known: datetime | None, only: Container[int] | None = None
) -> Iterator[dict[str, object]]:
    """People, by name. `only` keeps some ids."""
    directory = Directory(site.register.alias, known)
    accounts: dict[int, list[str]] = defaultdict(list)
    for one in directory.accounts:
        if one.start <= day < one.end:
            accounts[one.person].append(f"{one.ref} on {one.resource}" if one.resource else one.ref)
    for person in sorted(directory.people.values(), key=lambda one: (one.listed.casefold(), one.id)):
        if only is not None and person.id not in only:
            continue
        told = on(day, directory.affiliations.get(person.id, []))
        yield {
            "username": person.username,
            "name": person.listed,
            "email": person.email,
            "institution": directory.institutions[told.institution] if told and told.institution else "",
            "career_level": directory.career_levels[told.career_level] if told and told.career_level else "",
            "field": directory.fields[told.field][0] if told and told.field else "",
            "accounts": ", ".join(accounts[person.id]),
        }


def history_rows(site: Site, since: datetime | None) -> list[dict[str, object]]:
    """Each change of a row of the directory, in the order in which it became known."""
    alias = site.register.alias
    found: list[tuple[tuple[Any, ...], dict[str, object]]] = []
    for model in _recorded_models():
        history = model.history.using(alias).order_by("id", "history_date", "history_id")
        names = [field.attname for field in history.model.tracked_fields if field.attname != "id"]
        before: dict[str, object] = {}
        last_id = None
        for row in history.values("id", "history_id", "history_date", "history_type", "history_user_id",
                                  "history_change_reason", *names):  # fmt: skip
            after = {name: row[name] for name in names}
            earlier = before if row["id"] == last_id else {}
            changed = [name for name in names if not earlier or earlier[name] != after[name]]
            before, last_id = after, row["id"]
            if since is not None and row["history_date"] < since:
                continue
            found.append(
                (
                    (row["history_date"], model._meta.model_name, row["history_id"]),
                    {
                        "known_from": row["history_date"],
                        "who": row["history_user_id"],
                        "why": row["history_change_reason"],
                        "what": str(model._meta.verbose_name),
                        "id": row["id"],
                        "change": _CHANGES[row["history_type"]],
                        "before": _told({name: earlier[name] for name in changed} if earlier else {}),
                        "after": _told({name: after[name] for name in changed}),
                    },
                )
            )
    return [row for _, row in sorted(found, key=lambda one: one[0])]


def unattributed_rows(site: Site, first: date, last: date, what: str) -> list[dict[str, Any]]:
    """Foreign ids in daily usage that no project or person owned on the day of use."""
    view = site.warehouse.view()
    with site.engine() as engine, view.reading():
        for name, table in dimension_tables(view, engine).items():
            engine.relation(name, table)
        found = []
        for one in ("project", "person"):
            if what in (one, "all"):
                daily = entries_by_day(view, UNOWNED_COLUMNS, ("wall_seconds", "spans"))
                sql = unowned(daily, one, first.isoformat(), last.isoformat())
                found += engine.query(sql, name=f"unattributed {one}").to_pylist()
    return found


def _recorded_models() -> list[type[Recorded]]:
    return [
        model
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, Recorded) and not model._meta.abstract
    ]


def _told(values: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items() if value not in (None, ""))
