"""What did people decide about directories of projects? Status, action and comment, which outlast scans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import meterhouse.register.configured  # noqa: F401
from meterhouse.errors import QuestionError
from meterhouse.register.transactions import asked, committed
from meterhouse.reports.storage.register.models import DirectoryDecision

if TYPE_CHECKING:
    from meterhouse.site import Site


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided; "" is nothing yet."""

    status: str = ""
    action: str = ""
    comment: str = ""


def decide(
    site: Site,
    volume: str,
    project: str,
    directory: str,
    who: str,
    *,
    status: str | None = None,
    action: str | None = None,
    comment: str | None = None,
) -> Decision:
    """Note a decision about a directory ("" is the whole project); what is None stays as it is."""
    changes = {"status": status, "action": action, "comment": comment}
    said = {name: value for name, value in changes.items() if value is not None}
    if not said:
        raise QuestionError("decision: expected a status, an action or a comment, found none")
    if not volume or not project:
        raise QuestionError("decision: expected a volume and a project")
    alias = site.register.alias

    def note() -> DirectoryDecision:
        key = {"volume": volume, "project": project, "directory": directory}
        found = DirectoryDecision.objects.using(alias).filter(**key).first() or DirectoryDecision(**key)
        if all(getattr(found, name) == value for name, value in said.items()) and found.pk:
            return found
        for name, value in said.items():
            setattr(found, name, value)
        found._history_user = who  # type: ignore[attr-defined]
        found.save(using=alias)
        return found

    kept = committed(alias, note)
    return Decision(kept.status, kept.action, kept.comment)


def decisions(site: Site, known: datetime | None = None) -> dict[tuple[str, str, str], Decision]:
    """All decisions by volume, project and directory, as they stood at `known`, or stand now."""
    alias = site.register.alias
    columns = ("volume", "project", "directory", "status", "action", "comment")
    if known is None:
        rows = DirectoryDecision.objects.using(alias).order_by(*columns[:3]).values_list(*columns)
    else:  # of each directory what was noted last: a dictionary keeps that
        history = DirectoryDecision.history.using(alias).filter(history_date__lte=known)
        rows = history.order_by("history_date", "history_id").values_list(*columns)
    return {row[:3]: Decision(*row[3:]) for row in asked(alias, lambda: list(rows))}


def decision_history(site: Site) -> list[dict[str, object]]:
    """Every decision that was ever noted, oldest first, with who and when."""
    names = ("volume", "project", "directory", "status", "action", "comment")
    history = DirectoryDecision.history.using(site.register.alias).order_by("history_date", "history_id")
    rows = history.values_list("history_date", "history_user_id", *names)
    columns = ("at", "who", *names)
    return [dict(zip(columns, row, strict=True)) for row in asked(site.register.alias, lambda: list(rows))]
