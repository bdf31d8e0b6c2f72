"""How does an answer become a file? As the command prints it, as a workbook, for programs, as a picture."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.compared import AGAINST
from meterhouse.reports.exchanged import plain
from meterhouse.reports.names import shown
from meterhouse.usage.answer import Answer
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.answering import answered
from meterhouse.web.api.formats import as_bytes, as_csv
from meterhouse.web.api.usage_columns import usage_columns
from meterhouse.web.asking import moment_of
from meterhouse.web.pages.charts.answers import KINDS
from meterhouse.web.pages.charts.drawing import DRAWN, draw
from meterhouse.web.pages.charts.specs import titled
from meterhouse.web.pages.explore import answer_and_chart
from meterhouse.web.pages.frame import for_visitors
from meterhouse.web.pages.words import Words
from meterhouse.web.pages.workbook import workbook_of
from meterhouse.web.rights import Forbidden
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    **DRAWN,
}


@for_visitors
def download(request: HttpRequest) -> HttpResponse:
    """The answer to the question in the address, whole, in the format that it names."""
    right, how = right_of_request(request), request.GET.get("format", "csv")
    kind, against = request.GET.get("chart", "line"), request.GET.get("compare", "")
    try:
        if how not in MEDIA_TYPES:
            raise QuestionError(f"format: expected one of {', '.join(MEDIA_TYPES)}, found {how!r}")
        if kind not in KINDS or (against and against not in AGAINST):
            raise QuestionError(f"chart: expected one of {', '.join(KINDS)}, found {kind!r}")
        words = Words.of(request.GET)
        found = answered(right.restrict(words.question), moment_of(words.as_of))
        if how in DRAWN:
            _, drawn = answer_and_chart(words, right, found, kind, against)
            if drawn is None:
                raise QuestionError("chart: expected an answer to draw, found no data")
            site = shown(served_site().settings.site.name)
            said = "; ".join([site, f"{words.first} to {words.last}", *map(shown, words.where)])
            body = draw(drawn, how, titled(found.question.meters[0]), said)
        else:
            body = as_file(found, how, words.command)
    except Forbidden as refusal:
        return render(request, "no_permission.html", {"why": str(refusal)}, status=403)
    except MeterhouseError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be made", "text": str(mistake)}, status=400
        )
    audit("download", request.user.get_username() or "anybody", f"{how}: {words.command}", request)
    name = f"usage-{words.realm}-{words.first}-{words.last}.{how}"
    return attachment(body, MEDIA_TYPES[how], name)


def attachment(body: bytes, media: str, name: str) -> HttpResponse:
    """A file to be kept. Its name is ours: nothing that came from outside is in it."""
    response = HttpResponse(body, content_type=media)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_file(found: Answer, how: str, command: str) -> bytes:
    """CSV and JSON are, byte for byte, what the command prints; but that in CSV no text is a formula."""
    columns, records = found.columns(), found.records()
    if how == "csv":
        return as_csv(columns, records)
    if how == "json":
        rows: list[dict[str, Any]] = [{name: plain(one[name]) for name in columns} for one in records]
        return (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode()
    if how == "parquet":
        return as_bytes("parquet", usage_columns(found.question), records, {})
    return workbook_of(found, command, shown(served_site().settings.site.name), datetime.now(UTC))
