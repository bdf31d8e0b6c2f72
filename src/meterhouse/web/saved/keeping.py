"""How is a question kept, found again, shared and forgotten? These functions, each for one account."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from django.db import IntegrityError

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.register.transactions import asked, committed
from meterhouse.web.saved.models import MOVING, Dashboard, Panel, SavedQuestion

MOST_QUESTIONS, MOST_DASHBOARDS, MOST_PANELS = 200, 30, 24
_LONGEST = 6000
Owned = TypeVar("Owned", SavedQuestion, Dashboard)


class NotKept(MeterhouseError):
    """No such question or dashboard, or not one that this account may open: nobody is told which."""


def questions_of(user: Any) -> list[SavedQuestion]:
    """An account's questions by title."""
    return asked("default", lambda: list(SavedQuestion.objects.filter(owner=user).order_by("title", "id")))


def dashboards_of(user: Any) -> list[Dashboard]:
    """An account's dashboards by title."""
    return asked("default", lambda: list(Dashboard.objects.filter(owner=user).order_by("title", "id")))


def save_question(user: Any, title: str, address: str, moving: str) -> SavedQuestion:
    """Keep a question; one of the same title is replaced. `address` was read and written by us."""
    title = _titled(title)
    if moving not in dict(MOVING):
        raise QuestionError(f"days: expected one of {', '.join(dict(MOVING))}, found {moving!r}")
    if len(address) > _LONGEST:
        raise QuestionError(f"question: expected at most {_LONGEST} characters, found {len(address)}")

    def work() -> SavedQuestion:
        mine = SavedQuestion.objects.filter(owner=user)
        if not mine.filter(title=title).exists() and mine.count() >= MOST_QUESTIONS:
            raise QuestionError(f"expected at most {MOST_QUESTIONS} saved questions: delete some first")
        found, _ = mine.update_or_create(
            owner=user,
            title=title,
            defaults={"address": address, "moving": moving},
            create_defaults={"address": address, "moving": moving, "made_at": datetime.now(UTC)},
        )
        return found

    return committed("default", work)


def make_dashboard(user: Any, title: str) -> Dashboard:
    """An empty one."""
    title = _titled(title)

    def work() -> Dashboard:
        mine = Dashboard.objects.filter(owner=user)
        if mine.filter(title=title).exists():
            raise QuestionError(f"title: expected a new one, found {title!r}, which is taken")
        if mine.count() >= MOST_DASHBOARDS:
            raise QuestionError(f"expected at most {MOST_DASHBOARDS} dashboards: delete some first")
        return mine.create(owner=user, title=title, made_at=datetime.now(UTC))

    return committed("default", work)


def own(user: Any, kind: type[Owned], id_: int) -> Owned:
    """A question or dashboard of this account. Raises NotKept."""
    found: Owned | None = asked("default", kind.objects.filter(owner=user, id=id_).first)
    if found is None:
        raise NotKept("there is no such thing of this account")
    return found


def shared(kind: type[Owned], key: str) -> Owned:
    """What somebody shared under that key. Raises NotKept."""
    found: Owned | None = asked("default", kind.objects.filter(share_key=key).first) if key else None
    if found is None:
        raise NotKept("nothing is shared under this address any more")
    return found


def rename(one: SavedQuestion | Dashboard, title: str) -> None:
    """Call it otherwise."""
    one.title = _titled(title)
    try:
        committed("default", lambda: one.save(update_fields=["title"]))
    except IntegrityError:
        raise QuestionError(f"title: expected a new one, found {title!r}, which is taken") from None


def share(one: SavedQuestion | Dashboard, wanted: bool) -> None:
    """Make an address that others can open, or end the one there is."""
    one.share_key = (one.share_key or secrets.token_urlsafe(18)) if wanted else None
    committed("default", lambda: one.save(update_fields=["share_key"]))


def add_panel(board: Dashboard, question: SavedQuestion) -> None:
    """At the end; a question stands on a dashboard once."""

    def work() -> None:
        held = board.panels.all()
        if held.count() >= MOST_PANELS:
            raise QuestionError(f"expected at most {MOST_PANELS} questions on a dashboard")
        last = held.order_by("-place").values_list("place", flat=True).first() or 0
        Panel.objects.get_or_create(dashboard=board, question=question, defaults={"place": last + 1})

    committed("default", work)


def move_panel(board: Dashboard, panel_id: int, by: int) -> None:
    """One place up (-1) or down (1), or away (0)."""

    def work() -> None:
        panels = list(board.panels.order_by("place", "id"))
        place = next((n for n, one in enumerate(panels) if one.pk == panel_id), None)
        if place is None:
            raise NotKept("there is no such panel")
        panel = panels.pop(place)
        if by == 0:
            panel.delete()
        else:
            panels.insert(max(0, place + by), panel)
        for number, one in enumerate(panels, start=1):
            if one.place != number:
                one.place = number
                one.save(update_fields=["place"])

    committed("default", work)


def days_now(moving: str, today: date) -> tuple[date, date] | None:
    """The first and last day of a question that moves; None for one that stays."""
    month = today.replace(day=1)
    if moving == "this-month":
        return month, today
    if moving == "last-month":
        end = month - timedelta(days=1)
        return end.replace(day=1), end
    if moving == "30-days":
        return today - timedelta(days=29), today
    if moving == "12-months":
        return date(month.year - (0 if month.month == 12 else 1), month.month % 12 + 1, 1), today
    return None


def _titled(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > 200:
        raise QuestionError("title: expected 1 to 200 characters")
    return title
