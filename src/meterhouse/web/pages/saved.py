"""What did somebody keep to see again? Saved questions and dashboards, shown as their reader may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.compared import AGAINST
from meterhouse.web.answering import answered
from meterhouse.web.asking import moment_of
from meterhouse.web.pages.charts.answers import KINDS
from meterhouse.web.pages.charts.specs import as_text, titled
from meterhouse.web.pages.explore import answer_and_chart
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.words import Words, site_today
from meterhouse.web.saved import keeping
from meterhouse.web.saved.models import MOVING, Dashboard, SavedQuestion
from meterhouse.web.visitors import right_of_request

_MOVES = {"up": -1, "down": 1, "remove": 0}


@for_accounts
def saved(request: HttpRequest) -> HttpResponse:
    """The page: one's questions and dashboards."""
    boards = keeping.dashboards_of(request.user)
    questions = [
        {
            "one": one,
            "address": address_now(one),
            "moving": dict(MOVING)[one.moving],
            "link": _link(request, one),
        }
        for one in keeping.questions_of(request.user)
    ]
    return render(request, "saved.html", {"questions": questions, "boards": boards})


@for_accounts
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the question that was shown."""

    def work() -> HttpResponse:
        said = QueryDict(request.POST.get("address", ""))
        words = Words.of(said)
        _ = words.question  # what can't be asked isn't kept
        kind, against = said.get("chart", "line"), said.get("compare", "")
        if kind not in KINDS or (against and against not in AGAINST):
            raise QuestionError(f"chart: expected one of {', '.join(KINDS)}, found {kind!r}")
        one = keeping.save_question(
            request.user,
            request.POST.get("title", ""),
            words.address(chart=kind, compare=against),
            request.POST.get("moving", ""),
        )
        messages.success(request, f"Saved as “{one.title}”.")
        return redirect(f"{reverse('explore')}?{address_now(one)}")

    return _done(request, work)


@for_accounts
@require_POST
def change(request: HttpRequest, id_: int) -> HttpResponse:
    """Rename, delete or share a question, or put it on a dashboard."""

    def work() -> HttpResponse:
        one = keeping.own(request.user, SavedQuestion, id_)
        if request.POST.get("do") != "add":
            return _changed(one, request) or redirect("saved")
        board = keeping.own(request.user, Dashboard, _number(request.POST.get("dashboard")))
        keeping.add_panel(board, one)
        return redirect("dashboard", board.pk)

    return _done(request, work)


@for_accounts
def open_shared(request: HttpRequest, key: str) -> HttpResponse:
    """A question that somebody shared: it is asked by whoever opens it."""
    try:
        return redirect(f"{reverse('explore')}?{address_now(keeping.shared(SavedQuestion, key))}")
    except keeping.NotKept:
        raise Http404 from None


@for_accounts
@require_POST
def make_dashboard(request: HttpRequest) -> HttpResponse:
    """An empty one."""
    return _done(
        request,
        lambda: redirect("dashboard", keeping.make_dashboard(request.user, request.POST.get("title", "")).pk),
    )


@for_accounts
def dashboard(request: HttpRequest, id_: int) -> HttpResponse:
    """One of one's own, with what changes it."""
    try:
        board = keeping.own(request.user, Dashboard, id_)
    except keeping.NotKept:
        raise Http404 from None
    panels = _panels(board)
    held = {one["question"].pk for one in panels}
    context = {
        "board": board,
        "panels": panels,
        "mine": True,
        "link": _link(request, board),
        "others": [one for one in keeping.questions_of(request.user) if one.pk not in held],
    }
    return render(request, "dashboard.html", context)


@for_accounts
def open_shared_dashboard(request: HttpRequest, key: str) -> HttpResponse:
    """One that somebody shared."""
    try:
        board = keeping.shared(Dashboard, key)
    except keeping.NotKept:
        raise Http404 from None
    return render(
        request, "dashboard.html", {"board": board, "panels": _panels(board), "mine": False, "key": key}
    )


@for_accounts
@require_POST
def change_dashboard(request: HttpRequest, id_: int) -> HttpResponse:
    """Rename, delete or share it; add, move or remove a panel."""

    def work() -> HttpResponse:
        board = keeping.own(request.user, Dashboard, id_)
        doing = request.POST.get("do", "")
        if doing == "add":
            question = keeping.own(request.user, SavedQuestion, _number(request.POST.get("question")))
            keeping.add_panel(board, question)
        elif doing in _MOVES:
            keeping.move_panel(board, _number(request.POST.get("panel")), _MOVES[doing])
        else:
            return _changed(board, request) or redirect("dashboard", board.pk)
        return redirect("dashboard", board.pk)

    return _done(request, work)


@for_accounts
def panel(request: HttpRequest, id_: int) -> HttpResponse:
    """The chart of a saved question, for its place on a dashboard: one's own, or of a shared dashboard."""
    try:
        key = request.GET.get("key", "")
        if key:
            board = keeping.shared(Dashboard, key)
            held = board.panels.select_related("question").filter(question=id_).first()
            if held is None:
                raise keeping.NotKept("not on it")
            one = held.question
        else:
            one = keeping.own(request.user, SavedQuestion, id_)
    except keeping.NotKept:
        raise Http404 from None
    context: dict[str, Any] = {"address": address_now(one)}
    try:
        said = QueryDict(context["address"])
        words, right = Words.of(said), right_of_request(request)
        found = answered(right.restrict(words.question), moment_of(words.as_of))
        _, drawn = answer_and_chart(words, right, found, said.get("chart", "line"), said.get("compare", ""))
        context |= {
            "chart": as_text(drawn),
            "meter": titled(found.question.meters[0]),
            "words": words,
        }
    except MeterhouseError as mistake:
        context["mistake"] = str(mistake)
    return render(request, "panel.html", context)


def address_now(one: SavedQuestion) -> str:
    """The address of a saved question, with the days that it means today."""
    days = keeping.days_now(one.moving, site_today())
    said = QueryDict(one.address, mutable=True)
    if days is not None:
        said["from"], said["to"] = str(days[0]), str(days[1])
    return said.urlencode()


def _changed(one: SavedQuestion | Dashboard, request: HttpRequest) -> HttpResponse | None:
    """Rename, share or delete what is one's own; where to go after that if it isn't there any more."""
    doing = request.POST.get("do", "")
    if doing == "rename":
        keeping.rename(one, request.POST.get("title", ""))
    elif doing in ("share", "unshare"):
        keeping.share(one, doing == "share")
    elif doing == "delete":
        one.delete()
        return redirect("saved")
    else:
        raise QuestionError(f"do: expected rename, delete, share or another change, found {doing!r}")
    return None


def _panels(board: Dashboard) -> list[dict[str, Any]]:
    held = board.panels.select_related("question").order_by("place", "id")
    return [{"id": one.pk, "question": one.question, "address": address_now(one.question)} for one in held]


def _link(request: HttpRequest, one: SavedQuestion | Dashboard) -> str:
    if not one.share_key:
        return ""
    name = "shared-question" if isinstance(one, SavedQuestion) else "shared-dashboard"
    return request.build_absolute_uri(reverse(name, args=[one.share_key]))


def _number(text: str | None) -> int:
    if not (text and text.isascii() and text.isdigit() and len(text) < 18):
        raise keeping.NotKept("there is no such thing of this account")
    return int(text)


def _done(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do it, or say why it can't be done."""
    try:
        return work()
    except keeping.NotKept:
        raise Http404 from None
    except MeterhouseError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be done", "text": str(mistake)}, status=400
        )
