"""How does a period compare with the one before? Two answers side by side, with the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from meterhouse.errors import QuestionError
from meterhouse.usage.answer import Answer
from meterhouse.usage.answer_rows import Row
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.question import Question

# With what a period can be compared.
AGAINST = {"previous": "The period before", "year": "The same a year before"}


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of an answer beside its row of the earlier period; None is no data, which isn't zero."""

    period: str
    earlier_period: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    values: tuple[Decimal | None, ...]
    earlier: tuple[Decimal | None, ...]

    @property
    def differences(self) -> tuple[Decimal | None, ...]:
        """By how much each value is greater than the earlier one."""
        return tuple(
            None if now is None or then is None else now - then
            for now, then in zip(self.values, self.earlier, strict=True)
        )

    @property
    def percents(self) -> tuple[Decimal | None, ...]:
        """The same in per cent of the earlier value; None where that is nothing."""
        return tuple(
            None
            if change is None or not then
            else (change * 100 / abs(then)).quantize(Decimal("0.1"), ROUND_HALF_UP)
            for change, then in zip(self.differences, self.earlier, strict=True)
        )


def earlier(question: Question, against: str) -> Question:
    """The same question of the period before, or of a year before.

    Whole months are compared with whole months, and the beginning of a month with that of an earlier one.
    """
    if against not in AGAINST:
        raise QuestionError(f"compare: expected one of {', '.join(AGAINST)}, found {against!r}")
    first, last = question.first, question.last
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if against == "year":
        return replace(question, first=_months_back(first, 12), last=_months_back(last, 12))
    if first.day == 1:
        return replace(question, first=_months_back(first, months), last=_months_back(last, months))
    days = last - first + timedelta(days=1)
    return replace(question, first=first - days, last=last - days)


def compare(found: Answer, before: Answer) -> list[Compared]:
    """Rows of both, those of the same place in time and the same label together, in order."""
    now, then = period_names(found.question), period_names(before.question)
    earlier_name = {name: then[place] for place, name in enumerate(now[: len(then)])}
    later_name = {name: now[place] for place, name in enumerate(then[: len(now)])}
    none = (None,) * len(found.question.meters)
    rows = {_place(row, lambda name: name): row for row in found.rows}
    earlier_rows = {
        _place(row, later_name.__getitem__): row for row in before.rows if row.period in later_name
    }
    return [
        Compared(
            period,
            earlier_name.get(period, ""),
            labels,
            ids,
            rows[period, labels, ids].values if (period, labels, ids) in rows else none,
            earlier_rows[period, labels, ids].values if (period, labels, ids) in earlier_rows else none,
        )
        for period, labels, ids in sorted(rows.keys() | earlier_rows.keys())
    ]


def period_names(question: Question) -> list[str]:
    """The names of all units of time from the first day to the last, in order; [""] without a unit."""
    return [""] if question.period is None else list(_names(question.first, question.last, question.period))


@lru_cache(maxsize=500)
def _names(first: date, last: date, period: str) -> tuple[str, ...]:
    names = calendar_table(first, last, "UTC").column(period).to_pylist()
    return tuple(dict.fromkeys(str(name) for name in names))


def _place(row: Row, named: Callable[[str], str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return named(row.period), row.labels, row.ids


def _months_back(day: date, months: int) -> date:
    """The same day so many months before; a month's last day stays the last, also of a shorter one."""
    place = day.year * 12 + day.month - 1 - months
    longest = (date((place + 1) // 12, (place + 1) % 12 + 1, 1) - timedelta(days=1)).day
    is_last = (day + timedelta(days=1)).day == 1
    return date(place // 12, place % 12 + 1, longest if is_last else min(day.day, longest))
