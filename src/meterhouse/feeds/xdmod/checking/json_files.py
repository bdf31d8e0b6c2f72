"""Would Open XDMoD take this JSON? Cloud events, hypervisor facts, storage samples and resource files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from meterhouse.feeds.xdmod.checking.findings import Checked
from meterhouse.feeds.xdmod.checking.values import (
    BIGINT,
    INT,
    UNSIGNED_BIGINT,
    Rule,
    check_fields,
    integer,
    is_moment,
)
from meterhouse.sources.excerpt import excerpt, found

_GENERATED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_CLOUD_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)

_OPENSTACK = {
    "event_type": Rule(most=64, required=True, nullable=False),
    **dict.fromkeys(
        (
            *("instance_id", "instance_type", "state", "user_id", "tenant_id", "message_id", "service"),
            *("request_id", "project_id", "domain", "host", "resource_id", "volume_id"),
        ),
        Rule(most=64),
    ),
    "user_name": Rule(most=255),
    "project_name": Rule(most=256),
    "vcpus": Rule("integer", INT),
    "memory_mb": Rule("integer", INT),
    "disk_gb": Rule("integer", INT),
    "size": Rule("integer", BIGINT),
    "created_at": Rule(most=26),
    "instance_type_id": Rule("integer", INT),
}
# What a VM's event needs, or its session isn't counted.
_VM_NEEDS = ("instance_id", "instance_type", "vcpus", "memory_mb", "project_id", "project_name")

_STORAGE = {
    "resource": Rule(most=200, required=True, nullable=False),
    "mountpoint": Rule(most=255, required=True, nullable=False),
    "user": Rule(most=30, required=True, nullable=False),
    "pi": Rule(most=30, required=True, nullable=False),
    "file_count": Rule("integer", UNSIGNED_BIGINT, required=True, nullable=False),
    "logical_usage": Rule("integer", UNSIGNED_BIGINT, required=True, nullable=False),
    "physical_usage": Rule("integer", UNSIGNED_BIGINT),
    # not in the schema, but the column takes no NULL
    "soft_threshold": Rule("integer", UNSIGNED_BIGINT, required=True, nullable=False),
    "hard_threshold": Rule("integer", UNSIGNED_BIGINT, required=True, nullable=False),
}
_HYPERVISOR = {
    "hypervisor_hostname": Rule(most=255, required=True, nullable=False),
    "id": Rule("integer", INT),
    "memory_mb": Rule("integer", INT, required=True, nullable=False),
    "vcpus": Rule("integer", INT, required=True, nullable=False),
}
_RESOURCE = {
    "resource": Rule(most=64, required=True, nullable=False),
    "name": Rule(most=200, required=True, nullable=False),
    "description": Rule(most=1000),
    "resource_type": Rule(most=64),
    "resource_allocation_type": Rule(most=64),
    "pi_column": Rule(most=64),
    "timezone": Rule(most=30),
    "organization": Rule(most=300),
}
_SPEC = {
    "resource": Rule(most=64, required=True, nullable=False),
    **dict.fromkeys(
        ("cpu_node_count", "cpu_processor_count"), Rule("integer", INT, required=True, nullable=False)
    ),
    **dict.fromkeys(("gpu_node_count", "gpu_processor_count"), Rule("integer", INT, nullable=False)),
    **dict.fromkeys(("cpu_ppn", "gpu_ppn"), Rule("number", nullable=False)),
    "start_date": Rule("date", required=True, nullable=False),
    "end_date": Rule("date"),
    "percent_allocated": Rule("number", 100, nullable=False),
    "comments": Rule(most=500, nullable=False),
}
_GENERIC_TYPES = (
    *("REQUEST_START", "START", "REQUEST_STOP", "STOP", "REQUEST_TERMINATE", "TERMINATE", "REQUEST_RESUME"),
    *("RESUME", "REQUEST_IP_ATTACH", "REQUEST_VOLUME_ATTACH", "VOLUME_ATTACH", "REQUEST_VOLUME_DETACH"),
    *("REQUEST_MIGRATE", "START_MIGRATE", "STOP_MIGRATE", "STATE_REPORT"),
)
_GENERIC = {
    **dict.fromkeys(("instance_id", "account", "image_type"), Rule(required=True, nullable=False)),
    "event_data": Rule(required=True, nullable=False, may_be_empty=True),
    "event_type": Rule(required=True, nullable=False, choices=_GENERIC_TYPES),
    "record_type": Rule(required=True, nullable=False, choices=("ACCOUNTING", "DERIVED", "ADMINISTRATIVE")),
    "root_type": Rule(required=True, nullable=False, choices=("ebs", "instance-store")),
    **dict.fromkeys(("node_controller", "public_ip", "private_ip"), Rule()),
}
_GENERIC_SIZE = {
    "name": Rule(required=True),
    **dict.fromkeys(("cpu", "memory", "disk", "networkInterfaces"), Rule("integer", INT)),
}

Check = Callable[[Checked, int, dict[str, Any]], None]


@cache
def mapped_events() -> frozenset[str]:
    """The OpenStack events that Open XDMoD knows; it drops all others."""
    listed = files("meterhouse.feeds.xdmod.catalogue").joinpath("openstack_events.txt")
    return frozenset(listed.read_text(encoding="utf-8").split())


def check_openstack_events(checked: Checked, path: Path) -> None:
    """An array of OpenStack events."""
    _check_array(checked, path, _openstack_event)


def check_storage_samples(checked: Checked, path: Path) -> None:
    """An array of storage samples, each named once."""
    seen: set[tuple[Any, ...]] = set()

    def check(checked: Checked, number: int, record: dict[str, Any]) -> None:
        check_fields(checked, number, record, _STORAGE)
        if not is_moment(record.get("dt"), _UTC):
            checked.fault(number, "dt", "a UTC time as 2018-12-27T11:12:22Z", found(record.get("dt")))
        key = tuple(str(record.get(name)) for name in ("resource", "mountpoint", "user", "pi", "dt"))
        if key in seen:
            checked.fault(number, "", "a sample of its own", f"another of {excerpt(', '.join(key), 120)}")
        seen.add(key)

    _check_array(checked, path, check)


def check_resources(checked: Checked, path: Path) -> None:
    """resources.json: each resource once."""
    seen: set[str] = set()

    def check(checked: Checked, number: int, record: dict[str, Any]) -> None:
        check_fields(checked, number, record, _RESOURCE)
        if not isinstance(record.get("shared_jobs", False), bool):
            checked.fault(number, "shared_jobs", "true or false", found(record["shared_jobs"]))
        name = str(record.get("resource"))
        if name in seen:
            checked.fault(number, "resource", "each resource once", found(name))
        seen.add(name)

    _check_array(checked, path, check)


def check_resource_specs(checked: Checked, path: Path) -> None:
    """resource_specs.json: periods of one resource don't overlap."""
    until: dict[str, str] = {}

    def check(checked: Checked, number: int, record: dict[str, Any]) -> None:
        before = len(checked.faults)
        check_fields(checked, number, record, _SPEC)
        if len(checked.faults) > before:
            return
        name, start, end = record["resource"], record["start_date"], record.get("end_date")
        if end is not None and end < start:
            checked.fault(number, "end_date", f"a day from {start}", found(end))
        if name in until and start <= until[name]:
            checked.fault(number, "start_date", f"a day after {until[name]}, the end before", found(start))
        until[name] = end or "9999-12-31"

    _check_array(checked, path, check)


def check_hypervisor_facts(checked: Checked, path: Path) -> None:
    """One object: a moment and all hypervisors."""
    facts = _load(checked, path)
    if facts is None:
        return
    if not isinstance(facts, dict):
        checked.fault(0, "", "an object with ts and hypervisors", found(facts))
        return
    if not is_moment(facts.get("ts"), _UTC):
        checked.fault(0, "ts", "a UTC time as 2018-04-17T22:30:02Z", found(facts.get("ts")))
    hypervisors = facts.get("hypervisors")
    if not isinstance(hypervisors, list):
        checked.fault(0, "hypervisors", "a list of objects", found(hypervisors))
        return
    _check_all(checked, hypervisors, lambda to, number, one: check_fields(to, number, one, _HYPERVISOR))


def check_generic_events(checked: Checked, path: Path) -> None:
    """A generic cloud event a line."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        checked.records += 1
        try:
            record = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            checked.fault(number, "", "a JSON object", str(error)[:80])
            continue
        if not isinstance(record, dict):
            checked.fault(number, "", "a JSON object", found(record))
            continue
        _generic_event(checked, number, record)


def _generic_event(checked: Checked, number: int, record: dict[str, Any]) -> None:
    check_fields(checked, number, record, _GENERIC)
    if not is_moment(record.get("event_time"), _CLOUD_MOMENT):
        checked.fault(number, "event_time", "a time as RFC 3339 has it", found(record.get("event_time")))
    size = record.get("instance_type")
    if not isinstance(size, dict):
        checked.fault(number, "instance_type", "an object with name, cpu, memory and disk", found(size))
    else:
        check_fields(checked, number, size, _GENERIC_SIZE)
    devices = record.get("block_devices", [])
    if not isinstance(devices, list) or not all(isinstance(one, dict) for one in devices):
        checked.fault(number, "block_devices", "a list of objects", found(devices))
    elif not any(one.get("user") for one in devices):
        checked.remark(number, "block_devices", "one that names a user", "none: nobody is known to use it")


def _openstack_event(checked: Checked, number: int, record: dict[str, Any]) -> None:
    check_fields(checked, number, record, _OPENSTACK)
    if not is_moment(record.get("generated"), _GENERATED):
        checked.fault(
            number,
            "generated",
            "a UTC time without zone as 2018-04-18T14:58:45.774847",
            found(record.get("generated")),
        )
    event_type = record.get("event_type")
    if event_type not in mapped_events():
        checked.remark(number, "event_type", "one that Open XDMoD knows", found(event_type))
        return
    if not str(event_type).startswith("compute.instance."):
        return
    for name in _VM_NEEDS:
        if record.get(name) in (None, ""):
            checked.remark(number, name, "a value", "nothing: a session that this opens isn't counted")
    if integer(record.get("vcpus")) == 0:
        checked.remark(number, "vcpus", "at least 1", "0")
    if event_type == "compute.instance.exists" and str(record.get("state")).lower() != "active":
        checked.remark(number, "state", "active", found(record.get("state")))


def _check_array(checked: Checked, path: Path, check: Check) -> None:
    records = _load(checked, path)
    if records is None:
        return
    if not isinstance(records, list):
        checked.fault(0, "", "one array of objects", found(records))
        return
    _check_all(checked, records, check)


def _check_all(checked: Checked, records: list[Any], check: Check) -> None:
    for number, record in enumerate(records, start=1):
        checked.records += 1
        if isinstance(record, dict):
            check(checked, number, record)
        else:
            checked.fault(number, "", "an object", found(record))


class _SaidTwice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _SaidTwice(f"the key {excerpt(twice, 40)} twice")
    return record


def _no_number(name: str) -> Any:
    raise _SaidTwice(f"{name}, which JSON doesn't know")


def _load(checked: Checked, path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8")
        loaded = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        checked.fault(0, "", "JSON in UTF-8", excerpt(str(error), 120))
        return None
    if loaded is None:
        checked.fault(0, "", "JSON in UTF-8", "null")
    return loaded
