"""What does one raw record say about which item? Read row by row in Python, without the SQL models."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said about one item at one moment.

    `state` is the source's own word in lower case; None where nothing was said. `said_at` is when the
    source said it: of two tellings of one event the earlier counts.
    """

    resource: str
    kind: str
    item: str
    time: datetime
    event: str
    state: str | None
    name: str | None
    project_ref: str | None
    project_name: str | None
    user_ref: str | None
    user_name: str | None
    domain: str | None
    size_class: str | None
    vcpus: int | None
    memory_mib: int | None
    disk_gib: int | None
    space_bytes: int | None
    files: int | None
    host: str | None
    said_at: datetime
    batch_id: str
    record: int

    @property
    def identity(self) -> tuple[datetime, str, str | None]:
        """What makes it one event of its item, however often it is told."""
        return self.time, self.event, self.host

    @property
    def evidence(self) -> tuple[str, int]:
        return self.batch_id, self.record

    def content(self) -> Said:
        """All of it but who told it: two tellings with equal content say the very same."""
        return replace(self, said_at=_NEVER, batch_id="", record=0)


_NEVER = datetime(1, 1, 1, tzinfo=UTC)
Record = Mapping[str, Any]

# Which kind of item an event is about, by how its name begins.
_KIND_OF_PREFIX = {
    "compute": "vm",
    "volume": "volume",
    "snapshot": "snapshot",
    "image": "image",
    "floatingip": "floating_ip",
    "router": "router",
    "network": "network",
}

_GENERIC = {
    "REQUEST_START": "compute.instance.create.start",
    "START": "compute.instance.create.end",
    "REQUEST_STOP": "compute.instance.shutdown.start",
    "STOP": "compute.instance.shutdown.end",
    "REQUEST_TERMINATE": "compute.instance.delete.start",
    "TERMINATE": "compute.instance.delete.end",
    "REQUEST_RESUME": "compute.instance.resume.start",
    "RESUME": "compute.instance.resume.end",
    "STATE_REPORT": "compute.instance.exists",
}


def read_record(table: str, record: Record) -> Iterator[Said]:
    """Everything that a record of a raw table says; nothing where it names no item or no known event."""
    return _READERS[table](record)


def tables_read() -> frozenset[str]:
    """The raw tables that `read_record` knows."""
    return frozenset(_READERS)


def _said(record: Record, kind: str, item: str, time: datetime, event: str, **more: Any) -> Said:
    told = {
        "state": None,
        "name": None,
        "project_ref": None,
        "project_name": None,
        "user_ref": None,
        "user_name": None,
        "domain": None,
        "size_class": None,
        "vcpus": None,
        "memory_mib": None,
        "disk_gib": None,
        "space_bytes": None,
        "files": None,
        "host": None,
        "said_at": time,
    } | more
    return Said(
        resource=record["resource"],
        kind=kind,
        item=item,
        time=time,
        event=event,
        batch_id=record["batch_id"],
        record=record["record"],
        **told,
    )


def _openstack_event(record: Record) -> Iterator[Said]:
    event = record["event_type"]
    kind = _KIND_OF_PREFIX.get((event or "").partition(".")[0])
    if kind is None or record["generated"] is None:
        return
    is_vm = kind == "vm"
    item = record["instance_id"] if is_vm else record["resource_id"]
    if item is None:
        return
    word = record["state"] if is_vm else record["status"]
    size = record["size"]
    space = None
    if size is not None and kind in ("volume", "snapshot"):
        space = size * GIB
    elif kind == "image":
        space = size
    yield _said(
        record,
        kind,
        item,
        record["generated"],
        event,
        state=word.lower() if word is not None else None,
        name=record["display_name"] if record["display_name"] is not None else record["name"],
        project_ref=record["project_id"],
        project_name=record["project_name"],
        user_ref=record["user_id"],
        user_name=record["user_name"],
        domain=record["domain"],
        size_class=record["instance_type"] if is_vm else record["type"],
        vcpus=record["vcpus"],
        memory_mib=record["memory_mb"],
        disk_gib=record["disk_gb"],
        space_bytes=space,
        host=record["host"],
    )


def _generic_cloud_event(record: Record) -> Iterator[Said]:
    event = _GENERIC.get(record["event_type"])
    if event is None or record["instance_id"] is None or record["event_time"] is None:
        return
    yield _said(
        record,
        "vm",
        record["instance_id"],
        record["event_time"],
        event,
        state="active" if event.endswith(".exists") else None,
        project_ref=record["account"],
        project_name=record["account"],
        user_ref=record["user"],
        user_name=record["user"],
        size_class=record["instance_type"],
        vcpus=record["cpu"],
        memory_mib=record["memory"],
        disk_gib=record["disk"],
        host=record["node_controller"],
    )


# --- what polling saw


@cache
def _names(table: str, key: str) -> dict[str, list[tuple[str, str]]]:
    """Nova's word -> (event name, phases), as the tables beside the OpenStack source have them."""
    text = files("meterhouse.sources.openstack").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row[key], []).append((row["event_name"], row["phases"]))
    return found


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _openstack_server_action(record: Record) -> Iterator[Said]:
    """The start and the end of each step of an action; microseconds keep the steps of a second in order."""
    alone = record["event"] is None
    if alone:
        named = _names("instance_actions", "action").get(record["action"], [])
    else:
        named = _names("instance_action_events", "nova_event").get(record["event"], [])
    place = min((record["position"] or 0) * 2, 999_998)
    for name, phases in named:
        moments: list[tuple[datetime, str]] = []
        if alone:
            if phases == "alone" and record["start_time"] is not None:
                moments.append((record["start_time"] + timedelta(microseconds=place), name))
        else:
            if phases == "both" and record["event_start"] is not None:
                moments.append((record["event_start"] + timedelta(microseconds=place), f"{name}.start"))
            if phases in ("both", "at_end") and record["event_finish"] is not None:
                failed = (record["event_result"] or "").lower() != "success" or (
                    # Nova calls a create a success that ended in an error
                    name == "compute.instance.create" and record["server_launched_at"] is None
                )
                ended = f"{name}.error" if failed else name if phases == "at_end" else f"{name}.end"
                moments.append((record["event_finish"] + timedelta(microseconds=place + 1), ended))
        for moment, event in moments:
            yield _said(
                record,
                "vm",
                record["server_id"],
                moment,
                event,
                name=record["server_name"],
                project_ref=record["server_project_id"],
                user_ref=record["server_user_id"],
                size_class=record["flavor_name"],
                vcpus=record["vcpus"],
                memory_mib=record["memory_mb"],
                disk_gib=_root_and_ephemeral(record),
                host=record["event_host"],
                said_at=record["observed_at"],
            )


def _root_and_ephemeral(record: Record) -> int | None:
    return None if record["root_gb"] is None else record["root_gb"] + (record["ephemeral_gb"] or 0)


def _openstack_server(record: Record) -> Iterator[Said]:
    word = record["vm_state"] if record["vm_state"] is not None else record["status"]
    ended = None
    if record["deleted"]:
        ended = record["terminated_at"] if record["terminated_at"] is not None else record["updated_at"]
    yield from _listed(
        record,
        "vm",
        record["server_id"],
        word,
        ended_at=ended,
        size_class=record["flavor_name"],
        vcpus=record["vcpus"],
        memory_mib=record["memory_mb"],
        disk_gib=_root_and_ephemeral(record),
        host=record["host"],
    )


def _listed(
    record: Record,
    kind: str,
    item: str,
    word: str | None,
    *,
    made: str | None = None,
    same_since: datetime | None = None,
    ended_at: datetime | None = None,
    **more: Any,
) -> Iterator[Said]:
    """A thing as it was listed; its state and size have held since it was last updated."""
    shared = {
        "name": record["name"],
        "project_ref": record["project_id"],
        "user_ref": record["user_id"],
        "said_at": record["observed_at"],
    } | more
    state = word.lower() if word is not None else None
    if made is not None and record["created_at"] is not None:
        yield _said(record, kind, item, record["created_at"], made, **shared)
    if same_since is not None:
        yield _said(record, kind, item, same_since, "observed", state=state, **shared)
    yield _said(record, kind, item, _whole_second(record["observed_at"]), "observed", state=state, **shared)
    if ended_at is not None:
        yield _said(record, kind, item, ended_at, "compute.instance.delete.end", **shared)


def _openstack_volume(record: Record) -> Iterator[Said]:
    yield from _listed(
        record, "volume", record["volume_id"], record["status"], made="volume.create.end",
        same_since=record["updated_at"], size_class=record["volume_type"],
        space_bytes=None if record["size_gib"] is None else record["size_gib"] * GIB,
    )  # fmt: skip


def _openstack_volume_snapshot(record: Record) -> Iterator[Said]:
    yield from _listed(
        record, "snapshot", record["snapshot_id"], record["status"], made="snapshot.create.end",
        same_since=record["updated_at"],
        space_bytes=None if record["size_gib"] is None else record["size_gib"] * GIB,
    )  # fmt: skip


def _openstack_image(record: Record) -> Iterator[Said]:
    yield from _listed(
        record, "image", record["image_id"], record["status"], made="image.create",
        same_since=record["updated_at"], space_bytes=record["size_bytes"],
    )  # fmt: skip


def _openstack_floating_ip(record: Record) -> Iterator[Said]:
    name = record["name"] if record["name"] is not None else record["address"]
    yield from _listed(
        record, "floating_ip", record["floating_ip_id"], record["status"], made="floatingip.create.end",
        name=name,
    )  # fmt: skip


def _openstack_router(record: Record) -> Iterator[Said]:
    yield from _listed(record, "router", record["router_id"], record["status"], made="router.create.end")


def _openstack_network(record: Record) -> Iterator[Said]:
    yield from _listed(record, "network", record["network_id"], record["status"], made="network.create.end")


def _openstack_container(record: Record) -> Iterator[Said]:
    yield from _listed(
        record, "container", record["container_id"], "active", size_class=record["storage_policy"],
        space_bytes=record["size_bytes"], files=record["objects"],
    )  # fmt: skip


_READERS: dict[str, Callable[[Record], Iterator[Said]]] = {
    "openstack_event": _openstack_event,
    "generic_cloud_event": _generic_cloud_event,
    "openstack_server": _openstack_server,
    "openstack_server_action": _openstack_server_action,
    "openstack_volume": _openstack_volume,
    "openstack_volume_snapshot": _openstack_volume_snapshot,
    "openstack_image": _openstack_image,
    "openstack_floating_ip": _openstack_floating_ip,
    "openstack_router": _openstack_router,
    "openstack_network": _openstack_network,
    "openstack_container": _openstack_container,
}
