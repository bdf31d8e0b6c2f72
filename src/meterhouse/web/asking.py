"""How is a question asked over the web? The command's words, read strictly, narrowed to what may be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Protocol

from meterhouse.errors import QuestionError
from meterhouse.usage.meters import find_realm
from meterhouse.usage.question import Question

LONGEST_DAYS = 366 * 20


def split(values: Iterable[str]) -> list[str]:
    """Names with commas between, in one value or several."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def filters_of(values: Iterable[str]) -> dict[str, list[str]]:
    """`grouping=value`; the same grouping again adds a value."""
    found: dict[str, list[str]] = {}
    for value in values:
        name, sign, wanted = value.partition("=")
        if not sign:
            raise QuestionError(f"where: expected grouping=value, found {value!r}")
        found.setdefault(name, []).append(wanted)
    return found


def moment_of(value: str | None) -> int | datetime | None:
    """A snapshot number, or a moment in ISO 8601 (UTC unless it says otherwise); None is now."""
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise QuestionError(f"as_of: expected a snapshot number or a moment, found {value!r}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def days_of(first: date, last: date) -> tuple[date, date]:
    """A period that can be counted by days: in order, and within what calendars can do."""
    if last < first:
        raise QuestionError(f"period: expected the first day before the last, found {first} to {last}")
    if first.year < 1990 or last.year > 2200 or (last - first).days > LONGEST_DAYS:
        raise QuestionError(
            f"period: expected at most 20 years between 1990 and 2200, found {first} to {last}"
        )
    return first, last


class Said(Protocol):
    """A question in words as a program says them: several names of one kind with commas between."""

    realm: str
    profile: str
    meter: str
    first: date
    last: date
    by: str
    where: list[str]


def question_said(said: Said) -> Question:
    """The question that these words ask."""
    return question_of(
        realm=said.realm,
        meters=split([said.meter]),
        first=said.first,
        last=said.last,
        by=split([said.by]),
        where=said.where,
        profile=said.profile,
    )


def question_of(
    *,
    realm: str,
    meters: list[str],
    first: date,
    last: date,
    by: list[str],
    where: Iterable[str],
    profile: str,
) -> Question:
    """The question that these words ask; the realm's first two meters when none is named."""
    days_of(first, last)
    return Question.ask(
        realm=realm,
        meters=meters or list(find_realm(profile, realm).meters)[:2],
        first=first,
        last=last,
        by=by,
        filters=filters_of(where),
        profile=profile,
    )
