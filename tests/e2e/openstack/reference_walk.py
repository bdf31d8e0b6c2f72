"""How long was each item in which state and size? A plain walk over item events, to compare models with.

Written from the words of the rules and not from the SQL: an event that ends a step sets the state, an
observation says it, a size that was said holds until another is said, a deletion ends the item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SETS = {
    "compute.instance.create.end": "active",
    "compute.instance.power_on.end": "active",
    "compute.instance.resume.end": "active",
    "compute.instance.unpause.end": "active",
    "compute.instance.unshelve.end": "active",
    "compute.instance.power_off.end": "inactive",
    "compute.instance.pause.end": "inactive",
    "compute.instance.suspend.end": "inactive",
    "compute.instance.shelve.end": "shelved",
    "compute.instance.shelve_offload.end": "shelved",
    "compute.instance.delete.end": "gone",
    "volume.create.end": "unattached",
    "volume.attach.end": "attached",
    "volume.detach.end": "unattached",
    "volume.delete.end": "gone",
    "snapshot.create.end": "active",
    "snapshot.delete.end": "gone",
    "image.upload": "active",
    "image.activate": "active",
    "image.delete": "gone",
    "floatingip.create.end": "active",
    "floatingip.delete.end": "gone",
    "router.create.end": "active",
    "router.delete.end": "gone",
    "network.create.end": "active",
    "network.delete.end": "gone",
}
# may only change the size
RESIZES = {
    "compute.instance.finish_resize.end",
    "compute.instance.resize.revert.end",
    "compute.instance.resize.confirm.end",
    "volume.resize.end",
}
SAID = {
    "active": "active",
    "resized": "active",
    "stopped": "inactive",
    "paused": "inactive",
    "suspended": "inactive",
    "shelved": "shelved",
    "shelved_offloaded": "shelved",
    "deleted": "gone",
    "available": "unattached",
    "in-use": "attached",
}
# of what has no states but that it exists
EXISTS = {"available": "active", "active": "active", "down": "active"}


@dataclass(frozen=True)
class Stretch:
    """An item in one state and one size; `end` is None for the last, which goes on."""

    state: str
    size: str
    start: datetime
    end: datetime | None


def stretches_by_item(events: Iterable[dict[str, Any]]) -> dict[str, list[Stretch]]:
    """The stretches of each item, from the first in a known state until it is gone."""
    by_item: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_item[event["item"]].append(event)
    return {item: _walk(sorted(told, key=lambda one: one["time"])) for item, told in by_item.items()}


def _walk(events: list[dict[str, Any]]) -> list[Stretch]:
    stretches: list[Stretch] = []
    state, size, since = "", "", None
    for event in events:
        new_state = state
        if event["event"] in SETS:
            new_state = SETS[event["event"]]
        elif event["event"] == "observed":
            said = event["state_said"] or ""
            new_state = (
                SAID.get(said, state) if event["kind"] in ("vm", "volume") else EXISTS.get(said, state)
            )
        elif event["event"] not in RESIZES:
            continue
        new_size = _size(event) or size
        if state == "gone" or (new_state, new_size) == (state, size):
            continue
        if since is not None and state:
            stretches.append(Stretch(state, size, since, event["time"]))
        state, size, since = new_state, new_size, event["time"]
    if since is not None and state not in ("", "gone"):
        stretches.append(Stretch(state, size, since, None))
    return stretches


def _size(event: dict[str, Any]) -> str:
    """A server's flavor; what space anything else takes, in GiB where it is a volume's."""
    if event["kind"] == "vm":
        return str(event["class"] or "")
    space = event["space_bytes"]
    if space is None:
        return ""
    return str(space >> 30) if event["kind"] in ("volume", "snapshot") else str(space)
