"""Which realms, statistics and group-bys has Open XDMoD? Read from data files and checked when loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from meterhouse.errors import QuestionError
from meterhouse.usage.meters import find_grouping
from meterhouse.usage.rules import state_codes

# A denominator that does not come from sessions: what the resources concerned had in the period.
CAPACITY = "capacity_core_seconds"
_FILES = ("cloud.toml",)


@dataclass(frozen=True, slots=True)
class Statistic:
    """`numerator * times / (denominator * per)` of facts, or how many values `distinct` (SQL) has."""

    name: str
    title: str
    unit: str
    decimals: int
    numerator: str = ""
    denominator: str = ""
    times: int = 1
    per: int = 1
    distinct: str = ""


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
    """Sessions of some kinds and states under one rule set, with what can be asked of them."""

    name: str
    rules: str
    kinds: tuple[str, ...]
    states: tuple[str, ...]
    facts: Mapping[str, str]
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
    unknown = set(said["states"]) - set(state_codes())
    if unknown:
        raise ValueError(f"{file}: states: unknown {sorted(unknown)}")
    facts: dict[str, str] = said["facts"]
    carried = {name: Carried(**values) for name, values in said.get("carried", {}).items()}
    for name, one in carried.items():
        _check_facts(f"{file}: carried.{name}", (one.first, one.later), facts)
    statistics = {name: Statistic(name, **values) for name, values in said["statistics"].items()}
    for name, statistic in statistics.items():
        where = f"{file}: statistics.{name}"
        if bool(statistic.numerator) == bool(statistic.distinct):
            raise ValueError(f"{where}: expected either numerator or distinct")
        named = [fact for fact in (statistic.numerator, statistic.denominator) if fact]
        _check_facts(where, named, {*facts, *carried, CAPACITY})
    return Realm(
        said["name"],
        said["rules"],
        tuple(said["kinds"]),
        tuple(said["states"]),
        facts,
        carried,
        statistics,
        {
            name: _group_by(f"{file}: group_by.{name}", name, values)
            for name, values in said["group_by"].items()
        },
    )


def _group_by(where: str, name: str, said: dict[str, Any]) -> GroupBy:
    if ("grouping" in said) == ("label" in said):
        raise ValueError(f"{where}: expected either grouping or label")
    label = said["label"] if "label" in said else find_grouping(said["grouping"]).label
    return GroupBy(
        name,
        said["title"],
        label,
        said.get("identity", label),
        said.get("rank", label),
        said.get("by_rank", False),
    )


def _check_facts(where: str, named: Any, known: Any) -> None:
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ValueError(f"{where}: unknown facts {unknown}")
