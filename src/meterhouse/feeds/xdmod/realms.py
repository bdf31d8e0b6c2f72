"""Which realms, statistics and group-bys has Open XDMoD? Read from data files and checked when loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from meterhouse.errors import QuestionError
from meterhouse.usage.meters import find_grouping
from meterhouse.usage.rules import state_codes

# Denominators that do not come from rows: what the resources concerned had in the period, and in how
# many periods a label has rows.
CAPACITY = "capacity_core_seconds"
CORES = "capacity_cores"
PERIODS = "periods"
_FILES = ("cloud.toml", "jobs.toml", "storage.toml")

Combination = Literal["sum", "max", "min"]
Whose = Literal["project", "group"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of each row (SQL), and how those of several rows are put together."""

    sql: str
    combine: Combination = "sum"


@dataclass(frozen=True, slots=True)
class StandardError:
    """Facts that the standard error of a mean is made of: the sum of squares, the sum, and how many."""

    squares: str
    total: str
    count: str

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.squares, self.total, self.count)


@dataclass(frozen=True, slots=True)
class Statistic:
    """`numerator * times / (denominators * per)` of facts, how many values `distinct` (SQL) has, or the
    `error` of a mean, divided by `per`.

    `series_decimals`, `series_error`: where a time series has others than an aggregate.
    """

    name: str
    title: str
    unit: str
    decimals: int = 0
    series_decimals: int | None = None
    numerator: str = ""
    denominators: tuple[str, ...] = ()
    times: int = 1
    per: int = 1
    distinct: str = ""
    error: StandardError | None = None
    series_error: StandardError | None = None

    @property
    def facts(self) -> tuple[str, ...]:
        """Everything named above that is added up over rows, and CAPACITY, CORES and PERIODS."""
        errors = [one.facts for one in (self.error, self.series_error) if one is not None]
        named = (self.numerator, *self.denominators, *(fact for facts in errors for fact in facts))
        return tuple(fact for fact in named if fact)


@dataclass(frozen=True, slots=True)
class GroupBy:
    """SQL for the label that people read, for what tells equal labels apart, and for a label's rank."""

    name: str
    title: str
    label: str
    identity: str
    rank: str
    by_rank: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """A fact that does not add up: `first` counts in the first period, `later` in each one after it."""

    first: str
    later: str


@dataclass(frozen=True, slots=True)
class Realm:
    """What is counted (SQL over `table`), by what rows, and what can be asked of them.

    `row` names the columns (each with its SQL) by which what touches a period is put together before
    statistics are made; without any, each is a row of its own. `whose` says through what a row has a PI.
    """

    name: str
    counts: str
    table: str
    source: str
    whose: Whose
    row: Mapping[str, str]
    facts: Mapping[str, Fact]
    carried: Mapping[str, Carried]
    statistics: Mapping[str, Statistic]
    group_bys: Mapping[str, GroupBy]

    def statistic(self, name: str) -> Statistic:
        """The statistic of that name. Raises QuestionError that lists the known ones."""
        if name not in self.statistics:
            raise QuestionError(f"statistic: expected one of {', '.join(self.statistics)}, found {name!r}")
        return self.statistics[name]

    def group_by(self, name: str) -> GroupBy:
        """The group-by of that name. Raises QuestionError that lists the known ones."""
        if name not in self.group_bys:
            raise QuestionError(f"group-by: expected one of {', '.join(self.group_bys)}, found {name!r}")
        return self.group_bys[name]


@cache
def realms() -> dict[str, Realm]:
    """Every realm by name. A faulty data file raises ValueError that names file, entry and field."""
    found = {}
    for name in _FILES:
        text = files("meterhouse.feeds.xdmod.catalogue").joinpath(name).read_text(encoding="utf-8")
        realm = _realm(name, tomllib.loads(text))
        found[realm.name] = realm
    return found


def find_realm(name: str) -> Realm:
    """The realm of that name. Raises QuestionError that lists the known ones."""
    known = realms()
    if name not in known:
        raise QuestionError(f"realm: expected one of {', '.join(known)}, found {name!r}")
    return known[name]


def _realm(file: str, said: dict[str, Any]) -> Realm:
    unknown = set(said.get("states", ())) - set(state_codes())
    if unknown:
        raise ValueError(f"{file}: states: unknown {sorted(unknown)}")
    if said["whose"] not in get_args(Whose):
        raise ValueError(f"{file}: whose: expected one of {', '.join(get_args(Whose))}")
    facts = {name: _fact(f"{file}: facts.{name}", values) for name, values in said["facts"].items()}
    carried = {name: Carried(**values) for name, values in said.get("carried", {}).items()}
    for name, one in carried.items():
        _check_facts(f"{file}: carried.{name}", (one.first, one.later), facts)
    statistics = {name: _statistic(name, values) for name, values in said["statistics"].items()}
    for name, statistic in statistics.items():
        where = f"{file}: statistics.{name}"
        kinds = (bool(statistic.numerator), bool(statistic.distinct), statistic.error is not None)
        if sum(kinds) != 1 or (statistic.series_error and not statistic.error):
            raise ValueError(f"{where}: expected one of numerator, distinct and error")
        _check_facts(where, statistic.facts, {*facts, *carried, CAPACITY, CORES, PERIODS})
    return Realm(
        said["name"],
        said["counts"],
        said["table"],
        said["source"],
        said["whose"],
        said.get("row", {}),
        facts,
        carried,
        statistics,
        {
            name: _group_by(f"{file}: group_by.{name}", name, values)
            for name, values in said["group_by"].items()
        },
    )


def _statistic(name: str, said: dict[str, Any]) -> Statistic:
    denominator = said.get("denominator", [])
    errors: dict[str, Any] = {
        key: StandardError(**said[key]) for key in ("error", "series_error") if key in said
    }
    rest = {key: value for key, value in said.items() if key not in ("denominator", *errors)}
    return Statistic(
        name,
        **rest,
        **errors,
        denominators=(denominator,) if isinstance(denominator, str) else tuple(denominator),
    )


def _fact(where: str, said: str | dict[str, Any]) -> Fact:
    fact = Fact(said) if isinstance(said, str) else Fact(**said)
    if fact.combine not in get_args(Combination):
        raise ValueError(f"{where}: combine: expected one of {', '.join(get_args(Combination))}")
    return fact


def _group_by(where: str, name: str, said: dict[str, Any]) -> GroupBy:
    if ("grouping" in said) + ("label" in said) + ("buckets" in said) != 1:
        raise ValueError(f"{where}: expected one of grouping, label and buckets")
    if "buckets" in said:
        return _buckets(where, name, said)
    label = said["label"] if "label" in said else _undated(said["grouping"])
    return GroupBy(
        name,
        said["title"],
        label,
        said.get("identity", label),
        said.get("rank", label),
        said.get("by_rank", False),
    )


def _buckets(where: str, name: str, said: dict[str, Any]) -> GroupBy:
    """Labels for ranges of a number: `buckets` gives each range's last number, "" being no end."""
    of, buckets = said["of"], said["buckets"]
    *bounded, (last, open_end) = buckets.items()
    bounds = [bound for _, bound in bounded]
    if open_end != "" or bounds != sorted(set(bounds)):
        raise ValueError(f"{where}: buckets: expected rising bounds and one without at the end")
    labels = [f"WHEN {of} <= {bound} THEN '{label}'" for label, bound in bounded]
    ranks = [f"WHEN {of} <= {bound} THEN {number}" for number, bound in enumerate(bounds, start=1)]
    return GroupBy(
        name,
        said["title"],
        f"CASE {' '.join(labels)} WHEN {of} IS NOT NULL THEN '{last}' END",
        f"CASE {' '.join(ranks)} WHEN {of} IS NOT NULL THEN {len(buckets)} END",
        f"CASE {' '.join(ranks)} WHEN {of} IS NOT NULL THEN {len(buckets)} END",
        by_rank=True,
    )


def _check_facts(where: str, named: Any, known: Any) -> None:
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ValueError(f"{where}: unknown facts {unknown}")


def _undated(name: str) -> str:
    """The label of a grouping as Open XDMoD knows it: without days."""
    grouping = find_grouping(name)
    return grouping.undated or grouping.label
