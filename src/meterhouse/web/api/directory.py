"""Whose is it? Institutions, people and projects of a day, as known at a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from meterhouse.directory.state import Directory
from meterhouse.operations.directory_listing import person_rows, project_rows
from meterhouse.web.api.answers import listing
from meterhouse.web.api.askers import asker_of
from meterhouse.web.api.document import ANSWERS, answers
from meterhouse.web.api.problems import Problem
from meterhouse.web.api.schemas import DirectoryAsked
from meterhouse.web.asking import days_of
from meterhouse.web.seen import Seen
from meterhouse.web.serving import served_site

router = Router(tags=["directory"])

_TEXT = pa.string()
_INSTITUTION = {"id": pa.int64(), "name": _TEXT}
_PERSON = dict.fromkeys(("username", "name", "institution", "career_level", "field"), _TEXT)
_CONTACTS = ("email", "accounts")  # of people are for staff
_PROJECT = dict.fromkeys(
    ("code", "title", "parent", "path", "pi", "field", "funded_by", "resource_projects"), _TEXT
) | {"start": pa.date32(), "end": pa.date32()}
_MEMBER = dict.fromkeys(("project", "username", "name", "level"), _TEXT) | {
    "is_leader": pa.bool_(),
    "is_primary_contact": pa.bool_(),
    "start": pa.date32(),
    "end": pa.date32(),
}


@router.get("/institutions", response=ANSWERS, summary="Which institutions are there?")
@answers(_INSTITUTION)
def institutions(request: HttpRequest, asked: Query[DirectoryAsked]) -> HttpResponse:
    """Those that fund, or that people belong to, of what the asker may see."""
    seen = _seen(request, asked)
    rows = [
        {"id": id_, "name": name}
        for id_, name in sorted(seen.directory.institutions.items(), key=lambda one: (one[1], one[0]))
        if seen.institutions is None or id_ in seen.institutions
    ]
    return listing(request, "directory", asked, "institutions", _INSTITUTION, rows)


@router.get("/people", response=ANSWERS, summary="Who is there?")
@answers(_PERSON | dict.fromkeys(_CONTACTS, _TEXT), optional=_CONTACTS)
def people(request: HttpRequest, asked: Query[DirectoryAsked]) -> HttpResponse:
    """People, by name. Staff also sees mail addresses and accounts."""
    seen = _seen(request, asked)
    columns = _PERSON | (dict.fromkeys(_CONTACTS, _TEXT) if asker_of(request).is_staff else {})
    rows: list[dict[str, Any]] = list(
        person_rows(served_site(), seen.day, seen.directory.known, only=seen.people)
    )
    return listing(request, "directory", asked, "people", columns, rows)


@router.get("/projects", response=ANSWERS, summary="Which projects are there, and which stands below which?")
@answers(_PROJECT)
def projects(request: HttpRequest, asked: Query[DirectoryAsked]) -> HttpResponse:
    """Projects of a day, by path."""
    return listing(request, "directory", asked, "projects", _PROJECT, _projects(_seen(request, asked)))


@router.get("/projects/{code}", response=ANSWERS, summary="What is this project?")
@answers(_PROJECT)
def project(request: HttpRequest, code: Path[str], asked: Query[DirectoryAsked]) -> HttpResponse:
    """The project and those below it."""
    rows = _projects(_seen(request, asked))
    within = {code}
    found = [one for one in rows if one["code"] == code]
    while below := [one for one in rows if one["parent"] in within and one["code"] not in within]:
        within |= {str(one["code"]) for one in below}
        found += below
    if not found or found[0]["code"] != code:
        _no_project(code)
    return listing(request, "directory", asked, "project", _PROJECT, found)


@router.get("/projects/{code}/members", response=ANSWERS, summary="Who is in this project?")
@answers(_MEMBER)
def members(request: HttpRequest, code: Path[str], asked: Query[DirectoryAsked]) -> HttpResponse:
    """Its members of a day, as they were entered."""
    seen = _seen(request, asked)
    directory = seen.directory
    wanted = next((one for one in directory.projects.values() if one.code == code and not one.is_root), None)
    if wanted is None or not (seen.projects is None or wanted.id in seen.projects):
        _no_project(code)
    rows = [
        {
            "project": code,
            "username": directory.people[held.value.person].username,
            "name": directory.people[held.value.person].listed,
            "level": directory.project_levels.get(held.value.level) if held.value.level else None,
            "is_leader": held.value.is_leader,
            "is_primary_contact": held.value.is_primary_contact,
            "start": None if held.start == date.min else held.start,
            "end": None if held.end == date.max else held.end,
        }
        for held in directory.memberships.get(wanted.id, [])
        if held.start <= seen.day < held.end
    ]
    return listing(request, "directory", asked, "members", _MEMBER, rows)


def _projects(seen: Seen) -> list[dict[str, Any]]:
    return list(project_rows(served_site(), seen.day, seen.directory.known, only=seen.projects))


def _no_project(code: str) -> NoReturn:
    # The same words whether it isn't there or isn't theirs.
    raise Problem(404, f"there is no project {code[:100]!r} on that day that this account may see")


def _seen(request: HttpRequest, asked: DirectoryAsked) -> Seen:
    asker = asker_of(request)
    asker.require("directory")
    site = served_site()
    day = asked.day or datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
    days_of(day, day)
    known = asked.known
    if known is not None and known.tzinfo is None:
        known = known.replace(tzinfo=UTC)
    return Seen(asker.right, Directory(site.register.alias, known), day)
