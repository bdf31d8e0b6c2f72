"""Was this inode counted already? Inodes with several names, until the last of them has come."""

from __future__ import annotations

from typing import Any

import numpy as np

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.compiled import compiled, inlined
from meterhouse.sources.filesystem.kernel_walk import hashed

FIRST, AGAIN, NOT_FOLLOWED = 0, 1, 2


@inlined
def _slot_of(inodes: Any, left: Any, inode: Any, device: int) -> Any:
    """Where an inode stands in the hash table, or the free place where it would."""
    mask = len(inodes) - 1
    slot: Any = np.int64(hashed(inode, np.uint64(device))) & mask
    while left[slot] != 0 and not (inodes[slot] == inode and left[slot] >> 32 == device):
        slot = (slot + 1) & mask
    return slot


@inlined
def _freed(inodes: Any, left: Any, slot: int) -> None:
    """Take an inode out, and move up those behind it that would no longer be found."""
    mask = len(inodes) - 1
    hole = slot
    place = (slot + 1) & mask
    while left[place] != 0:
        home = np.int64(hashed(inodes[place], np.uint64(left[place] >> 32))) & mask
        if (place - home) & mask >= (place - hole) & mask:
            inodes[hole] = inodes[place]
            left[hole] = left[place]
            hole = place
        place = (place + 1) & mask
    left[hole] = 0


@inlined
def name_of_inode(state: at.State, inode: Any, number: Any, links: int) -> int:
    """Which name of its inode this is: FIRST, AGAIN, or NOT_FOLLOWED when there are too many to know."""
    name: int = _name_of_inode(
        state.counts, state.devices, state.link_inode, state.link_left, inode, number, links
    )
    return name


@compiled
def _name_of_inode(
    counts: Any, devices: Any, link_inode: Any, link_left: Any, inode: Any, number: Any, links: int
) -> int:
    device = 0
    while device < counts[at.DEVICES] and devices[device] != number:
        device += 1
    if device == counts[at.DEVICES]:
        if device == len(devices):
            return NOT_FOLLOWED
        devices[device] = number
        counts[at.DEVICES] += 1
    device += 1  # so that what stands in a slot is never zero
    slot = _slot_of(link_inode, link_left, inode, device)
    if link_left[slot] != 0:
        if link_left[slot] & 0xFFFFFFFF == 1:
            _freed(link_inode, link_left, slot)
            counts[at.LINKS_OPEN] -= 1
        else:
            link_left[slot] -= 1
        return AGAIN
    if counts[at.LINKS_OPEN] * 10 >= len(link_inode) * 7:
        return NOT_FOLLOWED
    link_inode[slot] = inode
    link_left[slot] = device << 32 | min(links - 1, 0xFFFFFFFF)
    counts[at.LINKS_OPEN] += 1
    return FIRST


@compiled
def move_links(inodes: Any, left: Any, new_inodes: Any, new_left: Any) -> None:
    """Copy a table of inodes into a larger one."""
    for slot in range(len(inodes)):
        if left[slot] != 0:
            place = _slot_of(new_inodes, new_left, inodes[slot], left[slot] >> 32)
            new_inodes[place] = inodes[slot]
            new_left[place] = left[slot]
