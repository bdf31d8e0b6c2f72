"""Does a delivery land once, whole and as it was said, or not at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warehouse_examples import (
    FIRST,
    FIVE_MINUTES,
    batch_id,
    delivery,
    events,
    expected_rows,
    forkserver,
    key,
    land_numbers,
    records,
    rows,
    told_lines,
)

from meterhouse.register.database import Register
from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.warehouse import Warehouse, parquet
from meterhouse.warehouse.catalogue.models import Batch, CoverageWindow, DataFile, Snapshot
from meterhouse.warehouse.errors import DeliveryRefused


def files_on_disk(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.parquet"))


def test_a_delivery_lands_in_all_its_tables_with_its_coverage(warehouse: Warehouse) -> None:
    landed = warehouse.land(delivery(1))
    window = Coverage("events", FIRST + FIVE_MINUTES, FIRST + 2 * FIVE_MINUTES, "ok", 10)
    assert landed.batch_id == batch_id(1)
    assert landed.rows == {"openstack_event": 10, "openstack_volume": 10}
    assert (landed.rejections, landed.coverage, landed.already_landed) == (1, (window,), False)
    view = warehouse.view()
    assert view.snapshot == landed.snapshot == 1
    assert rows(view) == rows(view, "openstack_volume") == expected_rows([1])
    (batch,) = view.batches()
    assert (batch.rows, batch.rejections, batch.rows_by_table) == (20, 1, landed.rows)
    assert (batch.min_time, batch.max_time) == (
        FIRST + FIVE_MINUTES,
        FIRST + FIVE_MINUTES + timedelta(seconds=9),
    )


def test_a_rejected_record_is_kept_aside_with_its_place(warehouse: Warehouse) -> None:
    warehouse.land(delivery(1))
    (rejected,) = warehouse.view().rejections()
    assert (rejected.batch_id, rejected.source, rejected.resource) == (batch_id(1), "file", "cloud")
    assert str(rejected.rejection) == (
        "events-1.json: record 11, field vcpus: expected a whole number, found 'many'"
    )


def test_the_same_content_lands_once(warehouse: Warehouse, root: Path) -> None:
    first = warehouse.land(delivery(1))
    again = warehouse.land(replace(delivery(1), origin="another name.json"))
    assert again == replace(first, already_landed=True)
    assert rows(warehouse.view()) == expected_rows([1])
    assert len(files_on_disk(root)) == 3


def test_the_same_content_raced_by_processes_lands_once(
    url: str, warehouse: Warehouse, root: Path, tmp_path: Path
) -> None:
    numbers = list(range(8))
    told = [tmp_path / f"told-{process}" for process in range(3)]
    processes = [
        forkserver.Process(target=land_numbers, args=(url, str(root), numbers, str(path))) for path in told
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    answers = [line for path in told for line in told_lines(path)]
    for number in numbers:
        of_number = [line.split() for line in answers if line.split()[0] == str(number)]
        assert len({snapshot for _, snapshot, _ in of_number}) == 1
        assert sorted(already for _, _, already in of_number) == ["False", "True", "True"]
    assert rows(warehouse.view()) == expected_rows(numbers)
    assert len(files_on_disk(root)) == 3 * len(numbers)  # the losers' files are gone


def test_an_exception_from_the_stream_leaves_nothing(
    warehouse: Warehouse, root: Path, register: Register
) -> None:
    def broken() -> Iterator[Rows | Rejection | Coverage]:
        yield events(1)
        yield Coverage("events", FIRST, FIRST, "ok", 10)
        raise ConnectionError("the cloud went away")

    with pytest.raises(ConnectionError, match="the cloud went away"):
        warehouse.land(delivery(1, broken()))
    assert files_on_disk(root) == []
    for model in (Snapshot, Batch, DataFile, CoverageWindow):
        assert model.objects.using(register.alias).count() == 0
    assert warehouse.land(delivery(1)).already_landed is False


def test_a_delivery_of_nothing_is_coverage_all_the_same(warehouse: Warehouse, root: Path) -> None:
    empty = Coverage("servers", FIRST, FIRST + FIVE_MINUTES, "empty")
    failed = Coverage("volumes", FIRST, FIRST + FIVE_MINUTES, "failed", 0, "HTTP 503")
    landed = warehouse.land(
        delivery(1, [empty, failed, Rows("openstack_event", records("openstack_event", 0))])
    )
    assert (landed.rows, landed.coverage) == ({}, (empty, failed))
    assert [(c.call, c.outcome, c.detail) for c in warehouse.view().coverage()] == [
        ("servers", "empty", ""),
        ("volumes", "failed", "HTTP 503"),
    ]
    assert files_on_disk(root) == []


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        (Rows("no_such_table", records("openstack_event", 1)), "expected a raw table, found 'no_such_table'"),
        (Rows("openstack_event", records("openstack_volume", 1)), "expected column channel string, found"),
        (Coverage("events", FIRST, FIRST - FIVE_MINUTES, "ok"), "expected start before end"),
        (Coverage("events", FIRST.replace(tzinfo=None), FIRST, "ok"), "expected times with their zone"),
        (Coverage("events", FIRST, FIRST, "empty", 3), "found empty 3"),
    ],
)
def test_a_delivery_that_breaks_its_contract_is_refused(
    warehouse: Warehouse, root: Path, part: Rows | Coverage, complaint: str
) -> None:
    with pytest.raises(DeliveryRefused, match=complaint):
        warehouse.land(delivery(1, [events(1), part]))
    assert warehouse.view().snapshot == 0
    assert files_on_disk(root) == []


def test_a_content_key_that_is_none_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(DeliveryRefused, match="expected 64 hexadecimal digits"):
        warehouse.land(replace(delivery(1), content_key="../../etc/passwd"))


def test_text_that_no_database_takes_is_made_harmless(warehouse: Warehouse) -> None:
    warehouse.land(
        replace(
            delivery(
                1,
                [
                    Rejection("a\x00b", 1, "name", "text", "\ud800"),
                    Coverage("call\x00", FIRST, FIRST, "failed", 0, "\udfff"),
                ],
            ),
            origin="nul\x00.json",
        )
    )
    (rejected,) = warehouse.view().rejections()
    assert (rejected.rejection.origin, rejected.rejection.found) == ("a\ufffdb", "?")
    assert warehouse.view().coverage()[0].detail == "?"
    assert warehouse.view().batches()[0].origin == "nul\ufffd.json"


def test_times_at_the_ends_of_the_calendar_land(warehouse: Warehouse) -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
    warehouse.land(delivery(1, [Rows("openstack_event", records("openstack_event", 2, generated=ends))]))
    (file,) = warehouse.view().files("openstack_event")
    assert [file.min_time, file.max_time] == ends


def test_a_row_without_its_time_is_never_passed_over(warehouse: Warehouse) -> None:
    times = [FIRST, None]
    warehouse.land(delivery(1, [Rows("openstack_event", records("openstack_event", 2, generated=times))]))
    warehouse.land(delivery(2))
    later = (FIRST + timedelta(days=300), FIRST + timedelta(days=301))
    assert rows(warehouse.view(), overlapping=later) == [(batch_id(1), 1), (batch_id(1), 2)]


def test_memory_stays_bounded_by_writing_row_groups_as_they_fill(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 25)
    held = 0

    def many() -> Iterator[Rows]:
        nonlocal held
        for number in range(100):
            before = pa.total_allocated_bytes()
            yield events(number)
            held = max(held, pa.total_allocated_bytes() - before)

    landed = warehouse.land(delivery(1, many()))
    assert landed.rows == {"openstack_event": 1000}
    (file,) = warehouse.view().files("openstack_event")
    groups = pq.ParquetFile(file.path).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)][:3] == [25, 25, 25]
    assert held < 1_000_000
    in_order = duckdb.sql(f"SELECT instance_id FROM read_parquet('{file.path}')").fetchall()
    assert in_order == [(f"vm-{number}",) for number in range(100) for _ in range(10)]


def test_batches_and_coverage_are_found_by_resource_source_and_time(warehouse: Warehouse) -> None:
    for number in range(6):
        warehouse.land(replace(delivery(number), resource="cloud" if number % 2 else "other"))
    view = warehouse.view()
    assert [batch.id for batch in view.batches(resource="other")] == [batch_id(n) for n in (0, 2, 4)]
    assert [batch.id for batch in view.batches(since_snapshot=4)] == [batch_id(n) for n in (4, 5)]
    assert view.batches(source="nobody") == []
    window = {"start": FIRST + 2 * FIVE_MINUTES, "end": FIRST + 4 * FIVE_MINUTES}
    assert [c.batch_id for c in view.coverage(**window)] == [batch_id(2), batch_id(3)]
    assert [c.batch_id for c in view.coverage("cloud", "file", **window)] == [batch_id(3)]
    assert key(3).startswith(batch_id(3))
