"""Which filters stand in the address of a list? Those that were chosen, each with a way to be without it."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict

from meterhouse.usage.meters import find_grouping
from meterhouse.web.asking import filters_of


def chosen_filters(query: QueryDict) -> tuple[str, ...]:
    """`grouping=value` each: those that are there, and the one that the form adds. Raises QuestionError."""
    where = [one for one in query.getlist("where") if one.strip()]
    name, value = query.get("filter", ""), query.get("value", "").strip()
    if name and value:
        where.append(f"{find_grouping(name).name}={value}")
    for one in filters_of(where):
        find_grouping(one)
    return tuple(dict.fromkeys(where))


def chips(first: date, last: date, where: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each filter with the address of the same list without it."""
    days = [("from", str(first)), ("to", str(last))]
    return [
        (one, urlencode([*days, *(("where", other) for other in where if other != one)])) for one in where
    ]
