"""What can be counted, and by which rules? Meters, groupings, states and events, from the catalogue."""

from __future__ import annotations

import csv
from importlib.resources import files
from itertools import groupby

from meterhouse.operations.reference.markdown import code, codes, page, table
from meterhouse.sources.openstack import vocabulary
from meterhouse.usage.meters import PERIODS, groupings, profiles

_FUNCTIONS = {
    "sum": "adds up a quantity over time",
    "begun": "counts how often running began",
    "ceased": "counts how often running ceased",
    "items": "counts different items",
    "touched": "counts spans that touch the period",
}


def meters_page() -> str:
    """Every meter of every profile and realm, and every grouping."""
    parts = [
        "A meter is a named measure over spans. `meterhouse usage --realm REALM --meter NAME,NAME "
        "--profile PROFILE` asks for it. Its figure is a sum of integers, divided and rounded once, half up.",
        table(["function", "what it does"], [(code(name), does) for name, does in _FUNCTIONS.items()]),
    ]
    for profile, realms in profiles().items():
        for name, realm in realms.items():
            parts.append(f"## Profile {profile}, realm {name}")
            parts.append(f"Counts items of kind {codes(realm.kinds)} under the rule set `{realm.rules}`.")
            rows = []
            for meter in realm.meters.values():
                counts = f"{code(meter.quantity)} / {meter.per}" if meter.quantity else code(meter.function)
                rows.append(
                    (code(meter.name), meter.title, meter.unit, codes(meter.states), counts, meter.meaning)
                )
            parts.append(table(["meter", "title", "unit", "counts in states", "function", "meaning"], rows))
    parts.append("## Groupings")
    parts.append(
        "`--by` takes at most one unit of time "
        f"({codes(PERIODS)}) and any of these; `--where NAME=VALUE` keeps rows by label or id. "
        "`u` is the usage, `p` who its project belongs to, `w` the person."
    )
    known = [
        (code(one.name), one.title, code(one.label), code(one.id), "`spans` only" if one.spans_only else "")
        for one in groupings().values()
    ]
    parts.append(table(["grouping", "title", "label", "id", "where"], known))
    return page("Meters and groupings", *parts)


def events_page() -> str:
    """States, events and the rules of both rule sets, and what sources call them."""
    return page(
        "States and events",
        "An event tells something about an item at a moment. The rules of a rule set say which state it "
        "opens, and when that begins a new span. [How a VM becomes hours](../rules-cloud.md) explains them.",
        "## States",
        _file("states.csv"),
        "## States as sources say them",
        "Compared in lower case. A word that isn't here tells no state.",
        _said(),
        "## Rules",
        "`change`: the event opens the state. `heartbeat`: the event proves that the item goes on. State "
        "`same` keeps the state before it, `said` takes the source's own word. A new span begins `always`, "
        "`after_stop` (when the change before it reopens), or `on_difference` (when state, size or project "
        "differ). Among events of one moment the higher precedence comes later.",
        *_rules(),
        "## Events",
        "The vocabulary: which kind of item an event is about, and Open XDMoD's number for it. Events "
        "outside the vocabulary stay in the raw table and change no state. `observed` stands for an item as "
        "it was listed.",
        _file("events.csv"),
        "## Generic cloud events",
        _file("generic_events.csv"),
        "## Nova's instance actions",
        _listing(vocabulary.table("instance_actions")),
        "## Steps of Nova's instance actions",
        "`phases`: `both` a `.start` and an `.end` (or `.error`), `at_end` one event when it is done, "
        "`alone` one event when it was asked for, `none` no event. `new_size`: the server has another flavor "
        "after it.",
        _listing(vocabulary.table("instance_action_events")),
        "## Versioned notifications",
        _listing(vocabulary.table("versioned_events")),
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = files("meterhouse.usage.catalogue").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _file(name: str) -> str:
    return _listing(_rows(name))


def _listing(rows: list[dict[str, str]] | tuple[dict[str, str], ...]) -> str:
    columns = list(rows[0])
    return table(columns, [[code(row[columns[0]]), *(row[name] for name in columns[1:])] for row in rows])


def _said() -> str:
    by_state = []
    for kind, of_kind in groupby(_rows("states_said.csv"), lambda row: row["kind"]):
        words: dict[str, list[str]] = {}
        for row in of_kind:
            words.setdefault(row["state"], []).append(row["said"])
        by_state += [(code(kind), code(state), codes(said)) for state, said in words.items()]
    return table(["kind", "state", "words"], by_state)


def _rules() -> list[str]:
    parts = []
    for rules, of_set in groupby(_rows("event_rules.csv"), lambda row: row["rules"]):
        parts.append(f"### Rule set {rules}")
        parts.append(_listing([{name: row[name] for name in row if name != "rules"} for row in of_set]))
    return parts
