"""How is a snapshot numbered and found?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import meterhouse.register.configured  # noqa: F401
from meterhouse.warehouse.catalogue.models import Snapshot, SnapshotCounter
from meterhouse.warehouse.errors import UnknownSnapshot


def lock_catalogue(alias: str) -> SnapshotCounter:
    """Become the only one to change the catalogue until the end of the open transaction."""
    return SnapshotCounter.objects.using(alias).select_for_update().get(pk=1)


def next_snapshot(alias: str, kind: str, counter: SnapshotCounter) -> Snapshot:
    """Make the next snapshot. Numbers and times grow in the order of commits, whatever clocks say."""
    created_at = max(datetime.now(UTC), counter.created_at + timedelta(microseconds=1))
    counter.number += 1
    counter.created_at = created_at
    SnapshotCounter.objects.using(alias).filter(pk=1).update(number=counter.number, created_at=created_at)
    return Snapshot.objects.using(alias).create(number=counter.number, created_at=created_at, kind=kind)


def resolve_snapshot(alias: str, as_of: int | datetime | None) -> int:
    """The number of the snapshot that `as_of` means; 0 is the state before anything landed.

    A time means the newest snapshot made at or before it. Note the number, not the time, to read
    exactly the same again: more may still be recorded within the present moment.
    """
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise UnknownSnapshot(f"as_of: expected a time with its zone, found {as_of.isoformat()}")
        found = Snapshot.objects.using(alias).filter(created_at__lte=as_of).order_by("-created_at").first()
        if found is None:
            raise UnknownSnapshot(f"nothing had been recorded by {as_of.isoformat()}")
        return found.number
    newest = SnapshotCounter.objects.using(alias).get(pk=1).number
    if as_of is None:
        return newest
    if not 0 <= as_of <= newest:
        raise UnknownSnapshot(f"as_of: expected a snapshot from 0 to {newest}, found {as_of}")
    return as_of
