"""Which streams of events does Hypothesis make up? Out of order, doubled, cut short, tied and half empty.

A stream is drawn as bytes, seven an event, which is fast and shrinks well: fewer bytes are fewer events,
and zeros are the plainest event. Times stand on a coarse grid, so that ties are common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import strategies as st

from meterhouse.sources.delivery import Coverage, Delivery, Rows
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.rules import rule_tables

# A clock change in Europe, America and Australia is near, and so is the end of a month.
FIRST = datetime(2018, 10, 27, 20, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
)

_RULED = sorted({row["event"] for row in rule_tables()["event_rule"].to_pylist()} - {"observed"})
_VM = [event for event in _RULED if event.startswith("compute.")]
_OTHER = [event for event in _RULED if not event.startswith("compute.")]
_UNKNOWN = [
    "compute.instance.live_migration._post.end",
    "compute.instance.resize.prep.end",
    "scheduler.run",
    "volume.usage",
]
_HEARTBEATS = ["compute.instance.exists", "compute.instance.update"]
# What happens most often stands there most often; the plainest first.
EVENTS = [
    "compute.instance.create.end",
    *_HEARTBEATS * 12,
    *[
        "compute.instance.delete.end",
        "compute.instance.resize.confirm.end",
        "compute.instance.finish_resize.end",
    ]
    * 4,
    *["compute.instance.power_off.end", "compute.instance.power_on.end", "compute.instance.shutdown.end"] * 4,
    *_VM * 3,
    *_OTHER * 2,
    *_UNKNOWN,
]
STATES = [
    "active", "active", "active", "ACTIVE", "stopped", "shelved_offloaded", "deleted", "error", "building",
    "resized", "in-use", "available", "no such state", None, None, "suspended",
]  # fmt: skip
FLAVORS = [
    ("m1", 1, 1024, 10), ("m2", 2, 4096, 20), ("m8", 8, 16384, 0), ("m1", 2, 1024, 10),
    (None, None, None, None), ("m2", None, 4096, None), (None, 2, None, 20), ("m0", 0, 512, 1),
]  # fmt: skip
PROJECTS = [("p1", "zealous"), ("p2", "zealous"), ("p3", None), (None, None)]
USERS = [("u1", "yerwa"), ("u2", "zehra"), ("u3", None), (None, None)]
HOSTS = ["h1", "h2", None, None]
_WITHIN = [
    timedelta(0), timedelta(0), timedelta(0), timedelta(0),
    timedelta(microseconds=1), timedelta(microseconds=500_000), timedelta(seconds=1),
    timedelta(minutes=59, seconds=59.999_999),
]  # fmt: skip

BYTES_AN_EVENT = 7
BATCHES = 4


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, as a raw record has it, and the batch (0 to 3) in which it is told."""

    item: str
    time: datetime
    event: str
    state: str | None = "active"
    flavor: tuple[str | None, int | None, int | None, int | None] = FLAVORS[0]
    project: tuple[str | None, str | None] = PROJECTS[0]
    user: tuple[str | None, str | None] = USERS[0]
    host: str | None = "h1"
    batch: int = 0
    size: int | None = None
    name: str | None = None


def decoded(data: bytes, first_item: int = 0, items: int = 1) -> list[Event]:
    """The stream that these bytes stand for."""
    events: list[Event] = []
    for position in range(0, len(data) - BYTES_AN_EVENT + 1, BYTES_AN_EVENT):
        which, when, what, state, size, whose, how = data[position : position + BYTES_AN_EVENT]
        batch = (how >> 2) % BATCHES
        if events and how >> 5 == 7:  # the event before it, told again
            again = events[-1]
            if how & 1:  # with another flavor: tellings that contradict each other
                again = replace(again, flavor=FLAVORS[size % len(FLAVORS)])
            if how & 2:
                again = replace(again, name="renamed", state=STATES[state % len(STATES)])
            events.append(replace(again, batch=batch))
            continue
        events.append(
            Event(
                f"item-{first_item + which % items}",
                FIRST + timedelta(hours=when & 31) + _WITHIN[when >> 5],
                EVENTS[what % len(EVENTS)],
                STATES[state % len(STATES)],
                FLAVORS[size % len(FLAVORS)],
                PROJECTS[whose & 3],
                USERS[(whose >> 2) & 3],
                HOSTS[how & 3],
                batch,
                (None, 1, 20)[(whose >> 4) % 3],
                (None, "web", "db", "web")[whose >> 6],
            )
        )
    return events


def streams(most: int = 12, items: int = 2) -> st.SearchStrategy[list[Event]]:
    """Streams of at most so many events of a few items."""
    return st.binary(max_size=most * BYTES_AN_EVENT).map(lambda data: decoded(data, items=items))


def many_streams(each: int = 9, count: int = 100) -> st.SearchStrategy[list[Event]]:
    """The events of many items at once, about `each` an item: one run of the models tries them all."""
    size = each * BYTES_AN_EVENT
    return st.binary(min_size=count * size // 2, max_size=count * size).map(
        lambda data: [
            event
            for number, start in enumerate(range(0, len(data), size))
            for event in decoded(data[start : start + size], first_item=number)
        ]
    )


def batches_of(events: list[Event]) -> list[list[Event]]:
    """The events by the batch that tells them; batches without any are left out."""
    found = [[event for event in events if event.batch == batch] for batch in range(BATCHES)]
    return [batch for batch in found if batch]


def raw_events(events: list[Event], resource: str = "cloud") -> pa.RecordBatch:
    """Raw records of `openstack_event`, numbered from 1."""
    schema = RAW_TABLES["openstack_event"].schema
    records = [
        {
            "record": number,
            "resource": resource,
            "channel": "file",
            "event_type": event.event,
            "generated": event.time,
            "instance_id": event.item,
            "resource_id": event.item,
            "display_name": event.name,
            "instance_type": event.flavor[0],
            "vcpus": event.flavor[1],
            "memory_mb": event.flavor[2],
            "disk_gb": event.flavor[3],
            "state": event.state,
            "status": event.state,
            "host": event.host,
            "user_id": event.user[0],
            "user_name": event.user[1],
            "project_id": event.project[0],
            "project_name": event.project[1],
            "domain": "Default",
            "size": event.size,
            "type": event.flavor[0],
        }
        for number, event in enumerate(events, start=1)
    ]
    return pa.RecordBatch.from_pylist(records, schema=schema)


def delivery(events: list[Event], name: str = "events", resource: str = "cloud") -> Delivery:
    """One batch of these events. Its key follows from them, as it does for a file."""
    key = hashlib.sha256(repr((name, resource, events)).encode()).hexdigest()

    def stream() -> Iterator[Rows | Coverage]:
        yield Rows("openstack_event", raw_events(events, resource))
        if events:
            times = [event.time for event in events]
            end = max(times) + timedelta(microseconds=1)
            yield Coverage("events", min(times), end, "ok", len(events))

    return Delivery("openstack-events", resource, f"{name}.json", key, stream())
