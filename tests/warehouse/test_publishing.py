"""Do built files take the place of older ones at once, and for one builder at a time?"""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest
from warehouse_examples import COUNTED, FIRST, FIVE_MINUTES, build, delivery

from meterhouse.warehouse import BuildConflict, NewFile, View, Warehouse, WarehouseError


def counted(view: View) -> list[int]:
    return [count for (count,) in duckdb.sql(view.select("counted")).fetchall()]


def test_a_build_replaces_what_was_built_before(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    first = build(warehouse)
    assert counted(warehouse.view()) == [10]
    warehouse.land(delivery(2))
    second = build(warehouse)
    assert counted(warehouse.view()) == [20]
    assert counted(warehouse.view(as_of=first)) == [10]
    assert counted(warehouse.view(as_of=1)) == []
    last = warehouse.last_build(warehouse.view())
    assert last is not None
    assert (last.number, last.input_snapshot, last.snapshot, last.models_key) == (2, 3, second, "counted-1")
    assert warehouse.last_build(warehouse.view(as_of=1)) is None


def test_of_two_builders_that_began_alike_one_is_told_to_begin_again(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    view = warehouse.view()
    assert build(warehouse, view) is not None
    before = warehouse.view()
    late = warehouse.new_path("counted")
    late.write_bytes(b"written in vain")
    with pytest.raises(BuildConflict, match="expected build none to be the newest, found 1"):
        warehouse.publish(
            previous_build=None,
            input_snapshot=view.snapshot,
            models_key="counted-1",
            add=[NewFile("counted", late, "open", None, None, 1)],
            remove=[],
        )
    assert warehouse.view().snapshot == before.snapshot
    assert not late.exists()


def test_removing_a_file_that_is_gone_already_is_a_conflict(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    build(warehouse)
    view = warehouse.view()
    build(warehouse)
    with pytest.raises(BuildConflict, match="expected 1 live derived files to remove, found 0"):
        warehouse.publish(
            previous_build=2,
            input_snapshot=view.snapshot,
            models_key="counted-1",
            add=[],
            remove=[file.id for file in view.files("counted")],
        )
    assert counted(warehouse.view()) == [10]


def test_a_build_neither_adds_to_nor_takes_from_raw_tables(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    view = warehouse.view()
    path = warehouse.new_path("counted")
    path.write_bytes(b"x")
    raw = NewFile("openstack_event", path, "", None, None, 1)
    with pytest.raises(WarehouseError, match="only deliveries add to it"):
        warehouse.publish(previous_build=None, input_snapshot=1, models_key="k", add=[raw], remove=[])
    with pytest.raises(BuildConflict, match="found 0"):
        warehouse.publish(
            previous_build=None,
            input_snapshot=1,
            models_key="k",
            add=[],
            remove=[file.id for file in view.files("openstack_event")],
        )
    assert len(warehouse.view().files("openstack_event")) == 1


def test_files_are_found_by_partition_and_time(warehouse: Warehouse) -> None:
    import pyarrow.parquet as pq

    added = []
    warehouse.land(delivery(1))
    for month in range(3):
        path = warehouse.new_path("counted")
        pq.write_table(pa.table({"counted": [month]}, COUNTED), path)
        start = FIRST + timedelta(days=30 * month)
        added.append(NewFile("counted", path, f"month {month}", start, start + timedelta(days=30), 1))
    empty = warehouse.new_path("counted")
    pq.write_table(pa.table({"counted": []}, COUNTED), empty)
    added.append(NewFile("counted", empty, "month 3", None, None, 0))
    warehouse.publish(previous_build=None, input_snapshot=1, models_key="k", add=added, remove=[])
    view = warehouse.view()
    assert [file.partition for file in view.files("counted")] == ["month 0", "month 1", "month 2"]
    assert duckdb.sql(view.select("counted", partition="month 1")).fetchall() == [(1,)]
    early = (FIRST - FIVE_MINUTES, FIRST + FIVE_MINUTES)
    assert duckdb.sql(view.select("counted", overlapping=early)).fetchall() == [(0,)]
    assert not empty.exists()


def test_a_raw_table_can_not_be_declared_as_derived(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="is a raw table"):
        warehouse.declare("openstack_event", COUNTED)
    with pytest.raises(WarehouseError, match="expected an identifier"):
        warehouse.declare("../outside", COUNTED)
