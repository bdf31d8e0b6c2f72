"""Which meters and groupings are there? The catalogue, read from data files and checked when loaded."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from meterhouse.errors import QuestionError
from meterhouse.usage.rules import state_codes

Function = Literal[
    # over daily usage
    "sum", "ratio", "utilisation", "begun", "ceased",
    # over spans
    "items", "touched",
    # over levels
    "average", "maximum", "minimum", "last", "kept", "months", "amount", "share",
]  # fmt: skip
_FUNCTIONS: tuple[str, ...] = get_args(Function)
LEVEL_FUNCTIONS = ("average", "maximum", "minimum", "last", "kept", "months", "amount", "share")


@dataclass(frozen=True, slots=True)
class Meter:
    """A named measure. What it is made of, divided by `per` and multiplied by `times`, is rounded once.

    Over daily usage, `quantity` is SQL over its columns, in integers, and `of` what a ratio divides it by.
    Over levels, `measure` names what was sampled.
    """

    name: str
    title: str
    meaning: str
    unit: str
    function: Function
    states: tuple[str, ...]
    decimals: int
    quantity: str = ""
    of: str = ""
    measure: str = ""
    times: int = 1
    per: int = 1


@dataclass(frozen=True, slots=True)
class Realm:
    """A set of meters over the same kinds of items and the same rule set."""

    name: str
    profile: str
    rules: str
    kinds: tuple[str, ...]
    meters: dict[str, Meter]

    def meter(self, name: str) -> Meter:
        """The meter of that name. Raises QuestionError that lists the known ones."""
        if name not in self.meters:
            raise QuestionError(
                f"meter: expected one of {', '.join(self.meters)} "
                f"(realm {self.name}, profile {self.profile}), found {name!r}"
            )
        return self.meters[name]


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to break usage down: SQL for the label that people read and for the id that tells twins apart.

    `undated` is the label where only names without days are known, as in Open XDMoD; "" when it is the same.
    """

    name: str
    title: str
    label: str
    id: str = ""
    spans_only: bool = False
    undated: str = ""


def _toml(name: str) -> dict[str, dict[str, object]]:
    text = files("meterhouse.usage.catalogue").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def profiles() -> dict[str, dict[str, Realm]]:
    """Every meter profile: name -> realm name -> realm. A faulty catalogue raises ValueError."""
    found: dict[str, dict[str, Realm]] = {}
    for profile, realms in _toml("meters.toml").items():
        found[profile] = {}
        for name, realm in realms.items():
            assert isinstance(realm, dict)
            meters = {}
            for meter_name, values in realm["meters"].items():
                where = f"meters.toml: {profile}.{name}.{meter_name}"
                unknown = set(values["states"]) - set(state_codes())
                if unknown:
                    raise ValueError(f"{where}: states: unknown {sorted(unknown)}")
                if values["function"] not in _FUNCTIONS:
                    raise ValueError(f"{where}: function: expected one of {_FUNCTIONS}")
                for field, functions in (
                    ("quantity", ("sum", "ratio", "utilisation")),
                    ("of", ("ratio",)),
                    ("measure", LEVEL_FUNCTIONS),
                ):
                    if (values["function"] in functions) != bool(values.get(field)):
                        raise ValueError(f"{where}: {field}: expected with {functions}, and only there")
                meters[meter_name] = Meter(meter_name, **{**values, "states": tuple(values["states"])})
            found[profile][name] = Realm(name, profile, realm["rules"], tuple(realm["kinds"]), meters)
    return found


@cache
def groupings() -> dict[str, Grouping]:
    """Every grouping by name."""
    return {name: Grouping(name, **values) for name, values in _toml("groupings.toml").items()}  # type: ignore[arg-type]


def find_realm(profile: str, realm: str) -> Realm:
    """The realm of that name in that profile. Raises QuestionError that lists the known ones."""
    known = profiles()
    if profile not in known:
        raise QuestionError(f"profile: expected one of {', '.join(known)}, found {profile!r}")
    if realm not in known[profile]:
        raise QuestionError(f"realm: expected one of {', '.join(known[profile])}, found {realm!r}")
    return known[profile][realm]


def find_grouping(name: str) -> Grouping:
    """The grouping of that name. Raises QuestionError that lists the known ones."""
    known = groupings()
    if name not in known:
        raise QuestionError(f"by: expected one of {', '.join((*PERIODS, *known))}, found {name!r}")
    return known[name]


PERIODS = ("day", "month", "quarter", "year")
