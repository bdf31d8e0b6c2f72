"""Does the reader keep exactly the good records of a hostile file, and report each bad one?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hostile_events import write_hostile_file

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.openstack.event_files import read_openstack_events


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a hostile file; the lists are empty when all is well."""

    elements: int
    good: int
    lost: list[int]  # good records that didn't come out
    let_through: list[tuple[int, str]]  # bad ones that did, with their damage
    unreported: list[tuple[int, str]]
    reported_twice: list[int]
    mistaken: list[int]  # records whose number isn't their own
    coverage: Coverage


def read_hostile_file(path: Path, style: str, count: int, seed: int) -> Outcome:
    """Write a hostile file of `count` elements to `path`, read it, and compare with what is known of it."""
    damaged, _ = write_hostile_file(path, style, count, seed)
    taken: set[int] = set()
    reported: set[int] = set()
    reported_twice: list[int] = []
    mistaken: list[int] = []
    coverages: list[Coverage] = []
    for item in read_openstack_events(path, "cloud").stream:
        if isinstance(item, Rows):
            numbers = item.records.column("record").to_pylist()
            names = item.records.column("message_id").to_pylist()
            mistaken += [
                number for number, name in zip(numbers, names, strict=True) if name != f"message-{number}"
            ]
            taken.update(numbers)
        elif isinstance(item, Rejection):
            if item.record in reported:
                reported_twice.append(item.record)
            reported.add(item.record)
        else:
            coverages.append(item)
    (coverage,) = coverages
    good = set(range(1, count + 1)) - damaged.keys()
    return Outcome(
        elements=count,
        good=len(good),
        lost=sorted(good - taken),
        let_through=[(number, damaged.get(number, "")) for number in sorted(taken - good)],
        unreported=[(number, damaged[number]) for number in sorted(damaged.keys() - reported)],
        reported_twice=reported_twice + sorted(reported - damaged.keys()),
        mistaken=mistaken,
        coverage=coverage,
    )
