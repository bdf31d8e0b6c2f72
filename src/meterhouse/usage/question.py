"""What is asked? A question about usage: which meters, in which period, broken down by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from meterhouse.errors import QuestionError
from meterhouse.usage.meters import PERIODS, Grouping, Meter, Realm, find_grouping, find_realm


@dataclass(frozen=True, slots=True)
class Question:
    """Checked: every name is in the catalogue. Days `first` to `last` are both included.

    `filters` keep rows whose label or id of a grouping is one of the given values; several groupings
    must all match. `period` is the unit of a time series, or None for the whole range at once.
    """

    realm: Realm
    meters: tuple[Meter, ...]
    first: date
    last: date
    period: str | None = None
    groupings: tuple[Grouping, ...] = ()
    filters: tuple[tuple[Grouping, tuple[str, ...]], ...] = ()

    @classmethod
    def ask(
        cls,
        *,
        realm: str,
        meters: list[str],
        first: date,
        last: date,
        by: list[str] | None = None,
        filters: dict[str, list[str]] | None = None,
        profile: str = "default",
    ) -> Question:
        """Make a question from names. Raises QuestionError that says what was expected and found."""
        if last < first:
            raise QuestionError(f"period: expected the first day before the last, found {first} to {last}")
        chosen = find_realm(profile, realm)
        if not meters:
            raise QuestionError(f"meter: expected at least one of {', '.join(chosen.meters)}, found none")
        by = by or []
        periods = [name for name in by if name in PERIODS]
        if len(periods) > 1:
            raise QuestionError(f"by: expected one unit of time, found {', '.join(periods)}")
        names = [name for name in by if name not in PERIODS]
        twice = sorted({name for name in by if by.count(name) > 1})
        if twice:
            raise QuestionError(f"by: expected each grouping once, found {', '.join(twice)} twice")
        return cls(
            chosen,
            tuple(chosen.meter(name) for name in meters),
            first,
            last,
            periods[0] if periods else None,
            tuple(find_grouping(name) for name in names),
            tuple((find_grouping(name), tuple(values)) for name, values in (filters or {}).items()),
        )
