"""What was known of the directory at a moment? Its rows as they stood then, read from their history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.register.recorded import Recorded
from meterhouse.register.transactions import asked

EVER = date.min
NEVER = date.max


def known_rows(
    alias: str, model: type[Recorded], columns: Sequence[str], known: datetime | None
) -> list[tuple[Any, ...]]:
    """The `columns` (as Django's attribute names) of all rows as known at `known`, now when None; by id."""
    history = model.history
    if known is not None:
        newer = history.using(alias).filter(history_date__gt=known)
        if asked(alias, newer.exists):
            place = Window(
                RowNumber(),
                partition_by=[F("id")],
                order_by=[F("history_date").desc(), F("history_id").desc()],
            )
            latest = history.using(alias).filter(history_date__lte=known).annotate(place=place)
            then = latest.filter(place=1).exclude(history_type="-").order_by("id")
            return asked(alias, lambda: list(then.values_list(*columns)))
    now = model._default_manager.using(alias).order_by("id")
    return asked(alias, lambda: list(now.values_list(*columns)))


def period(start: date | None, end: date | None) -> tuple[date, date]:
    """A period whose open ends are the first and the last day that there are."""
    return (EVER if start is None else start, NEVER if end is None else end)
