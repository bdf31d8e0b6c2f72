"""Which answers of polled APIs does Hypothesis make up? Listings and actions, told again and again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from meterhouse.sources.delivery import Delivery, Rows
from meterhouse.sources.openstack.vocabulary import table as vocabulary
from meterhouse.sources.tables import RAW_TABLES
from strategies.event_streams import BATCHES, FIRST, FLAVORS, HOSTS, PROJECTS, STATES, USERS

Record = dict[str, Any]
Told = tuple[int, str, Record]  # batch, raw table, record

BYTES_A_RECORD = 10  # of which a record is made, as in event_streams
_ITEM = {
    "openstack_server": "server_id",
    "openstack_server_action": "server_id",
    "openstack_volume": "volume_id",
    "openstack_volume_snapshot": "snapshot_id",
    "openstack_image": "image_id",
    "openstack_floating_ip": "floating_ip_id",
    "openstack_router": "router_id",
    "openstack_network": "network_id",
    "openstack_container": "container_id",
}
_TABLES = ["openstack_server"] * 4 + ["openstack_server_action"] * 6 + ["openstack_volume"] * 2 + list(_ITEM)
_ACTIONS = [row["action"] for row in vocabulary("instance_actions")] + ["no such action"]
_STEPS = [row["nova_event"] for row in vocabulary("instance_action_events")] + ["no such step"]
_USUAL = ["compute__do_build_and_run_instance", "compute_stop_instance", "compute_start_instance",
          "compute_finish_resize", "compute_shelve_instance", "compute_unshelve_instance",
          "compute_terminate_instance", None]  # fmt: skip


def _hour(byte: int) -> datetime | None:
    """Whole seconds, as the APIs have them; sometimes none."""
    return None if byte & 31 == 31 else FIRST + timedelta(hours=byte & 31, seconds=(byte >> 5) & 1)


def decoded(data: bytes, first_item: int = 0) -> list[Told]:
    """The records that these bytes stand for, all of one item."""
    found = []
    for position in range(0, len(data) - BYTES_A_RECORD + 1, BYTES_A_RECORD):
        which, seen, one, two, word, size, whose, what, place, how = data[
            position : position + BYTES_A_RECORD
        ]
        name = _TABLES[which % len(_TABLES)]
        flavor = FLAVORS[size % len(FLAVORS)]
        observed = FIRST + timedelta(hours=seen & 31, milliseconds=250 * (seen >> 5))
        result = (None, "Success", "success", "Error")[how & 3]
        step = _USUAL[what % 8] if what & 64 else _STEPS[what % len(_STEPS)]
        said: Record = {
            "resource": "cloud",
            _ITEM[name]: f"item-{first_item}",
            "observed_at": observed,
            "created_at": _hour(one),
            "updated_at": _hour(two),
            "name": (None, "web", "db", "web")[whose >> 6],
            "project_id": PROJECTS[whose & 3][0],
            "user_id": USERS[(whose >> 2) & 3][0],
            "status": STATES[word % len(STATES)],
            "vm_state": STATES[word % len(STATES)] if word & 128 else None,
            "flavor_name": flavor[0],
            "vcpus": flavor[1],
            "memory_mb": flavor[2],
            "root_gb": flavor[3],
            "ephemeral_gb": (None, 5)[how >> 7],
            "size_gib": (None, 1, 20, 300)[size >> 6],
            "size_bytes": (None, 0, 10**9, 10**13)[size >> 6],
            "objects": size,
            "volume_type": (None, "ssd")[word & 1],
            "storage_policy": (None, "cold")[word & 1],
            "address": "198.51.100.7",
            "host": HOSTS[(how >> 2) & 3],
            "deleted": how & 16 > 0,
            "terminated_at": _hour(one),
            "server_name": "web",
            "server_project_id": PROJECTS[whose & 3][0],
            "server_user_id": USERS[(whose >> 2) & 3][0],
            "server_launched_at": FIRST if how & 32 else None,
            "action": _ACTIONS[what % len(_ACTIONS)],
            "event": step if place & 128 else None,
            "start_time": _hour(one),
            "event_start": _hour(one),
            "event_finish": _hour(two),
            "event_result": result,
            "event_host": HOSTS[(how >> 2) & 3],
            "position": (place >> 2) & 7,
        }
        schema = RAW_TABLES[name].schema
        record = {field: value for field, value in said.items() if field in schema.names}
        batch = place & 3
        if place & 64:  # the same told again, in another batch, a little later
            later = record | {"observed_at": observed + timedelta(hours=1)}
            found.append(((batch + 1) % BATCHES, name, later))
        found.append((batch, name, record))
    return found


def many_polls(each: int = 6, count: int = 80) -> st.SearchStrategy[list[Told]]:
    """What polling told of many items at once, about `each` records an item."""
    size = each * BYTES_A_RECORD
    return st.binary(min_size=count * size // 2, max_size=count * size).map(
        lambda data: [
            told
            for number, start in enumerate(range(0, len(data), size))
            for told in decoded(data[start : start + size], number)
        ]
    )


def tables_of(told: list[Told]) -> dict[str, tuple[pa.RecordBatch, list[int]]]:
    """Raw records by table, numbered, and the batch of each."""
    by_table: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    for number, (batch, name, record) in enumerate(told, start=1):
        by_table[name].append((batch, record | {"record": number}))
    return {
        name: (
            pa.RecordBatch.from_pylist([record for _, record in rows], schema=RAW_TABLES[name].schema),
            [batch for batch, _ in rows],
        )
        for name, rows in by_table.items()
    }


def poll_delivery(told: list[Told]) -> Delivery:
    """One batch of these records."""
    key = hashlib.sha256(repr(told).encode()).hexdigest()
    rows = [Rows(name, records) for name, (records, _) in tables_of(told).items()]
    return Delivery("openstack", "cloud", "poll", key, iter(rows))
