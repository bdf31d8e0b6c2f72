"""What do the warehouse's tests land? Deliveries that a person can count, also from other processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from meterhouse.register.database import open_register
from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.warehouse import BuildConflict, NewFile, View, Warehouse, compaction, store

FIRST = datetime(2018, 4, 18, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
ROWS = 10  # in each table of each example delivery
COUNTED = pa.schema([("counted", pa.int64())])  # a derived table: how many events there were

forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["meterhouse.warehouse.store", "duckdb", "psycopg"])


def key(number: int) -> str:
    return hashlib.sha256(f"delivery {number}".encode()).hexdigest()


def batch_id(number: int) -> str:
    return key(number)[:20]


def records(table: str, count: int, **columns: list[Any]) -> pa.RecordBatch:
    """Records 1 to `count` of a raw table; columns that aren't given are null."""
    schema = RAW_TABLES[table].schema
    given = {"record": list(range(1, count + 1)), "resource": ["cloud"] * count, **columns}
    arrays = [pa.array(given[f.name], f.type) if f.name in given else pa.nulls(count, f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def events(number: int, count: int = ROWS) -> Rows:
    """Events of the five minutes with this number, a second apart."""
    start = FIRST + number * FIVE_MINUTES
    return Rows(
        "openstack_event",
        records(
            "openstack_event",
            count,
            generated=[start + timedelta(seconds=second) for second in range(count)],
            instance_id=[f"vm-{number}"] * count,
        ),
    )


def delivery(number: int, parts: Iterable[Rows | Rejection | Coverage] | None = None) -> Delivery:
    """A delivery of ten events, ten volumes, one rejected record and one covered window."""
    return Delivery(
        source="file",
        resource="cloud",
        origin=f"events-{number}.json",
        content_key=key(number),
        stream=iter(parts) if parts is not None else _parts(number),
    )


def _parts(number: int) -> Iterator[Rows | Rejection | Coverage]:
    start = FIRST + number * FIVE_MINUTES
    yield events(number)
    yield Rejection(f"events-{number}.json", 11, "vcpus", "a whole number", "'many'", '{"vcpus": "many"}')
    yield Rows("openstack_volume", records("openstack_volume", ROWS, observed_at=[start] * ROWS))
    yield Coverage("events", start, start + FIVE_MINUTES, "ok", ROWS)


def rows(view: View, table: str = "openstack_event", **arguments: Any) -> list[tuple[str, int]]:
    """(batch, record) of a table, sorted."""
    sql = view.select(table, ["batch_id", "record"], **arguments)
    with view.reading():
        return sorted(duckdb.sql(sql).fetchall())


def expected_rows(numbers: Iterable[int]) -> list[tuple[str, int]]:
    return sorted((batch_id(number), record) for number in numbers for record in range(1, ROWS + 1))


# What other processes do; each opens the site by itself.


def land_numbers(url: str, root: str, numbers: list[int], told: str) -> None:
    """Land deliveries; write the number of each to the file `told` once it has landed."""
    register = open_register(url)
    with Warehouse(Path(root), register) as warehouse:
        for number in numbers:
            landed = warehouse.land(delivery(number))
            tell(told, f"{number} {landed.snapshot} {landed.already_landed}")
    register.close()


def land_build_and_tidy(url: str, root: str, numbers: list[int], told: str) -> None:
    """Like `land_numbers`, with a build after each third batch, compacting early and deleting at once."""
    compaction.FILES_AT_ONCE = 4
    store.LANDINGS_A_CHECK = 1
    register = open_register(url)
    with Warehouse(Path(root), register, {"counted": COUNTED}) as warehouse:
        for number in numbers:
            landed = warehouse.land(delivery(number))
            tell(told, f"{number} {landed.snapshot} {landed.already_landed}")
            if number % 3 == 0 and not landed.already_landed:
                build(warehouse)
            if number % 5 == 0 and not landed.already_landed:
                warehouse.collect_garbage(timedelta(0))
    register.close()


def read_until_told(url: str, root: str, stop: str, told: str) -> None:
    """Read without a pause; every view must hold whole batches only, and never fewer than before."""
    register = open_register(url)
    warehouse = Warehouse(Path(root), register)
    seen = 0
    while not os.path.exists(stop):
        view = warehouse.view()
        batches = {batch.id for batch in view.batches()}
        for table in ("openstack_event", "openstack_volume"):
            found = rows(view, table)
            assert len(found) == len(batches) * ROWS, (view, table, len(found), len(batches))
            assert {name for name, _ in found} == batches
        assert len(batches) >= seen
        seen = len(batches)
        tell(told, f"read {seen}")


def compact(url: str, root: str) -> None:
    Warehouse(Path(root), open_register(url)).compact(every_small_file=True)


def migrate(url: str) -> None:
    open_register(url).migrate()


def build(warehouse: Warehouse, view: View | None = None) -> int | None:
    """Replace the one row of the derived table `counted`; None if another build was first."""
    view = view or warehouse.view()
    previous = warehouse.last_build(view)
    path = warehouse.new_path("counted")
    with view.reading():
        ((count,),) = duckdb.sql(
            f"SELECT count(*) FROM ({view.select('openstack_event', ['record'])})"
        ).fetchall()
    pq.write_table(pa.table({"counted": [count]}, COUNTED), path)
    try:
        return warehouse.publish(
            previous_build=previous.number if previous else None,
            input_snapshot=view.snapshot,
            models_key="counted-1",
            add=[NewFile("counted", path, "open", None, None, 1)],
            remove=[file.id for file in view.files("counted")],
        )
    except BuildConflict:
        return None


def tell(path: str, line: str) -> None:
    """Append a line at once and whole, however soon the process dies."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line.encode() + b"\n")
    os.close(descriptor)


def told_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
