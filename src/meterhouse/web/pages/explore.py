"""How much was used, by whom, when? The question stands in the address; table and chart answer it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.compared import AGAINST, Compared, compare, earlier
from meterhouse.usage.answer import Answer
from meterhouse.usage.meters import PERIODS, find_grouping, find_realm, groupings, profiles
from meterhouse.web import present
from meterhouse.web.answering import answered, present_directory
from meterhouse.web.asking import moment_of
from meterhouse.web.pages.charts.answers import KINDS, chart
from meterhouse.web.pages.charts.specs import Spec, as_text
from meterhouse.web.pages.drilling import crumbs, days_of_periods, deeper, items_address, project_tree
from meterhouse.web.pages.frame import for_visitors
from meterhouse.web.pages.kept_register import seen_of
from meterhouse.web.pages.words import Words, site_today
from meterhouse.web.pages.written import State, Written, written
from meterhouse.web.rights import PUBLIC_GROUPINGS, Forbidden, Right
from meterhouse.web.saved.models import MOVING
from meterhouse.web.seen import Seen
from meterhouse.web.visitors import right_of_request
from meterhouse.web.work.parameters import EXPORT_FORMATS

ROWS = 200
_VALUES = 200


@for_visitors
def explore(request: HttpRequest) -> HttpResponse:
    """The page, whole: htmx takes from it what has changed."""
    right = right_of_request(request)
    against, kind = request.GET.get("compare", ""), request.GET.get("chart", "line")
    try:
        words = Words.of(request.GET)
        if "filter" in request.GET or "chosen" in request.GET:
            return redirect(f"{reverse('explore')}?{_chosen(request, words, kind, against)}")
        if kind not in KINDS:
            raise QuestionError(f"chart: expected one of {', '.join(KINDS)}, found {kind!r}")
        signed_in, here = request.user.is_authenticated, request.build_absolute_uri("/api/v1/usage")
        content = written(
            "explore_content.html",
            right,
            lambda: State((present_directory(),), (present.view().snapshot,)),
            (words, kind, against, signed_in, here, site_today()),
            lambda: {
                **_offered(right),
                **_content(
                    words,
                    right,
                    kind,
                    against,
                    None if right.totals_only or not words.where else seen_of(right),
                ),
                "signed_in": signed_in,
                "api_address": f"{here}?{words.address()}",
            },
        )
    except Forbidden as refusal:
        return render(request, "no_permission.html", {"why": str(refusal)}, status=403)
    except MeterhouseError as mistake:
        told = {**_offered(right), "compare": against, "kind": "line", "mistake": str(mistake)}
        content = Written(render_to_string("explore_content.html", told), behind=False)
        return render(request, "explore.html", {"content": content}, status=400)
    return render(request, "explore.html", {"content": content})


def _offered(right: Right) -> dict[str, Any]:
    """What the form lets one choose from."""
    return {
        "realms": profiles()["default"],
        "periods": PERIODS,
        "kinds": KINDS,
        "against": AGAINST,
        "groupings": [
            one
            for one in groupings().values()
            if not one.spans_only and (not right.totals_only or one.name in PUBLIC_GROUPINGS)
        ],
        "moving": MOVING,
        "export_formats": EXPORT_FORMATS,
    }


def _content(words: Words, right: Right, kind: str, against: str, seen: Seen | None) -> dict[str, Any]:
    """The question in the form, and its answer. Raises MeterhouseError where it can't be asked so."""
    found = answered(right.restrict(words.question), moment_of(words.as_of))
    rows, drawn = answer_and_chart(words, right, found, kind, against)
    return {
        "words": words,
        "grouped": [*words.grouped, "", ""][:2],
        "meters": find_realm(words.profile, words.realm).meters.values(),
        "crumbs": crumbs(words, seen),
        "kind": kind,
        "compare": against,
        "found": found,
        "known": present.view(found.snapshot),
        "head": _head(found, bool(against)),
        "rows": _rows(rows[:ROWS], words, right, bool(against)),
        "row_limit": ROWS,
        "row_count": len(rows),
        "chart": as_text(drawn),
        "question": words.question,
        "address": words.address(),
        "shown": words.address(chart=kind, compare=against),
        "items_address": "" if right.totals_only else items_address(words),
        "earlier": earlier(words.question, against) if against else None,
    }


def answer_and_chart(
    words: Words, right: Right, found: Answer, kind: str, against: str
) -> tuple[list[Compared], Spec | None]:
    """The rows, beside the earlier ones where they are compared, and the chart of the first meter."""
    as_of = moment_of(words.as_of)
    rows = [Compared(row.period, "", row.labels, row.ids, row.values, ()) for row in found.rows]
    compared = None
    if against:
        before = answered(right.restrict(earlier(words.question, against)), as_of)
        rows = compared = compare(found, before)
    if kind == "pie" and words.unit:
        found = answered(right.restrict(replace(words.question, period=None)), as_of)
    return rows, chart(found, kind, compared)


@for_visitors
def values(request: HttpRequest) -> HttpResponse:
    """Labels of a grouping that this visitor may see in this question, for the field of a filter."""
    right = right_of_request(request)
    try:
        words = Words.of(request.GET)
        grouping = find_grouping(request.GET.get("filter", ""))
        asked = words.changed(by=(grouping.name,), meters=words.meters[:1]).question
        rows = answered(right.restrict(asked), moment_of(words.as_of)).rows
    except MeterhouseError:
        rows = ()
    typed = request.GET.get("value", "").casefold()
    matching = [row for row in rows if typed in row.labels[0].casefold()]
    offered = [{"value": row.labels[0], "id": row.ids[0]} for row in matching[:_VALUES]]
    return render(request, "explore_values.html", {"offered": offered})


def _chosen(request: HttpRequest, words: Words, kind: str, against: str) -> str:
    """The address of what was chosen in the form: only the words of the question are left of it."""
    name, value = request.GET.get("filter", ""), request.GET.get("value", "").strip()
    if name and value:
        one = f"{find_grouping(name).name}={value}"
        words = words.changed(where=tuple(dict.fromkeys((*words.where, one))))
    return words.address(chart=kind, compare=against)


def _head(found: Answer, compared: bool) -> list[tuple[str, str, bool]]:
    """Column titles with their units, and whether they hold numbers."""
    question = found.question
    head = [(question.period.capitalize(), "", False)] if question.period else []
    head += [(grouping.title, "", False) for grouping in question.groupings]
    for meter in question.meters:
        head.append((meter.title, meter.unit, True))
        if compared:
            head += [("Before", meter.unit, True), ("Difference", meter.unit, True), ("", "%", True)]
    return head


def _rows(rows: list[Compared], words: Words, right: Right, compared: bool) -> list[dict[str, Any]]:
    """Cells as text; a label with an address that asks further."""
    tree = project_tree() if words.grouped and not right.totals_only else None
    periods = days_of_periods(words)
    names = words.grouped
    told = []
    for row in rows:
        labels = []
        for name, label, id_ in zip(names, row.labels, row.ids, strict=True):
            address, items = "", ""
            if tree is not None:
                further = deeper(words, name, label, id_, tree)
                if further is not None:
                    address = further.address()
                else:
                    days = periods.get(row.period)
                    items = items_address(words, (f"{name}={id_ or label}",), days)
            labels.append({"text": label, "address": address, "items": items})
        cells: list[tuple[str, str]] = []
        for place, value in enumerate(row.values):
            cells.append((_number(value), ""))
            if compared:
                change, percent = row.differences[place], row.percents[place]
                way = "" if not change else ("more" if change > 0 else "less")
                cells += [
                    (_number(row.earlier[place]), ""),
                    (_signed(change), way),
                    (_signed(percent), way),
                ]
        told.append(
            {
                "period": row.period,
                "earlier_period": row.earlier_period,
                "labels": labels,
                "cells": cells,
            }
        )
    return told


def _number(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:,}"


def _signed(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:+,}"


def explore_address(**words: object) -> str:
    """The address of a question, for links from other pages."""
    return f"{reverse('explore')}?{urlencode(words, doseq=True)}"
