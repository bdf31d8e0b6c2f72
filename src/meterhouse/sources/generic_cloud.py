"""What do generic cloud events say? JSON lines as Open XDMoD's `genericcloud` format has them."""

from __future__ import annotations

import os
from typing import Any

from meterhouse.sources.delivery import Delivery, Rejection
from meterhouse.sources.fields import (
    EXTRA_CHARACTERS,
    MOST_VCPUS,
    Fault,
    Field,
    TypedRecords,
    compact_json,
    shown,
)
from meterhouse.sources.file_content import file_content
from meterhouse.sources.json_records import Records
from meterhouse.sources.record_file import record_stream

FORMAT = "generic-cloud"
_TABLE = "generic_cloud_event"

_FIELDS = [
    Field("event_type", required=True),
    Field("event_time", "time", required=True),
    *[
        Field(name)
        for name in (
            *("instance_id", "account", "record_type", "image_type", "root_type"),
            *("node_controller", "public_ip", "private_ip", "user"),
        )
    ],
    Field("event_data", most=EXTRA_CHARACTERS),
    Field("instance_type", key="instance_type.name"),
    Field("cpu", "integer", most=MOST_VCPUS, key="instance_type.cpu"),
    Field("memory", "integer", key="instance_type.memory"),
    Field("disk", "integer", key="instance_type.disk"),
    Field("block_devices", most=EXTRA_CHARACTERS),
]


def read_generic_cloud(path: str | os.PathLike[str], resource: str) -> Delivery:
    """The delivery of one file of generic cloud events, plain or gzip, for `resource`."""
    content = file_content(path, FORMAT, resource)
    typed = TypedRecords(_TABLE, _FIELDS)
    stream = record_stream(content, resource, _TABLE, typed, FORMAT, prepare=_flatten_all)
    return Delivery(FORMAT, resource, content.origin, content.content_key, stream)


def _flatten_all(records: Records, origin: str) -> tuple[Records, list[Rejection]]:
    flat = Records([], [])
    rejections = []
    for number, said in zip(records.numbers, records.objects, strict=True):
        field = ""
        try:
            field = "instance_type"
            record = _with_size(said)
            field = "block_devices"
            _add_devices(record)
        except Fault as fault:
            rejections.append(Rejection(origin, number, field, fault.expected, fault.found, shown(said)))
        else:
            flat.numbers.append(number)
            flat.objects.append(record)
    return flat, rejections


def _with_size(said: dict[str, Any]) -> dict[str, Any]:
    """The record with its instance type in fields of its own: name, cpu, memory (MB) and disk (GB)."""
    record = dict(said)
    instance_type = record.pop("instance_type", None)
    if instance_type is None:
        return record
    if not isinstance(instance_type, dict):
        raise Fault("an object with name, cpu, memory and disk", instance_type)
    rest = dict(instance_type)
    for key in ("name", "cpu", "memory", "disk"):
        record[f"instance_type.{key}"] = rest.pop(key, None)
    if rest:
        record["instance_type"] = rest  # stays in `extra`
    return record


def _add_devices(record: dict[str, Any]) -> None:
    """Put the devices as JSON text, and as user the first that they name: nothing else says whose it is."""
    devices = record.get("block_devices")
    if devices is None:
        return
    if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
        raise Fault("a list of objects", devices)
    try:
        record["block_devices"] = compact_json(devices) if devices else None
    except (ValueError, RecursionError):
        raise Fault("devices that JSON can say", devices) from None
    if "user" not in record:
        record["user"] = next((device["user"] for device in devices if device.get("user")), None)
