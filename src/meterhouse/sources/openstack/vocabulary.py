"""What are Nova's actions and its two kinds of notifications called in the event vocabulary, and back?

The tables are data: `instance_actions.csv` (what an action is called as an event),
`instance_action_events.csv` (what each of its steps is called; `new_size`: the server has another flavor
after it) and `versioned_events.csv` (versioned notifications). `phases` says how an event name is used:
`both` with .start and .end, `at_end` once when it is done, `alone` once when it was asked for, `none` never.
Nova offloads a server in the step that shelves it (unless `shelved_offload_time` says otherwise), so that
step has two names.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any

PHASES = ("start", "end", "error", "progress")


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one of the tables beside this module: `instance_actions`, for example."""
    text = files("meterhouse.sources.openstack").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


ACTIONS = {row["action"]: row for row in table("instance_actions")}
STEPS = {row["nova_event"]: row for row in table("instance_action_events")}
SIZE_CHANGING_EVENTS = frozenset(step for step, row in STEPS.items() if row["new_size"] == "yes")
_FROM_VERSIONED = {row["versioned"]: row["event_name"] for row in table("versioned_events")}
_TO_VERSIONED = {event: versioned for versioned, event in _FROM_VERSIONED.items()}


def unknown_action(said: dict[str, Any]) -> list[str]:
    """What of this action, or of its step, has no name here: to be reported, never guessed."""
    action, step = said.get("action"), (said.get("event") or {}).get("event")
    unknown = [str(action)] if action not in ACTIONS else []
    return unknown + ([f"{action}: {step}"] if step is not None and step not in STEPS else [])


def from_versioned(event_type: str) -> str:
    """`instance.resize_finish.end` -> `compute.instance.finish_resize.end`; others as they are."""
    return _translated(event_type, _FROM_VERSIONED)


def to_versioned(event_type: str) -> str:
    """`compute.instance.finish_resize.end` -> `instance.resize_finish.end`; others as they are."""
    return _translated(event_type, _TO_VERSIONED)


def _translated(event_type: str, names: dict[str, str]) -> str:
    if event_type in names:
        return names[event_type]
    base, _, phase = event_type.rpartition(".")
    return f"{names[base]}.{phase}" if phase in PHASES and base in names else event_type
