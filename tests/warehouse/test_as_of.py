"""Does a view stay what it is, and can an earlier state be read exactly as it was?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from warehouse_examples import FIRST, FIVE_MINUTES, ROWS, batch_id, delivery, expected_rows, rows

from meterhouse.register.database import Register
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.warehouse import UnknownSnapshot, Warehouse, WarehouseError, compaction, store
from meterhouse.warehouse.catalogue.models import Snapshot
from meterhouse.warehouse.errors import UnknownTable


def test_a_view_does_not_change_when_more_lands(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    view = warehouse.view()
    warehouse.land(delivery(2))
    assert rows(view) == expected_rows([1])
    assert [batch.id for batch in view.batches()] == [batch_id(1)]
    assert len(view.coverage()) == len(view.rejections()) == 1
    assert rows(warehouse.view(as_of=view.snapshot)) == rows(view)


def test_before_anything_has_landed_every_table_is_empty_and_typed(warehouse: Warehouse) -> None:
    view = warehouse.view()
    assert view.snapshot == 0
    for name in RAW_TABLES:
        relation = duckdb.sql(view.select(name))
        assert relation.columns == [*RAW_TABLES[name].schema.names, "batch_id", "recorded_at"]
        assert relation.fetchall() == []
    typed = duckdb.sql(view.select("hypervisor", ["record", "hostname", "observed_at"]))
    assert [str(type_) for type_ in typed.types] == [
        "BIGINT",
        "VARCHAR",
        "TIMESTAMP WITH TIME ZONE",
    ]
    assert rows(view, "rejected_record") == []


def test_a_moment_means_the_newest_snapshot_made_by_then(warehouse: Warehouse, register: Register) -> None:
    for number in (1, 2, 3):
        warehouse.land(delivery(number))
    made = list(
        Snapshot.objects.using(register.alias).order_by("number").values_list("created_at", flat=True)
    )
    assert made == sorted(set(made))
    microsecond = timedelta(microseconds=1)
    assert warehouse.view(as_of=made[1]).snapshot == 2
    assert warehouse.view(as_of=made[2] - microsecond).snapshot == 2
    assert rows(warehouse.view(as_of=made[0])) == expected_rows([1])
    with pytest.raises(UnknownSnapshot, match="nothing had been recorded"):
        warehouse.view(as_of=made[0] - microsecond)
    with pytest.raises(UnknownSnapshot, match="with its zone"):
        warehouse.view(as_of=made[0].replace(tzinfo=None))


@pytest.mark.parametrize("as_of", [-1, 2])
def test_a_snapshot_that_never_was_is_refused(warehouse: Warehouse, as_of: int) -> None:
    warehouse.land(delivery(1))
    with pytest.raises(UnknownSnapshot, match=f"from 0 to 1, found {as_of}"):
        warehouse.view(as_of=as_of)


def test_every_snapshot_reads_the_same_before_and_after_compaction(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = [warehouse.land(delivery(number)).snapshot for number in range(14)]
    before = [rows(warehouse.view(as_of=snapshot)) for snapshot in landed]
    assert before == [expected_rows(range(count + 1)) for count in range(14)]
    monkeypatch.setattr(compaction, "FILES_AT_ONCE", 4)
    report = warehouse.compact()
    # Each of three tables: 14 files -> 3 of four and 2 left.
    assert [(merge.files, merge.rows) for merge in report.merges if merge.table == "openstack_event"] == [
        (4, 40),
        (4, 40),
        (4, 40),
    ]
    assert len(warehouse.view().files("openstack_event")) == 3 + 2
    assert [rows(warehouse.view(as_of=snapshot)) for snapshot in landed] == before
    warehouse.collect_garbage(timedelta(0))
    assert [rows(warehouse.view(as_of=snapshot)) for snapshot in landed] == before
    assert warehouse.view(as_of=5).rejections() == warehouse.view().rejections()[:5]


def test_only_what_came_after_a_snapshot_is_exact_after_compaction(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FILES_AT_ONCE", 4)
    monkeypatch.setattr(store, "LANDINGS_A_CHECK", 1)
    landed = [warehouse.land(delivery(number)).snapshot for number in range(21)]  # compacts on its way
    assert len(warehouse.view().files("openstack_event")) < 8
    warehouse.collect_garbage(timedelta(0))
    for since in range(0, 21, 3):
        for until in range(since, 21, 4):
            view = warehouse.view(as_of=landed[until])
            assert rows(view, since_snapshot=landed[since]) == expected_rows(range(since + 1, until + 1))
    newest = warehouse.view()
    assert newest.files("openstack_event", since_snapshot=newest.snapshot) == []


def test_files_outside_of_a_window_of_time_are_not_read(warehouse: Warehouse) -> None:
    for number in range(4):
        warehouse.land(delivery(number))
    second = (FIRST + FIVE_MINUTES, FIRST + 2 * FIVE_MINUTES)
    (file,) = warehouse.view().files("openstack_event", overlapping=second)
    assert (file.rows, file.min_time) == (ROWS, FIRST + FIVE_MINUTES)
    assert rows(warehouse.view(), overlapping=second) == expected_rows([1])


def test_a_column_that_a_table_gained_is_null_in_older_files(
    warehouse: Warehouse, register: Register, root: Path
) -> None:
    warehouse.land(delivery(1))
    newer = Warehouse(root, register)
    table = newer._tables["openstack_event"]
    grown = pa.schema([*table.schema, ("colour", pa.string())])
    newer._tables._tables["openstack_event"] = type(table)(table.name, grown, table.time_column, True)
    sql = newer.view().select("openstack_event", ["record", "colour"])
    assert duckdb.sql(sql).fetchall() == [(record, None) for record in range(1, ROWS + 1)]


def test_a_table_or_column_that_nobody_knows_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(UnknownTable, match="must be declared first"):
        warehouse.view().select("x'; DROP")
    with pytest.raises(WarehouseError, match="no column colour"):
        warehouse.view().select("openstack_event", ["record", "colour"])


def test_a_warehouse_may_lie_under_any_name(tmp_path: Path, register: Register) -> None:
    with Warehouse(tmp_path / "it's [a]*? b=c", register) as warehouse:
        for number in (1, 2):
            warehouse.land(delivery(number))
        assert rows(warehouse.view()) == expected_rows([1, 2])
