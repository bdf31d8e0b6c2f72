"""Hundreds of small builds: few files are left, and what can be read as of is what was kept."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

import meterhouse.register.configured  # noqa: F401
from meterhouse.operations.demo.records import RESOURCE
from meterhouse.sources.delivery import Delivery, Rows
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.warehouse.catalogue.models import Snapshot
from meterhouse.warehouse.errors import SnapshotNotKept
from strategies.sites import build_site, new_site, usage_of


def stop_and_go(number: int) -> Delivery:
    """One VM that is started in even hours and stopped in odd ones."""
    schema = RAW_TABLES["openstack_event"].schema
    row = dict.fromkeys(schema.names) | {
        "record": 1,
        "resource": RESOURCE,
        "event_type": f"compute.instance.power_{'off' if number % 2 else 'on'}.end",
        "generated": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        "instance_id": "vm",
        "instance_type": "f",
        "vcpus": 1,
        "memory_mb": 1024,
        "project_id": "p",
    }
    rows = Rows("openstack_event", pa.RecordBatch.from_pylist([row], schema=schema))
    key = hashlib.sha256(str(number).encode()).hexdigest()
    return Delivery("test", RESOURCE, "test", key, iter([rows]))


def test_small_builds_leave_few_files_and_the_same_usage() -> None:
    with new_site() as small, new_site() as whole:
        for number in range(36):  # sixteen alike are put together: twice
            small.warehouse.land(stop_and_go(number))
            build_site(small)
            whole.warehouse.land(stop_and_go(number))
        build_site(whole)
        assert len(small.warehouse.view().files("span", partition="closed")) <= 16
        assert usage_of(small) == usage_of(whole)


def test_thinned_snapshots_are_the_last_of_each_day() -> None:
    with new_site() as site:
        for number in range(4):
            site.warehouse.land(stop_and_go(number))
            build_site(site)
        alias = site.register.alias
        # Two days of two landings with their builds: snapshots 1 to 4, and 5 to 8.
        for snapshot in Snapshot.objects.using(alias):
            moment = datetime(2026, 1, 1 + (snapshot.number - 1) // 4, snapshot.number, tzinfo=UTC)
            Snapshot.objects.using(alias).filter(number=snapshot.number).update(created_at=moment)
        kept = usage_of(site, site.warehouse.view(as_of=4))
        assert site.warehouse.thin_snapshots(datetime(2026, 2, 1, tzinfo=UTC)) == 6
        site.warehouse.collect_garbage(timedelta(0))
        assert usage_of(site, site.warehouse.view(as_of=4)) == kept
        with pytest.raises(SnapshotNotKept):
            usage_of(site, site.warehouse.view(as_of=2))
