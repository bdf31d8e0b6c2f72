"""How much was used, by whom, when? The question stands in the address; table and chart answer it."""

from __future__ import annotations

import shlex
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.questions import answer_question
from meterhouse.usage.answer import Answer
from meterhouse.usage.meters import PERIODS, find_realm, groupings, profiles
from meterhouse.usage.question import Question
from meterhouse.web.asking import moment_of, question_of, split
from meterhouse.web.pages.charts import KINDS, chart, written
from meterhouse.web.pages.frame import for_visitors
from meterhouse.web.rights import PUBLIC_GROUPINGS, Forbidden, Right
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

ROWS = 500
# What a click on a row breaks it down by next.
_DEEPER = {
    "resource": "institution",
    "institution": "portal_project",
    "pi": "portal_project",
    "field": "portal_project",
    "portal_project": "person",
    "project_tree": "person",
    "project": "user",
}


def site_today() -> date:
    """The present day of the site's clock."""
    return datetime.now(ZoneInfo(served_site().settings.site.time_zone)).date()


def day_of(query: QueryDict, name: str, otherwise: date) -> date:
    """A day of the address."""
    value = query.get(name)
    if not value:
        return otherwise
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise QuestionError(f"{name}: expected a day as YYYY-MM-DD, found {value!r}") from None


def words_of(query: QueryDict) -> dict[str, Any]:
    """The words of the question in the address; what isn't said is this month, by day, of the cloud."""
    today = site_today()
    realm, profile = query.get("realm") or "cloud", query.get("profile") or "default"
    by = split(query.getlist("by"))
    return {
        "realm": realm,
        "profile": profile,
        "meters": split(query.getlist("meter")) or list(find_realm(profile, realm).meters)[:1],
        "first": day_of(query, "from", today.replace(day=1)),
        "last": day_of(query, "to", today),
        "by": by if "by" in query else ["day"],
        "where": [one for one in query.getlist("where") if one.strip()],
    }


def pairs_of(words: dict[str, Any], **changed: Any) -> list[tuple[str, str]]:
    """The words as they stand in an address, also that of the API."""
    words = words | changed
    return [
        ("realm", words["realm"]),
        *([("profile", words["profile"])] if words["profile"] != "default" else []),
        ("meter", ",".join(words["meters"])),
        ("by", ",".join(words["by"])),
        ("from", str(words["first"])),
        ("to", str(words["last"])),
        *(("where", one) for one in words["where"]),
    ]


@for_visitors
def explore(request: HttpRequest) -> HttpResponse:
    """The page, whole: htmx takes from it what has changed."""
    right = right_of_request(request)
    as_of = request.GET.get("as_of", "")
    kind = request.GET.get("chart", "line")
    context: dict[str, Any] = {
        "realms": profiles()["default"],
        "periods": PERIODS,
        "kinds": KINDS,
        "as_of": as_of,
    }
    context["groupings"] = [
        one
        for one in groupings().values()
        if not one.spans_only and (not right.totals_only or one.name in PUBLIC_GROUPINGS)
    ]
    try:
        if kind not in KINDS:
            raise QuestionError(f"chart: expected one of {', '.join(KINDS)}, found {kind!r}")
        words = words_of(request.GET)
        question = question_of(**words)
        found = answer_question(served_site(), right.restrict(question), moment_of(as_of))
    except Forbidden as refusal:
        return render(request, "no_permission.html", {"why": str(refusal)}, status=403)
    except MeterhouseError as mistake:
        return render(
            request, "explore.html", context | {"mistake": str(mistake), "kind": "line"}, status=400
        )
    context |= {
        "words": words,
        "units": [name for name in words["by"] if name in PERIODS],
        "grouped": [*(name for name in words["by"] if name not in PERIODS), "", ""][:2],
        "meters": find_realm(words["profile"], words["realm"]).meters.values(),
        "kind": kind,
        "found": found,
        "head": _head(found),
        "rows": _rows(found, words, question, right)[:ROWS],
        "row_limit": ROWS,
        "chart": written(chart(found, kind)),
        "question": question,
        "address": urlencode(pairs_of(words) + ([("as_of", as_of)] if as_of else [])),
        "items_address": urlencode(
            [
                ("from", str(words["first"])),
                ("to", str(words["last"])),
                *(("where", one) for one in words["where"]),
            ]
        ),
        "command": _command(words, as_of),
        "may_see_items": not right.totals_only,
    }
    return render(request, "explore.html", context)


def _head(found: Answer) -> list[tuple[str, str]]:
    """Column titles with their units."""
    question = found.question
    head = [(question.period.capitalize(), "")] if question.period else []
    head += [(grouping.title, "") for grouping in question.groupings]
    return head + [(meter.title, meter.unit) for meter in question.meters]


def _rows(found: Answer, words: dict[str, Any], question: Question, right: Right) -> list[dict[str, Any]]:
    """Cells as text; a label with an address that asks further."""
    rows = []
    for row in found.rows:
        labels = []
        for grouping, label, id_ in zip(question.groupings, row.labels, row.ids, strict=True):
            deeper = _DEEPER.get(grouping.name)
            address = ""
            if deeper and not right.totals_only and deeper not in words["by"]:
                where = [*words["where"], f"{grouping.name}={id_ or label}"]
                by = [deeper if name == grouping.name else name for name in words["by"]]
                address = urlencode(pairs_of(words, where=where, by=by))
            labels.append({"text": label, "address": address})
        rows.append(
            {
                "period": row.period,
                "labels": labels,
                "values": ["–" if value is None else f"{value:,}" for value in row.values],
            }
        )
    return rows


def _command(words: dict[str, Any], as_of: str) -> str:
    parts = ["meterhouse", "usage", "--realm", words["realm"], "--meter", ",".join(words["meters"])]
    if words["by"]:
        parts += ["--by", ",".join(words["by"])]
    parts += ["--from", str(words["first"]), "--to", str(words["last"])]
    for one in words["where"]:
        parts += ["--where", one]
    if words["profile"] != "default":
        parts += ["--profile", words["profile"]]
    if as_of:
        parts += ["--as-of", as_of]
    return shlex.join(parts)


def months_back(day: date, months: int) -> date:
    """The first day of the month so many before."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def month_end(day: date) -> date:
    """The last day of the month."""
    return months_back(day, -1) - timedelta(days=1)
