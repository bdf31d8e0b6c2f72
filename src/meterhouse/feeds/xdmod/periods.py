"""Which periods does Open XDMoD count for a range of days? Whole units, also where it begins within one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from meterhouse.errors import QuestionError

Unit = Literal["day", "month", "quarter", "year"]
UNITS: tuple[str, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True)
class Period:
    """A unit of time with the label that Open XDMoD prints; days `first` to `last`, both included."""

    label: str
    first: date
    last: date


def periods(unit: Unit, first: date, last: date) -> list[Period]:
    """The units that the days `first` to `last` touch, in order: each whole, as its table holds it."""
    return list(_periods(unit, first, last))


def _periods(unit: Unit, first: date, last: date) -> Iterator[Period]:
    day = _first_day(unit, first)
    while day <= last:
        following = _following(unit, day)
        yield Period(_label(unit, day), day, following - timedelta(days=1))
        day = following


def _first_day(unit: Unit, day: date) -> date:
    if unit == "day":
        return day
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return date(day.year, 1, 1)


def _following(unit: Unit, day: date) -> date:
    try:
        if unit == "day":
            return day + timedelta(days=1)
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        return date(year, month + 1, 1)
    except (ValueError, OverflowError):
        raise QuestionError("to: expected a day before the year 9999, found one in it") from None


def _label(unit: Unit, day: date) -> str:
    if unit == "day":
        return day.isoformat()
    if unit == "month":
        return f"{day:%Y-%m}"
    if unit == "quarter":
        return f"{day:%Y} Q{(day.month + 2) // 3}"
    return f"{day:%Y}"
