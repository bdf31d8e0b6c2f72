"""Does a faulty catalogue or question say what is wrong with it?"""

from __future__ import annotations

from datetime import date

import pytest

from meterhouse.errors import QuestionError
from meterhouse.usage import meters, rules
from meterhouse.usage.question import Question


@pytest.fixture(autouse=True)
def _forget_what_was_read():
    caches = (rules.state_codes, rules.rule_tables, meters.profiles, meters.groupings)
    yield
    for cached in caches:
        cached.cache_clear()


RULE = {"rules": "default", "event": "compute.instance.exists", "role": "heartbeat", "state": "said",
        "splits": "on_difference", "reopens": "0", "precedence": "111"}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("event", "compute.instance.dance", "event_rules.csv:2: event: unknown 'compute.instance.dance'"),
        ("role", "rumour", "event_rules.csv:2: role: unknown 'rumour'"),
        ("state", "tired", "event_rules.csv:2: state: unknown 'tired'"),
        ("splits", "sometimes", "event_rules.csv:2: splits: unknown 'sometimes'"),
        ("precedence", "128", "event_rules.csv:2: precedence: expected 0 to 127"),
    ],
)
def test_a_faulty_rule_is_named_with_row_and_field(monkeypatch, field, value, told):
    read = rules._rows
    monkeypatch.setattr(
        rules, "_rows", lambda name: [RULE | {field: value}] if name == "event_rules.csv" else read(name)
    )
    rules.rule_tables.cache_clear()
    with pytest.raises(ValueError, match=told):
        rules.rule_tables()


def test_states_have_codes_of_their_own(monkeypatch):
    monkeypatch.setattr(
        rules, "_rows", lambda name: [{"state": "a", "code": "1"}, {"state": "b", "code": "1"}]
    )
    rules.state_codes.cache_clear()
    with pytest.raises(ValueError, match=r"states.csv: expected distinct codes from 0 to 15"):
        rules.state_codes()


METER = {
    "title": "T",
    "unit": "u",
    "function": "sum",
    "quantity": "wall_seconds",
    "states": ["active"],
    "decimals": 0,
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"states": ["asleep"]}, r"meters.toml: default.cloud.m: states: unknown \['asleep'\]"),
        ({"function": "guess"}, "meters.toml: default.cloud.m: function: expected one of"),
        ({"quantity": ""}, "meters.toml: default.cloud.m: quantity: expected with"),
        ({"function": "begun"}, "meters.toml: default.cloud.m: quantity: expected with"),
    ],
)
def test_a_faulty_meter_is_named(monkeypatch, change, told):
    realm = {"rules": "default", "kinds": ["vm"], "meters": {"m": METER | change}}
    monkeypatch.setattr(meters, "_toml", lambda name: {"default": {"cloud": realm}})
    meters.profiles.cache_clear()
    with pytest.raises(ValueError, match=told):
        meters.profiles()


APRIL = {"realm": "cloud", "meters": ["core_hours"], "first": date(2018, 4, 1), "last": date(2018, 4, 30)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"realm": "clouds"}, "realm: expected one of cloud, .*, found 'clouds'"),
        ({"profile": "mine"}, "profile: expected one of default, xdmod, found 'mine'"),
        ({"meters": []}, "meter: expected at least one of core_hours"),
        (
            {"meters": ["hours"]},
            r"meter: expected one of core_hours, .* \(realm cloud, profile default\), found 'hours'",
        ),
        ({"by": ["planet"]}, "by: expected one of day, month, quarter, year, resource, .*, found 'planet'"),
        ({"by": ["day", "month"]}, "by: expected one unit of time, found day, month"),
        ({"by": ["project", "project"]}, "by: expected each grouping once, found project twice"),
        ({"filters": {"planet": ["x"]}}, "by: expected one of .*, found 'planet'"),
        (
            {"last": date(2018, 3, 1)},
            "period: expected the first day before the last, found 2018-04-01 to 2018-03-01",
        ),
    ],
)
def test_a_question_that_can_not_be_asked_says_what_was_expected(change, told):
    with pytest.raises(QuestionError, match=told):
        Question.ask(**(APRIL | change))
