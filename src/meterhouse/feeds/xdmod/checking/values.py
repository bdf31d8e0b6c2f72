"""Is a JSON value what a field of Open XDMoD's takes? Types as its validator coerces them, and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from meterhouse.feeds.xdmod.checking.findings import Checked
from meterhouse.sources.excerpt import found

Kind = Literal["text", "integer", "number", "date", "any"]

INT = (1 << 31) - 1
BIGINT = (1 << 63) - 1
UNSIGNED_BIGINT = (1 << 64) - 1

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field takes: its kind, the longest text or the largest number, and whether it must be there."""

    kind: Kind = "text"
    most: int = 0
    required: bool = False
    least: int = 0
    nullable: bool = True
    choices: tuple[str, ...] = ()
    may_be_empty: bool = False


def check_fields(checked: Checked, number: int, record: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Note the faults of one record; fields without a rule may hold anything."""
    for name, rule in rules.items():
        if name not in record or (record[name] is None and rule.nullable):
            if rule.required:
                checked.fault(number, name, expected(rule), "nothing" if name not in record else "null")
            continue
        value = record[name]
        if not _fits(rule, value) or (rule.required and not rule.may_be_empty and value == ""):
            checked.fault(number, name, expected(rule), found(value))


def expected(rule: Rule) -> str:
    """What a field takes, for messages."""
    if rule.choices:
        return f"one of {', '.join(rule.choices)}"
    if rule.kind in ("integer", "number"):
        what = "an integer" if rule.kind == "integer" else "a number"
        return f"{what} from {rule.least:,} to {rule.most:,}" if rule.most else f"{what} from {rule.least:,}"
    if rule.kind == "date":
        return "a day as 2018-04-18"
    return f"text of at most {rule.most:,} characters" if rule.most else "text"


def integer(value: Any) -> int | None:
    """The integer that the validator makes of a value, or None."""
    if type(value) is int:
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def is_day(value: Any) -> bool:
    """Whether it is a day of the calendar as 2018-04-18."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_moment(value: Any, form: re.Pattern[str]) -> bool:
    """Whether it has the form and is a moment of the calendar."""
    if not isinstance(value, str) or not form.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        return False
    return True


def _fits(rule: Rule, value: Any) -> bool:
    if rule.kind == "any":
        return True
    if rule.kind == "integer":
        number = integer(value)
        return number is not None and rule.least <= number <= (rule.most or number)
    if rule.kind == "number":
        number_said = value if type(value) in (int, float) else integer(value)
        return number_said is not None and rule.least <= number_said <= (rule.most or number_said)
    if rule.kind == "date":
        return is_day(value)
    if type(value) is int:
        value = str(value)  # the validator makes text of it
    if not isinstance(value, str) or "\0" in value:
        return False
    if rule.choices:
        return value in rule.choices
    return not rule.most or len(value) <= rule.most
