"""Which part of a long list stands on this page? So many rows, and the addresses of the pages around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.http import QueryDict

from meterhouse.web.pages.words import whole_number

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows `first` to `last` (counted from 1) of `count`; addresses are "" at either end."""

    rows: list[Row]
    first: int
    last: int
    count: int
    before: str
    after: str


def paged(query: QueryDict, rows: Sequence[Row], length: int) -> Page[Row]:
    """The page that the address names with `page`, counted from 1."""
    number = max(1, whole_number(query, "page", 1))
    start = min((number - 1) * length, max(0, (len(rows) - 1) // length * length))
    number = start // length + 1
    shown = list(rows[start : start + length])
    more = start + length < len(rows)
    return Page(
        shown,
        start + 1 if shown else 0,
        start + len(shown),
        len(rows),
        _address(query, number - 1) if number > 1 else "",
        _address(query, number + 1) if more else "",
    )


def _address(query: QueryDict, number: int) -> str:
    changed = query.copy()
    changed["page"] = str(number)
    return changed.urlencode()
