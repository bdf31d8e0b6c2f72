"""In which words do we speak of items, sizes, states and events? The vocabulary of the transaction log."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterhouse.reports.names import shown

# Kind of item -> what people call one, and several.
KINDS = {
    "vm": ("VM", "Virtual machines"),
    "volume": ("volume", "Volumes"),
    "snapshot": ("snapshot", "Volume snapshots"),
    "image": ("image", "Images"),
    "floating_ip": ("floating IP", "Floating IPs"),
    "router": ("router", "Routers"),
    "network": ("network", "Networks"),
    "container": ("object container", "Object containers"),
    "job": ("job", "Jobs"),
    "pod": ("pod", "Pods"),
    "claim": ("volume claim", "Volume claims"),
    "filesystem": ("directory", "Directories"),
}

# Event without its kind's prefix and without .start/.end -> what has been done, what was begun.
_DEEDS = {
    "create": ("created {}", "began to create {}"),
    "upload": ("uploaded {}", "began to upload {}"),
    "activate": ("uploaded {}", "began to upload {}"),
    "power_on": ("started {}", "began to start {}"),
    "power_off": ("stopped {}", "began to stop {}"),
    "shutdown": ("stopped {}", "began to stop {}"),
    "resume": ("resumed {}", "began to resume {}"),
    "pause": ("paused {}", "began to pause {}"),
    "unpause": ("unpaused {}", "began to unpause {}"),
    "suspend": ("suspended {}", "began to suspend {}"),
    "unsuspend": ("resumed {}", "began to resume {}"),
    "shelve": ("shelved {}", "began to shelve {}"),
    "shelve_offload": ("shelved {}", "began to shelve {}"),
    "unshelve": ("unshelved {}", "began to unshelve {}"),
    "soft_delete": ("marked {} for deletion", "began to mark {} for deletion"),
    "restore": ("restored {}", "began to restore {}"),
    "rescue": ("put {} into rescue mode", "began to put {} into rescue mode"),
    "unrescue": ("took {} out of rescue mode", "began to take {} out of rescue mode"),
    "reboot": ("rebooted {}", "began to reboot {}"),
    "attach": ("attached {}", "began to attach {}"),
    "detach": ("detached {}", "began to detach {}"),
    "delete": ("deleted {}", "began to delete {}"),
}
# Floating IPs come from a pool and go back to it.
_FLOATING_IP_DEEDS = {
    "create": ("allocated {}", "began to allocate {}"),
    "delete": ("released {}", "began to release {}"),
}

# What begins and ends a run, as the source says it -> in words.
_RUNS = {
    "started": "started {}",
    "scheduled": "scheduled {}",
    "completed": "{} completed",
    "failed": "{} failed",
    "cancelled": "{} was cancelled",
    "timeout": "{} ran into its time limit",
    "out_of_memory": "{} ran out of memory",
    "node_fail": "{} lost a node",
    "boot_fail": "{} lost a node that did not start",
    "preempted": "{} was preempted",
    "requeued": "{} was put back into the queue",
    "deadline": "{} missed its deadline",
    "revoked": "{} was revoked",
}

# What an event's name begins with before it names the deed.
_PREFIXES = ("compute.instance.", "volume.", "snapshot.", "image.", "floatingip.", "router.", "network.")

_STATES = {
    "vm": {"active": "running", "inactive": "stopped", "shelved": "shelved"},
    "volume": {"attached": "attached", "unattached": "not attached"},
    "claim": {"attached": "in use", "unattached": "not in use"},
    "job": {"active": "running"},
    "pod": {"active": "running"},
}


def deed(event: str | None) -> str:
    """`compute.instance.power_on.end` -> `power_on`; `observed` -> `observed`."""
    name = event or ""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name.removesuffix(".end").removesuffix(".start").removesuffix(".error")


def done(event: str | None, what: str, kind: str) -> str | None:
    """`stopped VM web-1`, `began to stop VM web-1`; None for an event that only tells how things are."""
    name = event or ""
    if name in _RUNS:
        return _RUNS[name].format(what)
    words = (kind == "floating_ip" and _FLOATING_IP_DEEDS.get(deed(event))) or _DEEDS.get(deed(event))
    if not words:
        return None
    if name.endswith(".error"):
        return f"failed to {deed(event).replace('_', ' ')} {what}"
    return (words[1] if name.endswith(".start") else words[0]).format(what)


def state_word(state: str, kind: str) -> str:
    """`inactive` VM -> `stopped`."""
    if state == "unknown":
        return "in an unknown state"
    return _STATES.get(kind, {"active": "present"}).get(state, state)


def state_heading(state: str, kind: str) -> str:
    """The same for the head of a column: `Stopped`, `Unknown`."""
    return (state if state == "unknown" else state_word(state, kind)).capitalize()


def item_words(span: Mapping[str, Any]) -> str:
    """`VM web-1`, or `volume 9f2c...` by its id when it has no name."""
    kind = KINDS.get(span["kind"], (str(span["kind"]).replace("_", " "), ""))[0]
    return f"{kind} {shown(span['name'] or span['item'])}"


def size_words(span: Mapping[str, Any]) -> str:
    """`1 vCPU, 4 GiB` for a VM; `10 GiB` for a volume; `` when the source said nothing."""
    parts = []
    if span["nodes"] is not None and span["nodes"] > 1:
        parts.append(f"{span['nodes']} nodes")
    if span["cpu_millis"] is not None and span["kind"] != "vm":
        cores = (Decimal(span["cpu_millis"]) / 1000).normalize()
        parts.append(f"{cores:f} {'core' if cores == 1 else 'cores'}")
    elif span["vcpus"] is not None:
        parts.append(f"{span['vcpus']} vCPU")
    if span["memory_mib"] is not None:
        parts.append(_gib(span["memory_mib"], 1024, "MiB"))
    if span["gpus"]:
        model = f" ({shown(span['gpu_model'])})" if span["gpu_model"] else ""
        parts.append(f"{span['gpus']} GPU{model}")
    if span["disk_gib"] is not None and span["kind"] != "vm":
        parts.append(f"{span['disk_gib']} GiB")
    if span["space_bytes"] is not None and span["disk_gib"] is None:
        parts.append(_gib(span["space_bytes"], 1 << 30, "bytes"))
    return ", ".join(parts)


def class_and_size(span: Mapping[str, Any]) -> str:
    """`flavor c1.m4, 1 vCPU, 4 GiB`; `type ssd, 10 GiB` for a volume."""
    label = {"vm": "flavor", "job": "queue"}.get(span["kind"], "type")
    named = f"{label} {shown(span['class'])}" if span["class"] else ""
    return ", ".join(part for part in (named, size_words(span)) if part)


def _gib(amount: int, per_gib: int, unit: str) -> str:
    """In GiB when that takes at most two decimals, else in the unit that it was said in."""
    gib = Decimal(amount) / per_gib
    if gib == round(gib, 2):
        return f"{gib.normalize():f} GiB"
    return f"{amount:,} {unit}"
