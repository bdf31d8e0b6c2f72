"""Do many small files become few, in order, however many processes compact?"""

from __future__ import annotations

import logging
import os
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from django.db import OperationalError
from warehouse_examples import (
    FIRST,
    FIVE_MINUTES,
    batch_id,
    compact,
    delivery,
    events,
    expected_rows,
    forkserver,
    records,
    rows,
)

from meterhouse.register.database import Register, open_register
from meterhouse.sources.delivery import Rows
from meterhouse.warehouse import Warehouse, compaction, store
from meterhouse.warehouse.catalogue.models import DataFile


def test_eleven_hundred_small_batches_are_read_from_few_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # what a crash would lose is not the question here
    register = open_register(tmp_path / "register.sqlite")
    register.migrate()
    with Warehouse(tmp_path / "warehouse", register) as warehouse:
        for number in range(1100):
            seen = records("openstack_domain", 10, observed_at=[FIRST + number * FIVE_MINUTES] * 10)
            warehouse.land(delivery(number, [Rows("openstack_domain", seen)]))
        view = warehouse.view()
        # 1100 = 34 * 32 + 12 files; of the 34, 32 were merged once more: 1 + 2 + 12. A few wait for
        # the next check.
        assert 1 < len(view.files("openstack_domain")) <= 15 + 32
        began = time.perf_counter()
        sql = f"SELECT count(*), count(DISTINCT batch_id) FROM ({view.select('openstack_domain')})"
        assert duckdb.sql(sql).fetchall() == [(11_000, 1100)]
        assert time.perf_counter() - began < 1
        # No row was written more often than once for each level.
        compacted = DataFile.objects.using(register.alias).filter(has_snapshot_column=True)
        assert sum(compacted.values_list("rows", flat=True)) <= 2 * 11_000
    assert caplog.records == []
    register.close()


def test_rows_stay_in_the_order_in_which_they_landed(warehouse: Warehouse) -> None:
    for number in range(6):
        warehouse.land(delivery(number))
    warehouse.compact(every_small_file=True)
    for number in range(6, 9):
        warehouse.land(delivery(number))
    warehouse.compact(every_small_file=True)
    (file,) = warehouse.view().files("openstack_event")
    table = pq.read_table(file.path, columns=["batch_id", "record", "snapshot"])
    assert list(zip(table["batch_id"].to_pylist(), table["record"].to_pylist(), strict=True)) == [
        (batch_id(number), record) for number in range(9) for record in range(1, 11)
    ]
    assert table["snapshot"].to_pylist() == sorted(table["snapshot"].to_pylist())


def test_processes_that_compact_at_once_do_each_merge_once(
    url: str, warehouse: Warehouse, root: Path
) -> None:
    numbers = range(30)
    for number in numbers:
        warehouse.land(delivery(number))
    processes = [forkserver.Process(target=compact, args=(url, str(root))) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    view = warehouse.view()
    assert rows(view) == rows(view, "openstack_volume") == expected_rows(numbers)
    assert len(view.files("openstack_event")) == 1
    warehouse.collect_garbage(timedelta(0))
    assert len(list(root.glob("*/*.parquet"))) == 3


def test_a_merge_whose_inputs_are_gone_is_given_up(
    warehouse: Warehouse, root: Path, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        warehouse.land(delivery(number, [events(number)]))
    table = warehouse._tables["openstack_event"]
    inputs = compaction._next_inputs(register.alias, ["openstack_event"], 2)
    warehouse.compact(every_small_file=True)
    assert compaction._merge(warehouse._folder, register.alias, table, inputs) is None
    warehouse.collect_garbage(timedelta(0))
    assert compaction._merge(warehouse._folder, register.alias, table, inputs) is None
    assert rows(warehouse.view()) == expected_rows(range(4))
    assert len(list((root / "openstack_event").iterdir())) == 1


def test_large_files_are_left_alone_and_merges_stay_bounded(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        warehouse.land(delivery(number, [events(number)]))
    sizes = [file.bytes for file in warehouse.view().files("openstack_event")]
    monkeypatch.setattr(compaction, "_MERGED_BYTES", 3 * max(sizes))
    monkeypatch.setattr(compaction, "FULL_BYTES", max(sizes) + 1)  # what was merged is full
    report = warehouse.compact(every_small_file=True)
    assert [merge.files for merge in report.merges] == [3, 3]
    assert warehouse.compact(every_small_file=True).merges == ()


def test_a_batch_has_landed_even_if_compaction_fails_afterwards(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def disk_full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compaction, "compact", disk_full)
    monkeypatch.setattr(store, "LANDINGS_A_CHECK", 1)
    with caplog.at_level(logging.WARNING):
        landed = warehouse.land(delivery(1))
    assert landed.already_landed is False
    assert rows(warehouse.view()) == expected_rows([1])
    assert "compaction after landing failed; it will be tried again" in caplog.text


def test_a_busy_register_is_asked_again(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from meterhouse.warehouse import landing

    complaints = [OperationalError("database is locked"), OperationalError("database is locked")]
    publish = landing._publish

    def busy_twice(*arguments: object) -> object:
        answer = publish(*arguments)  # type: ignore[arg-type]
        if complaints:
            raise complaints.pop()
        return answer

    monkeypatch.setattr(landing, "_publish", busy_twice)
    assert warehouse.land(delivery(1)).snapshot == 1
    assert rows(warehouse.view()) == expected_rows([1])
