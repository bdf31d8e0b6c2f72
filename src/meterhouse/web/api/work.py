"""How does a program get what takes long? It asks for a report or an export, and fetches the file."""

from __future__ import annotations

from typing import Literal, cast
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Path, Router

from meterhouse.web.api.answers import require
from meterhouse.web.api.askers import Asker
from meterhouse.web.api.document import FILE, PROBLEMS
from meterhouse.web.api.problems import Problem
from meterhouse.web.api.schemas import (
    ExportAsked,
    ReportAsked,
    ScheduleAsked,
    ScheduleShown,
    StorageAsked,
    WorkShown,
)
from meterhouse.web.work import requests
from meterhouse.web.work.models import Schedule, Work

router = Router(tags=["reports and exports"])
_SHOWN = {200: WorkShown, **PROBLEMS}
_ASKED = {202: WorkShown, **PROBLEMS}
_LISTED = {200: list[WorkShown], **PROBLEMS}
_GONE = {204: None, **PROBLEMS}


@router.post("/reports", response=_ASKED, summary="Make a monthly report")
def ask_report(request: HttpRequest, asked: ReportAsked, response: HttpResponse) -> tuple[int, WorkShown]:
    """Answers at once; the report is made in the background from the rows that the asker may see."""
    asker = require(request, "files")
    return _begun(asker, "report", asked.model_dump(by_alias=True), response)


@router.post("/reports/storage", response=_ASKED, summary="Make a report on file systems")
def ask_storage_report(
    request: HttpRequest, asked: StorageAsked, response: HttpResponse
) -> tuple[int, WorkShown]:
    """Answers at once; the report is made in the background from the files that the asker may see."""
    asker = require(request, "files")
    asker.require("records")
    return _begun(asker, "report", asked.model_dump(mode="json"), response)


@router.get("/reports", response=_LISTED, summary="Which reports did I ask for?")
def reports(request: HttpRequest) -> list[WorkShown]:
    """Mine, the newest first."""
    return _listed(require(request, "files"), "report")


@router.post("/exports", response=_ASKED, summary="Make a file of rows")
def ask_export(request: HttpRequest, asked: ExportAsked, response: HttpResponse) -> tuple[int, WorkShown]:
    """Answers at once; the file is made in the background from the rows that the asker may see."""
    asker = require(request, "files")
    asker.require("usage" if asked.what == "usage" else "records")
    return _begun(asker, "export", asked.model_dump(by_alias=True, mode="json"), response)


@router.get("/exports", response=_LISTED, summary="Which exports did I ask for?")
def exports(request: HttpRequest) -> list[WorkShown]:
    """Mine, the newest first."""
    return _listed(require(request, "files"), "export")


@router.get("/work/{work_id}", response=_SHOWN, summary="How far is it?")
def work(request: HttpRequest, work_id: Path[UUID]) -> WorkShown:
    """A report or an export of mine."""
    return shown(requests.one_of(require(request, "files").user, work_id))


@router.get("/work/{work_id}/file", response=FILE, summary="Fetch the file")
def file(request: HttpRequest, work_id: Path[UUID]) -> HttpResponseBase:
    """The file of a report or an export that is done. Its checksum is the tag."""
    asker = require(request, "files")
    found = requests.file_of(asker.user, work_id)
    tag = f'"{found.sha256}"'
    if request.headers.get("If-None-Match", "") == tag:
        response: HttpResponseBase = HttpResponse(status=304)
    else:
        response = FileResponse(
            found.path.open("rb"), as_attachment=True, filename=found.name, content_type=found.media_type
        )
    response.headers["ETag"] = tag
    return response


@router.delete("/work/{work_id}", response=_GONE, summary="Delete it")
def forget(request: HttpRequest, work_id: Path[UUID]) -> tuple[int, None]:
    """With its file; what is being made is given up."""
    requests.forget(require(request, "files").user, work_id)
    return 204, None


@router.post("/schedules", response={201: ScheduleShown, **PROBLEMS}, summary="Make a report each month")
def ask_schedule(request: HttpRequest, asked: ScheduleAsked) -> tuple[int, ScheduleShown]:
    """The report of the month before, on a day of each month."""
    asker = require(request, "files")
    _known(asker)
    made = requests.schedule(
        asker.user, asked.model_dump(exclude={"day", "mail"}), day=asked.day, mail=asked.mail
    )
    return 201, _schedule(made)


@router.get("/schedules", response={200: list[ScheduleShown], **PROBLEMS}, summary="Which are my schedules?")
def schedules(request: HttpRequest) -> list[ScheduleShown]:
    """Mine, the oldest first."""
    return [_schedule(one) for one in requests.schedules_of(require(request, "files").user)]


@router.delete("/schedules/{schedule_id}", response=_GONE, summary="End a schedule")
def end_schedule(request: HttpRequest, schedule_id: Path[UUID]) -> tuple[int, None]:
    """No more reports by it."""
    requests.end_schedule(require(request, "files").user, schedule_id)
    return 204, None


def shown(work: Work) -> WorkShown:
    """A report or an export as programs see it."""
    return WorkShown(
        id=work.id,
        kind=cast(Literal["report", "export"], work.kind),
        state=cast(Literal["waiting", "running", "done", "failed"], work.state),
        parameters=work.parameters,
        asked_at=work.asked_at,
        started_at=work.started_at,
        ended_at=work.ended_at,
        error=work.error,
        file=f"/api/v1/work/{work.id}/file" if work.has_file else None,
        file_name=work.file_name,
        size_bytes=work.size_bytes,
        sha256=work.sha256,
    )


def _begun(asker: Asker, kind: str, said: dict[str, object], response: HttpResponse) -> tuple[int, WorkShown]:
    _known(asker)
    made = requests.ask_for(asker.user, kind, said)
    response.headers["Location"] = f"/api/v1/work/{made.id}"
    return 202, shown(made)


def _known(asker: Asker) -> None:
    if asker.user is None:
        raise Problem(401, "expected a token or a session")


def _listed(asker: Asker, kind: str) -> list[WorkShown]:
    return [shown(one) for one in requests.work_of(asker.user) if one.kind == kind]


def _schedule(one: Schedule) -> ScheduleShown:
    return ScheduleShown(
        id=one.id, parameters=one.parameters, day=one.day, mail=one.mail, last_month=one.last_month
    )
