"""What did an item do, by the rules as they are written? A walk over its events in plain Python, without SQL.

It answers to the rules and not to the models: Open XDMoD's from their own description ("Session rules"
and "Cloud rules in short"), the others from the rule catalogue. The models have to agree with it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files

from meterhouse.operations.verify.said import Said

UNKNOWN, ACTIVE, INACTIVE, SHELVED, GONE = "unknown", "active", "inactive", "shelved", "gone"
RULE_SETS = ("default", "xdmod")


@dataclass(frozen=True, slots=True)
class Session:
    """An item in one state from `start` to `end`, with what the event that opened it said.

    `closing` is the event that ended it or, when `is_last`, the last that was heard of it.
    """

    rules: str
    state: str
    start: datetime
    end: datetime
    opening: Said
    closing: Said
    is_last: bool
    begins: int
    ceases: int


@dataclass(frozen=True, slots=True)
class Tellings:
    """An item's events, each once, and by event the records that say the very same as what counts."""

    events: list[Said]
    evidence: dict[tuple[datetime, str, str | None], set[tuple[str, int]]]


def told_once(events: Iterable[Said]) -> Tellings:
    """Each event of one item as it was told first, whatever order the tellings come in."""
    by_identity: dict[tuple[datetime, str, str | None], list[Said]] = {}
    for event in events:
        by_identity.setdefault(event.identity, []).append(event)
    first = []
    evidence = {}
    for identity, tellings in by_identity.items():
        counts = min(tellings, key=lambda said: (said.said_at, said.batch_id, said.record))
        first.append(counts)
        content = counts.content()
        evidence[identity] = {said.evidence for said in tellings if said.content() == content}
    return Tellings(_with_sizes(first), evidence)


def _with_sizes(events: list[Said]) -> list[Said]:
    """Where a VM's event names no size, the size before it holds, as said by what counts by default."""
    sized: Said | None = None
    found = []
    for said in sorted(events, key=lambda one: (one.time, one.event, *_host_last_if_unsaid(one))):
        if said.kind != "vm" or said.vcpus is not None:
            if _counts_by_default(said):
                sized = said
            found.append(said)
            continue
        found.append(
            said
            if sized is None
            else replace(
                said,
                size_class=sized.size_class if said.size_class is None else said.size_class,
                vcpus=sized.vcpus,
                memory_mib=sized.memory_mib if said.memory_mib is None else said.memory_mib,
                disk_gib=sized.disk_gib if said.disk_gib is None else said.disk_gib,
            )
        )
    return found


def _counts_by_default(said: Said) -> bool:
    rule, _ = _default_rules().get(said.event, ("", 0))
    return bool(rule) and (rule != "said" or (said.kind, said.state or "") in _states_said())


def walk(events: Iterable[Said], rules: str) -> list[Session]:
    """The sessions of one item (one kind), in order, from its events told once."""
    return list((_xdmod if rules == "xdmod" else _default)(events))


def _host_last_if_unsaid(said: Said) -> tuple[bool, str]:
    return said.host is None, said.host or ""


# --- Open XDMoD

# Event -> (their number, state of the session that it opens). Numbers order what happens at one moment,
# the highest first. `observed` is a VM that was seen when polling: for us, the same as their heartbeat.
_XDMOD = {
    "compute.instance.create.start": (1, UNKNOWN),
    "compute.instance.create.end": (2, ACTIVE),
    "compute.instance.shutdown.start": (3, UNKNOWN),
    "compute.instance.shutdown.end": (4, INACTIVE),
    "compute.instance.delete.start": (5, UNKNOWN),
    "compute.instance.delete.end": (6, GONE),
    "compute.instance.resume.start": (7, UNKNOWN),
    "compute.instance.resume.end": (8, ACTIVE),
    "compute.instance.exists": (16, ACTIVE),
    "observed": (16, ACTIVE),
    "compute.instance.suspend.end": (17, INACTIVE),
    "compute.instance.shelve_offload.end": (19, SHELVED),
    "compute.instance.unshelve.end": (20, ACTIVE),
    "compute.instance.power_off.start": (44, INACTIVE),
    "compute.instance.power_off.end": (45, INACTIVE),
    "compute.instance.resize.confirm.end": (49, None),
    "compute.instance.pause.start": (54, INACTIVE),
    "compute.instance.pause.end": (55, INACTIVE),
    "compute.instance.unpause.start": (56, UNKNOWN),
    "compute.instance.unpause.end": (57, ACTIVE),
    "compute.instance.power_on.start": (58, UNKNOWN),
    "compute.instance.power_on.end": (59, ACTIVE),
    "compute.instance.unsuspend.start": (60, UNKNOWN),
    "compute.instance.unsuspend.end": (61, ACTIVE),
    "compute.instance.suspend.start": (62, INACTIVE),
    "compute.instance.unshelve.start": (63, INACTIVE),
    "compute.instance.shelve_offload.start": (64, SHELVED),
}
_HEARTBEAT = 16
_DELETED = 6
_RESIZED = 49
_STOPPED = {4, 17, 19, 45, 55}


def _xdmod(events: Iterable[Said]) -> Iterator[Session]:
    heard = [
        (said, *_XDMOD[said.event])
        for said in events
        if said.kind == "vm"
        and said.event in _XDMOD
        and (_XDMOD[said.event][0] != _HEARTBEAT or said.state == ACTIVE)
    ]
    heard.sort(key=lambda one: (one[0].time, -one[1], _host_last_if_unsaid(one[0]), one[0].event))

    opening: Said | None = None  # of the session that is open
    number, state = 0, UNKNOWN
    last: Said | None = None
    for said, event_number, event_state in heard:
        if opening is not None and last is not None:
            extends = event_number == _HEARTBEAT and number not in _STOPPED
            if not extends:
                yield _xdmod_session(opening, number, state, said, event_number)
            last = said
            if extends:
                continue
        if event_number == _DELETED:
            opening = None
            continue
        before = state if opening is not None else UNKNOWN
        opening, number, last = said, event_number, said
        state = event_state if event_state is not None else before
    if opening is not None and last is not None:
        yield _xdmod_session(opening, number, state, last, None)


def _xdmod_session(opening: Said, number: int, state: str, closing: Said, closed_by: int | None) -> Session:
    """`closed_by` None: it was not ended, only not heard of any more; that counts as ended, too."""
    is_active = state == ACTIVE
    sized = opening.size_class is not None and opening.memory_mib is not None and bool(opening.vcpus)
    return Session(
        "xdmod",
        state if sized else UNKNOWN,
        opening.time,
        closing.time,
        opening,
        closing,
        closed_by is None,
        int(is_active and number != _RESIZED),
        int(is_active and closed_by != _RESIZED),
    )


# --- what is correct


@cache
def _default_rules() -> dict[str, tuple[str, int]]:
    """Event -> (state or `same` or `said`, place among what happens at one moment)."""
    return {
        row["event"]: (row["state"], int(row["precedence"]))
        for row in _catalogue("event_rules.csv")
        if row["rules"] == "default"
    }


@cache
def _states_said() -> dict[tuple[str, str], str]:
    return {(row["kind"], row["said"]): row["state"] for row in _catalogue("states_said.csv")}


@cache
def _state_codes() -> dict[str, int]:
    return {row["state"]: int(row["code"]) for row in _catalogue("states.csv")}


def _catalogue(name: str) -> list[dict[str, str]]:
    text = files("meterhouse.usage.catalogue").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _what_differs(said: Said) -> tuple[object, ...]:
    return (
        said.project_ref, said.size_class, said.vcpus, said.memory_mib, said.disk_gib, said.space_bytes,
    )  # fmt: skip


def _default(events: Iterable[Said]) -> Iterator[Session]:
    heard = []
    for said in events:
        rule, place = _default_rules().get(said.event, ("", 0))
        if not rule:
            continue
        state = _states_said().get((said.kind, said.state or "")) if rule == "said" else rule
        if state is None:
            continue  # a word that we can't read proves nothing
        stated = None if state == "same" else state
        heard.append((said, stated, (said.time, place, _state_codes()[stated] if stated else 0)))
    heard.sort(key=lambda one: (*one[2], _host_last_if_unsaid(one[0]), one[0].event))

    opening: Said | None = None
    state = UNKNOWN
    was_running = False  # before the session that is open
    last: Said | None = None
    for said, stated, _ in heard:
        if opening is not None and last is not None:
            differs = (stated is not None and stated != state) or any(
                new is not None and new != old
                for new, old in zip(_what_differs(said), _what_differs(last), strict=True)
            )
            if not differs:
                last = said
                continue
            new_state = stated if stated is not None else state
            if state != GONE:
                yield _default_session(opening, state, was_running, said, new_state)
            was_running, state = state == ACTIVE, new_state
        else:
            state = stated if stated is not None else UNKNOWN
        opening = last = said
    if opening is not None and last is not None and state != GONE:
        yield _default_session(opening, state, was_running, last, None)


def _default_session(
    opening: Said, state: str, was_running: bool, closing: Said, then: str | None
) -> Session:
    """`then` is the state that follows; None: nothing more was heard."""
    running = state == ACTIVE
    return Session(
        "default",
        state,
        opening.time,
        closing.time,
        opening,
        closing,
        then is None,
        int(running and not was_running),
        int(running and then is not None and then != ACTIVE),
    )
