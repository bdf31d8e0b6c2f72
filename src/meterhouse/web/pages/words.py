"""Which question stands in the address? The words of `meterhouse usage`, read and written."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict

from meterhouse.errors import QuestionError
from meterhouse.usage.meters import PERIODS, find_realm
from meterhouse.usage.question import Question
from meterhouse.web.asking import question_of, split
from meterhouse.web.serving import served_site


@dataclass(frozen=True, slots=True)
class Words:
    """A question in words, each checked only when it is asked."""

    realm: str
    profile: str
    meters: tuple[str, ...]
    first: date
    last: date
    by: tuple[str, ...]
    where: tuple[str, ...]
    as_of: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Words:
        """What isn't said is this month, by day, of the cloud."""
        today = site_today()
        realm, profile = query.get("realm") or "cloud", query.get("profile") or "default"
        known = find_realm(profile, realm).meters
        said = list(dict.fromkeys(split(query.getlist("meter"))))
        # Another realm was chosen: the meters of the one before may not be there.
        meters = [name for name in said if name in known] if query.get("chosen") else said
        by = split(query.getlist("by"))
        return cls(
            realm,
            profile,
            tuple(meters or list(known)[:1]),
            day_of(query, "from", today.replace(day=1)),
            day_of(query, "to", today),
            tuple(dict.fromkeys(by)) if "by" in query else ("day",),
            tuple(dict.fromkeys(one for one in query.getlist("where") if one.strip())),
            query.get("as_of", ""),
        )

    @property
    def question(self) -> Question:
        """The question. Raises QuestionError that says what was expected and found."""
        return question_of(
            realm=self.realm,
            meters=list(self.meters),
            first=self.first,
            last=self.last,
            by=list(self.by),
            where=self.where,
            profile=self.profile,
        )

    @property
    def unit(self) -> str:
        """The unit of time, "" for the whole period."""
        return next((name for name in self.by if name in PERIODS), "")

    @property
    def grouped(self) -> list[str]:
        """The groupings beside time."""
        return [name for name in self.by if name not in PERIODS]

    def changed(self, **words: Any) -> Words:
        """The same with other words."""
        return replace(self, **words)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The words as they stand in an address, also that of the API."""
        return [
            ("realm", self.realm),
            *([("profile", self.profile)] if self.profile != "default" else []),
            ("meter", ",".join(self.meters)),
            ("by", ",".join(self.by)),
            ("from", str(self.first)),
            ("to", str(self.last)),
            *(("where", one) for one in self.where),
            *([("as_of", self.as_of)] if self.as_of else []),
        ]

    def address(self, **more: str) -> str:
        """The query of an address that asks this, with what else the page is told where it isn't empty."""
        return urlencode([*self.pairs, *((name, value) for name, value in more.items() if value)])

    @property
    def command(self) -> str:
        """The same as a command."""
        parts = ["meterhouse", "usage", "--realm", self.realm, "--meter", ",".join(self.meters)]
        if self.by:
            parts += ["--by", ",".join(self.by)]
        parts += ["--from", str(self.first), "--to", str(self.last)]
        for one in self.where:
            parts += ["--where", one]
        if self.profile != "default":
            parts += ["--profile", self.profile]
        if self.as_of:
            parts += ["--as-of", self.as_of]
        return shlex.join(parts)


def site_today() -> date:
    """The present day of the site's clock."""
    return datetime.now(ZoneInfo(served_site().settings.site.time_zone)).date()


def day_of(query: QueryDict, name: str, otherwise: date) -> date:
    """A day of the address."""
    value = query.get(name)
    if not value:
        return otherwise
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise QuestionError(f"{name}: expected a day as YYYY-MM-DD, found {value!r}") from None


def whole_number(query: QueryDict, name: str, otherwise: int, greatest: int = 1_000_000) -> int:
    """A number of the address, from 0 to the greatest."""
    value = query.get(name)
    if not value:
        return otherwise
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) <= greatest):
        raise QuestionError(f"{name}: expected a number from 0 to {greatest}, found {value!r}")
    return int(value)


def months_back(day: date, months: int) -> date:
    """The first day of the month so many before."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def month_end(day: date) -> date:
    """The last day of the month."""
    return months_back(day, -1) - timedelta(days=1)
