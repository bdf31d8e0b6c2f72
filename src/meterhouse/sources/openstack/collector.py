"""What does an OpenStack cloud say about itself now? The polling collector.

Read-only, every project, restartable: the cursor says until when each call has been read, and is to
be kept by the caller only after the delivery that came with it has landed. A call that fails is
covered as failed and read again, from where it last succeeded, the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openstack.connection import Connection

from meterhouse.sources.delivery import Delivery
from meterhouse.sources.openstack import block_storage, compute, identity, image, network, object_store
from meterhouse.sources.openstack.cloud import Clock, Cloud, utc_now
from meterhouse.sources.openstack.reading import Cursor, Habits, Reading

RECORDS_A_DELIVERY = 100_000

SERVICES: dict[str, Callable[[Cloud, Reading], None]] = {
    "identity": identity.read,
    "compute": compute.read,
    "block_storage": block_storage.read,
    "image": image.read,
    "network": network.read,
    "object_store": object_store.read,
}


@dataclass(frozen=True, slots=True)
class Collected:
    """A delivery to land, and the cursor to keep once it has landed."""

    delivery: Delivery
    cursor: dict[str, Any]


def collect(
    connection: Connection,
    resource: str,
    cursor: dict[str, Any] | None,
    now: datetime,
    habits: Habits | None = None,
    clock: Clock = utc_now,
) -> Iterator[Collected]:
    """Read the cloud behind `connection` for `resource`, as of `now`.

    Usually one delivery; more when a cloud has more than RECORDS_A_DELIVERY records. `cursor` is what
    the last reading gave, None at first. `clock` gives the moment of each observation.
    """
    habits = habits or Habits()
    unknown = set(habits.services) - set(SERVICES)
    if unknown:
        raise ValueError(
            f"services: expected some of {', '.join(SERVICES)}, found {', '.join(sorted(unknown))}"
        )
    cloud = Cloud(connection, habits.patience, clock)
    reading = Reading(resource, now.astimezone(UTC), Cursor(cursor), habits)
    for service in habits.services:
        SERVICES[service](cloud, reading)
        if reading.size >= RECORDS_A_DELIVERY:
            yield Collected(reading.deliver(), reading.cursor.kept())
    yield Collected(reading.deliver(), reading.cursor.kept())
