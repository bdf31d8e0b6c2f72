"""Which event opens which state? The rule tables of the models, read from data files and checked."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import pyarrow as pa

from meterhouse.sources.openstack import vocabulary as nova_vocabulary

SPLITS = ("always", "after_stop", "on_difference")


def _rows(name: str) -> list[dict[str, str]]:
    text = files("meterhouse.usage.catalogue").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _table_of(name: str) -> pa.Table:
    return pa.Table.from_pylist(_rows(name))


@cache
def state_codes() -> dict[str, int]:
    """Each state's code, 0 to 15: the models pack it into four bits."""
    codes = {row["state"]: int(row["code"]) for row in _rows("states.csv")}
    if sorted(codes.values()) != sorted(set(codes.values())) or not all(0 <= c < 16 for c in codes.values()):
        raise ValueError("states.csv: expected distinct codes from 0 to 15")
    return codes


@cache
def rule_tables() -> dict[str, pa.Table]:
    """The tables `state`, `state_said`, `event_vocabulary` and `event_rule` for the models.

    A faulty data file raises ValueError that names file, row and field.
    """
    codes = state_codes()
    vocabulary = _rows("events.csv")
    known = {row["event"] for row in vocabulary} | {"observed"}
    rules = _rows("event_rules.csv")
    for number, rule in enumerate(rules, start=2):
        for field, value, allowed in (
            ("event", rule["event"], known),
            ("role", rule["role"], {"change", "heartbeat"}),
            ("state", rule["state"], {*codes, "same", "said"}),
            ("splits", rule["splits"], set(SPLITS)),
        ):
            if value not in allowed:
                raise ValueError(f"event_rules.csv:{number}: {field}: unknown {value!r}")
        if not 0 <= int(rule["precedence"]) < 128:
            raise ValueError(f"event_rules.csv:{number}: precedence: expected 0 to 127")
    said = _rows("states_said.csv")
    return {
        "state": pa.table(
            {"state": list(codes), "state_code": pa.array(codes.values(), pa.int64())},
        ),
        "state_said": pa.table(
            {
                "kind": [row["kind"] for row in said],
                "said": [row["said"] for row in said],
                "state_code": pa.array([codes[row["state"]] for row in said], pa.int64()),
            }
        ),
        "event_vocabulary": pa.table(
            {"event": [row["event"] for row in vocabulary], "kind": [row["kind"] for row in vocabulary]}
        ),
        "generic_event_name": _table_of("generic_events.csv"),
        "instance_action": pa.Table.from_pylist(nova_vocabulary.table("instance_actions")),
        "instance_action_event": pa.Table.from_pylist(nova_vocabulary.table("instance_action_events")),
        "event_rule": pa.table(
            {
                "rules": [rule["rules"] for rule in rules],
                "event": [rule["event"] for rule in rules],
                "role": [rule["role"] for rule in rules],
                "state": [rule["state"] for rule in rules],
                "splits": [rule["splits"] for rule in rules],
                "reopens": pa.array([int(rule["reopens"]) for rule in rules], pa.int64()),
                "precedence": pa.array([int(rule["precedence"]) for rule in rules], pa.int64()),
                "state_code": pa.array([codes.get(rule["state"]) for rule in rules], pa.int64()),
            }
        ),
    }
