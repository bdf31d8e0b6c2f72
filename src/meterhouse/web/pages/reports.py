"""How does somebody get a report or an export? Asked for here, made in the background, fetched later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.site_month import REPORTED_REALMS
from meterhouse.reports.storage.tabled import REPORTS
from meterhouse.web.asking import split
from meterhouse.web.pages.amounts import size
from meterhouse.web.pages.frame import for_accounts, is_staff
from meterhouse.web.pages.notices import looked, notice_of
from meterhouse.web.pages.words import months_back, site_today
from meterhouse.web.rights import Forbidden
from meterhouse.web.serving import served_site
from meterhouse.web.work.parameters import DUMP_FORMATS, EXPORT_FORMATS, REPORT_FORMATS
from meterhouse.web.work.requests import (
    NotReady,
    NotThere,
    ask_for,
    end_schedule,
    file_of,
    forget,
    schedule,
    schedules_of,
    work_of,
)

_SHOWN = 50
_OF_STORAGE = ("storage", "day", "by", "depth", "days", "since", "least_size", "limit", "format")
_EXPORTS = {
    "spans": "Spans: who had what, from when to when",
    "log": "Transaction log",
    "dump": "All tables",
}


@for_accounts
def reports(request: HttpRequest) -> HttpResponse:
    """The page: what was asked for, and the forms that ask for more."""
    looked(request)
    today = site_today()
    month = months_back(today, 1)
    mail = getattr(request.user, "email", "")
    context = _made(request) | {
        "month": f"{month:%Y-%m}",
        "realms": REPORTED_REALMS,
        "formats": REPORT_FORMATS,
        "export_formats": EXPORT_FORMATS,
        "dump_formats": DUMP_FORMATS,
        "exports": {name: title for name, title in _EXPORTS.items() if name != "dump" or is_staff(request)},
        "first": month,
        "last": today,
        "storage_reports": REPORTS if served_site().settings.volumes else {},
        "storage_by": list(dict.fromkeys(name for one in REPORTS.values() for name in one.by)),
        "schedules": [
            {"one": one, "about": _about({**one.parameters, "month": "each month"})}
            for one in schedules_of(request.user)
        ],
        "may_mail": bool(mail) and served_site().settings.alerts.mail is not None,
        "mail": mail,
    }
    return render(request, "reports.html", context)


@for_accounts
def made(request: HttpRequest) -> HttpResponse:
    """The list alone, asked for again as long as something is being made."""
    looked(request)
    return render(request, "reports_made.html", _made(request))


@for_accounts
def notice(request: HttpRequest) -> HttpResponse:
    """The frame's notice alone."""
    return render(request, "notice.html", {"work": notice_of(request)})


@for_accounts
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a report or an export."""
    said = request.POST
    kind = said.get("kind", "report")
    names = (
        ("month", "realm", "institution", "project", "format", "profile")
        if kind == "report"
        else ("what", "from", "to", "realm", "profile", "meter", "by", "as_of", "format")
    )
    if "storage" in said:
        names = _OF_STORAGE
    parameters: dict[str, Any] = {name: said[name] for name in names if said.get(name)}
    if "storage" in said:
        parameters |= {name: name in said for name in ("partial", "same_name")}
        parameters |= {name: split(said.getlist(name)) for name in ("volume", "rate")}
    elif kind == "report":
        parameters["log"] = "log" in said
    elif where := [one for one in said.getlist("where") if one.strip()]:
        parameters["where"] = where

    def work() -> HttpResponse:
        ask_for(request.user, kind, parameters)
        messages.success(request, "It is being made. A notice here says when it's ready.")
        return redirect("reports")

    return _done(request, work)


@for_accounts
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """A report of every month from now on."""
    said = request.POST
    names = ("realm", "institution", "project", "format")
    parameters: dict[str, Any] = {name: said[name] for name in names if said.get(name)}
    parameters["log"] = "log" in said

    def work() -> HttpResponse:
        day = said.get("day", "")
        if not (day.isascii() and day.isdigit() and len(day) < 3):
            raise QuestionError(f"day: expected 1 to 28, found {day!r}")
        schedule(request.user, parameters, day=int(day), mail="mail" in said)
        messages.success(request, "It will be made each month.")
        return redirect("reports")

    return _done(request, work)


@for_accounts
@require_POST
def end(request: HttpRequest, id_: UUID) -> HttpResponse:
    """End a schedule, or delete what was made."""

    def work() -> HttpResponse:
        if request.POST.get("do") == "schedule":
            end_schedule(request.user, id_)
        else:
            forget(request.user, id_)
        return redirect("reports")

    return _done(request, work)


@for_accounts
def fetch(request: HttpRequest, id_: UUID) -> HttpResponseBase:
    """The file."""
    try:
        file = file_of(request.user, id_)
    except NotThere:
        raise Http404 from None
    except (Forbidden, NotReady) as refusal:
        status = 403 if isinstance(refusal, Forbidden) else 409
        context = {"title": "It can't be fetched", "text": str(refusal)}
        return render(request, "failure.html", context, status=status)
    return FileResponse(
        file.path.open("rb"), as_attachment=True, filename=file.name, content_type=file.media_type
    )


def _made(request: HttpRequest) -> dict[str, Any]:
    rows = work_of(request.user, _SHOWN)
    return {
        "made": [
            {
                "one": one,
                "about": _about(one.parameters) if one.kind == "report" else _export(one.parameters),
                "size": size(one.size_bytes),
            }
            for one in rows
        ],
        "open": any(one.state in ("waiting", "running") for one in rows),
    }


def _about(parameters: dict[str, Any]) -> str:
    if "storage" in parameters:
        parts = [f"Storage: {parameters['storage']}", *parameters.get("volume", [])]
        parts += [f"by {parameters['by']}"] if parameters.get("by") else []
        return f"{', '.join(parts)}, {parameters['day']} ({parameters.get('format', 'csv').upper()})"
    parts = [f"Report of {parameters['month']}", parameters.get("realm", "cloud")]
    parts += [parameters[name] for name in ("institution", "project") if parameters.get(name)]
    if parameters.get("log"):
        parts.append("with the log")
    return ", ".join(parts) + f" ({parameters.get('format', 'pdf').upper()})"


def _export(parameters: dict[str, Any]) -> str:
    what = parameters.get("what", "usage")
    parts = [f"Export of {'all tables' if what == 'dump' else what}"]
    if what == "usage":
        parts.append(f"{parameters.get('realm', 'cloud')} by {parameters.get('by') or 'nothing'}")
    parts += parameters.get("where", [])
    return (
        f"{', '.join(parts)}, {parameters['from']} to {parameters['to']} "
        f"({parameters.get('format', 'csv').upper()})"
    )


def _done(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do it, or say why it can't be done."""
    try:
        return work()
    except NotThere:
        raise Http404 from None
    except Forbidden as refusal:
        return render(request, "no_permission.html", {"why": str(refusal)}, status=403)
    except MeterhouseError as mistake:
        context = {"title": "That can't be made", "text": str(mistake), "back": reverse("reports")}
        return render(request, "failure.html", context, status=400)
