"""Are only those files deleted that nobody can need any more?"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from warehouse_examples import build, delivery, expected_rows, rows

from meterhouse.register.database import Register
from meterhouse.warehouse import FilesVanished, Warehouse
from meterhouse.warehouse.catalogue.models import DataFile
from meterhouse.warehouse.errors import SnapshotNotKept

NOW = timedelta(0)


def on_disk(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.glob("*/*.parquet")}


def in_catalogue(register: Register) -> set[str]:
    return set(DataFile.objects.using(register.alias).values_list("path", flat=True))


def test_compacted_files_are_deleted_after_the_grace_time_only(
    warehouse: Warehouse, root: Path, register: Register
) -> None:
    for number in range(4):
        warehouse.land(delivery(number))
    warehouse.compact(every_small_file=True)
    assert len(on_disk(root)) == 3 * 4 + 3
    assert warehouse.collect_garbage(timedelta(hours=1)).superseded_files == 0
    assert warehouse.collect_garbage(NOW).superseded_files == 12
    assert on_disk(root) == in_catalogue(register)
    assert len(on_disk(root)) == 3


def test_a_reader_whose_files_have_vanished_is_told_to_look_again(warehouse: Warehouse) -> None:
    for number in range(4):
        warehouse.land(delivery(number))
    view = warehouse.view()
    sql = view.select("openstack_event", ["record"])
    warehouse.compact(every_small_file=True)
    warehouse.collect_garbage(NOW)
    with pytest.raises(FilesVanished, match="take a new view"), view.reading():
        duckdb.sql(sql).fetchall()
    assert rows(warehouse.view(as_of=view.snapshot)) == expected_rows(range(4))


def test_an_error_with_all_files_in_place_stays_what_it_is(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    view = warehouse.view()
    with pytest.raises(duckdb.ParserException), view.reading():
        duckdb.sql(view.select("openstack_event") + " WHERE (")


def test_superseded_builds_are_kept_for_the_snapshots_that_are_kept(warehouse: Warehouse, root: Path) -> None:
    warehouse.land(delivery(1))
    first, second, third = build(warehouse), build(warehouse), build(warehouse)
    assert warehouse.collect_garbage(NOW).superseded_files == 0
    assert warehouse.release_snapshots(before=datetime.now(UTC)) == 3  # all but the newest
    assert warehouse.collect_garbage(NOW).superseded_files == 2
    assert len(list((root / "counted").iterdir())) == 1
    with pytest.raises(SnapshotNotKept, match=f"snapshot {second} is not kept"):
        warehouse.view(as_of=second).files("counted")
    assert rows(warehouse.view(as_of=first)) == expected_rows([1])  # raw tables answer all the same
    assert len(warehouse.view(as_of=third).files("counted")) == 1


def test_files_of_a_writer_that_died_are_deleted_those_of_a_living_one_are_not(
    warehouse: Warehouse, root: Path, register: Register
) -> None:
    warehouse.land(delivery(1))
    died = Warehouse(root, register)
    orphan = died.new_path("openstack_event")
    orphan.write_bytes(b"half a file")
    hours_ago = time.time() - 7200
    os.utime(orphan, (hours_ago, hours_ago))
    assert warehouse.collect_garbage(NOW).orphaned_files == 0  # still at work
    died.close()
    assert warehouse.collect_garbage(timedelta(hours=3)).orphaned_files == 0  # not old enough
    assert warehouse.collect_garbage(timedelta(hours=1)).orphaned_files == 1
    assert on_disk(root) == in_catalogue(register)
    assert len(list((root / ".writing").iterdir())) == 1


def test_a_file_written_in_vain_can_be_discarded_a_published_one_can_not(
    warehouse: Warehouse, root: Path, register: Register
) -> None:
    warehouse.land(delivery(1))
    vain = warehouse.new_path("counted")
    vain.write_bytes(b"half a file")
    (published,) = warehouse.view().files("openstack_event")
    warehouse.discard([vain, published.path])
    assert on_disk(root) == in_catalogue(register)
    assert rows(warehouse.view()) == expected_rows([1])
