"""What does one message from OpenStack's bus say? Unwrapped, typed, and named in the event vocabulary.

Raw rows keep what was said; secrets (tokens, passwords) are never kept. With Nova's
`notification_format=both` each step is said twice; see `rows`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.openstack.said import (
    Columns,
    Unfit,
    canonical,
    column,
    integer,
    name_or_number,
    shown,
    text,
    time,
    typed,
    without_secrets,
)
from meterhouse.sources.openstack.vocabulary import from_versioned

Step = tuple[str | None, str | None, str]

ENVELOPE: Columns = {
    "event_type": column("event_type", required=True),
    "generated": column("timestamp", convert=time, required=True),
    "message_id": column("message_id", required=True),
    "request_id": column("_context_request_id"),
    "service": column("publisher_id"),
}
_OWNED: Columns = {"project_id": column("tenant_id"), "user_id": column("user_id")}

INSTANCE: Columns = {
    "instance_id": column("instance_id", required=True),
    "resource_id": column("instance_id"),
    "display_name": column("display_name"),
    "instance_type": column("instance_type"),
    "instance_type_id": column("instance_type_id", convert=name_or_number),
    "vcpus": column("vcpus", convert=integer),
    "memory_mb": column("memory_mb", convert=integer),
    "disk_gb": column("disk_gb", convert=integer),
    "root_gb": column("root_gb", convert=integer),
    "ephemeral_gb": column("ephemeral_gb", convert=integer),
    "state": column("state"),
    "old_state": column("old_state"),
    "host": column("host"),
    "availability_zone": column("availability_zone"),
    **_OWNED,
    "created_at": column("created_at", convert=time),
    "launched_at": column("launched_at", convert=time),
    "deleted_at": column("deleted_at", convert=time),
    "audit_period_beginning": column("audit_period_beginning", convert=time),
    "audit_period_ending": column("audit_period_ending", convert=time),
}
_DATA = "nova_object.data"
VERSIONED_INSTANCE: Columns = {
    "instance_id": column("uuid", required=True),
    "resource_id": column("uuid"),
    "display_name": column("display_name"),
    "instance_type": column("flavor", _DATA, "name"),
    "vcpus": column("flavor", _DATA, "vcpus", convert=integer),
    "memory_mb": column("flavor", _DATA, "memory_mb", convert=integer),
    "root_gb": column("flavor", _DATA, "root_gb", convert=integer),
    "ephemeral_gb": column("flavor", _DATA, "ephemeral_gb", convert=integer),
    "state": column("state"),
    "old_state": column("state_update", _DATA, "old_state"),
    "host": column("host"),
    "availability_zone": column("availability_zone"),
    **_OWNED,
    "created_at": column("created_at", convert=time),
    "launched_at": column("launched_at", convert=time),
    "deleted_at": column("deleted_at", convert=time),
    "audit_period_beginning": column("audit_period", _DATA, "audit_period_beginning", convert=time),
    "audit_period_ending": column("audit_period", _DATA, "audit_period_ending", convert=time),
}
VOLUME: Columns = {
    "volume_id": column("volume_id", required=True),
    "resource_id": column("volume_id"),
    "display_name": column("display_name"),
    "size": column("size", convert=integer),
    "type": column("volume_type"),
    "status": column("status"),
    "host": column("host"),
    "availability_zone": column("availability_zone"),
    **_OWNED,
    "created_at": column("created_at", convert=time),
    "launched_at": column("launched_at", convert=time),
}
SNAPSHOT: Columns = {
    "resource_id": column("snapshot_id", required=True),
    "volume_id": column("volume_id"),
    "display_name": column("display_name"),
    "size": column("volume_size", convert=integer),
    "status": column("status"),
    "availability_zone": column("availability_zone"),
    **_OWNED,
    "created_at": column("created_at", convert=time),
}
IMAGE: Columns = {
    "resource_id": column("id", required=True),
    "name": column("name"),
    "size": column("size", convert=integer),
    "status": column("status"),
    "project_id": column("owner"),
    "created_at": column("created_at", convert=time),
    "deleted_at": column("deleted_at", convert=time),
}
NETWORK_THING: Columns = {
    "resource_id": column("id"),
    "name": column("name"),
    "status": column("status"),
    "project_id": column("project_id"),
    "created_at": column("created_at", convert=time),
}
OTHER: Columns = {"resource_id": column("resource_info")}
NETWORK_KINDS = ("floatingip", "router", "network", "subnet", "port")


@dataclass(frozen=True, slots=True)
class Message:
    """An unwrapped message. `step` is the same for both formats that tell of one step of one server."""

    said: dict[str, Any]
    event_type: str
    payload: dict[str, Any]

    @property
    def is_versioned(self) -> bool:
        return _DATA in self.payload

    @property
    def step(self) -> Step:
        data = self.payload.get(_DATA, self.payload)
        data = data if isinstance(data, dict) else {}
        instance = data.get("instance_id", data.get("uuid"))
        request = self.said.get("_context_request_id")
        return (
            request if isinstance(request, str) else None,
            instance if isinstance(instance, str) else None,
            from_versioned(self.event_type),
        )


def unwrap(body: bytes, origin: str, record: int) -> Message | Rejection:
    """The message inside oslo.messaging's envelope, or the body itself where there is none (before 2.0)."""
    try:
        said = json.loads(body)
        if isinstance(said, dict) and "oslo.message" in said:
            said = json.loads(text(said["oslo.message"]) or "")
    except (ValueError, RecursionError):
        return Rejection(
            origin, record, "", "JSON in oslo.messaging's envelope", "something else", _excerpt(body)
        )
    if not isinstance(said, dict):
        return Rejection(origin, record, "", "an object", shown(said), _excerpt(body))
    event_type, payload = said.get("event_type"), said.get("payload")
    if not isinstance(event_type, str):
        return Rejection(origin, record, "event_type", "text", shown(event_type), _excerpt(body))
    if not isinstance(payload, dict):
        return Rejection(origin, record, "payload", "an object", shown(payload), _excerpt(body))
    return Message(said, event_type, payload)


def rows(
    messages: Sequence[tuple[int, Message]], origin: str, resource: str
) -> list[dict[str, Any] | Rejection]:
    """Raw rows of `openstack_event` from numbered messages that hold the whole of each step they tell of.

    A versioned message takes the unversioned name, so that it counts, only where the unversioned twin
    (same request, server and step) is not among the messages. Else it keeps its own name, which the
    event vocabulary doesn't have: both are kept, one counts.
    """
    told = {message.step for _, message in messages if not message.is_versioned}
    made: list[dict[str, Any] | Rejection] = []
    for record, message in messages:
        is_twin = message.is_versioned and message.step in told
        for row in _rows_of(message, origin, record):
            if isinstance(row, dict):
                row["event_type"] = message.event_type if is_twin else from_versioned(message.event_type)
                row["channel"] = "notification"
                row["resource"] = resource
                row["record"] = record
            made.append(row)
    return made


def _rows_of(message: Message, origin: str, record: int) -> list[dict[str, Any] | Rejection]:
    envelope = typed(message.said, ENVELOPE, origin, record)
    if isinstance(envelope, Rejection):
        return [envelope]
    envelope["service"] = re.split(r"[.:]", envelope["service"] or "")[0] or None
    made: list[dict[str, Any] | Rejection] = []
    for payload, columns in _things(message):
        row = typed(payload, columns, origin, record)
        if isinstance(row, dict):
            row = {**envelope, **row, **_names(message.said, row), "extra": _extra(message.said)}
            if row.get("disk_gb") is None and row.get("root_gb") is not None:
                row["disk_gb"] = row["root_gb"] + (row.get("ephemeral_gb") or 0)
        made.append(row)
    return made


def _things(message: Message) -> list[tuple[object, Columns]]:
    """What the payload speaks of: usually one thing, several where Neutron made them in bulk."""
    payload, kind = message.payload, message.event_type.split(".", 1)[0]
    if message.is_versioned:
        data = payload[_DATA]
        return [(data, VERSIONED_INSTANCE)] if kind == "instance" else [({}, OTHER)]
    if message.event_type.startswith("compute.instance.") and "instance_id" in payload:
        return [(payload, INSTANCE)]
    if kind == "volume" and "volume_id" in payload:
        return [(payload, VOLUME)]
    if kind == "snapshot" and "snapshot_id" in payload:
        return [(payload, SNAPSHOT)]
    if kind == "image" and "id" in payload:
        return [(payload, IMAGE)]
    if kind in NETWORK_KINDS:
        things = payload.get(f"{kind}s", payload.get(kind, {}))
        things = things if isinstance(things, list) else [things]
        identity = payload.get(f"{kind}_id", payload.get("id"))  # all that a deletion may say
        return [
            (
                {**thing, "id": thing.get("id", identity)} if isinstance(thing, Mapping) else thing,
                NETWORK_THING,
            )
            for thing in things
        ]
    return [(payload, OTHER)]


def _names(said: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str | None]:
    """Names of the owner's project and user, where the owner acted: the context names who did."""
    own_project = row.get("project_id") is not None and row["project_id"] == said.get("_context_project_id")
    own_user = row.get("user_id") is not None and row["user_id"] == said.get("_context_user_id")
    return {
        "project_name": _name(said.get("_context_project_name")) if own_project else None,
        "domain": _name(said.get("_context_project_domain")) if own_project else None,
        "user_name": _name(said.get("_context_user_name")) if own_user else None,
    }


def _name(value: object) -> str | None:
    try:
        return text(value)
    except Unfit:
        return None


_TYPED_ELSEWHERE = frozenset(
    name.path[0] for key, name in ENVELOPE.items() if key not in ("event_type", "service")
)


def _extra(said: Mapping[str, Any]) -> str:
    """All that the message said, in full, but for secrets and the caller's service catalogue."""
    kept = {
        key: value
        for key, value in said.items()
        if key not in _TYPED_ELSEWHERE and key != "_context_service_catalog"
    }
    return canonical(without_secrets(kept))


_SECRET = re.compile(r'((?:password|passwd|token|secret|adminpass)[^:]{0,8}:\s*\\*")[^"\\]*', re.IGNORECASE)


def _excerpt(body: bytes) -> str:
    return _SECRET.sub(r"\1***", body.decode("utf-8", "backslashreplace"))[:200]
