"""Killed at any moment, is the last complete state there, and can the run simply be repeated?"""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta
from pathlib import Path

import duckdb
from warehouse_examples import (
    COUNTED,
    ROWS,
    batch_id,
    expected_rows,
    forkserver,
    land_build_and_tidy,
    rows,
    told_lines,
)

from meterhouse.register.database import Register, open_register
from meterhouse.warehouse import Warehouse
from meterhouse.warehouse.catalogue.models import DataFile

KILLS = int(os.environ.get("METERHOUSE_KILLS", "10"))  # on each kind of register
SEED = int(os.environ.get("METERHOUSE_SEED", "0")) or random.randrange(1, 10**6)


def check_whole(warehouse: Warehouse, told: Path) -> int:
    """Everything acknowledged is there exactly once, and nothing by half; how many batches there are."""
    view = warehouse.view()
    batches = view.batches()
    acknowledged = {int(line.split()[0]) for line in told_lines(told)}
    present = {batch.id for batch in batches}
    assert {batch_id(number) for number in acknowledged} <= present
    # A batch may have been committed in the moment before its acknowledgement: one for each kill.
    everything = [number for number in range(1000) if batch_id(number) in present]
    assert len(everything) == len(batches)
    for table in ("openstack_event", "openstack_volume"):
        assert rows(view, table) == expected_rows(everything)
    assert sorted(window.batch_id for window in view.coverage()) == sorted(present)
    assert sorted(rejected.batch_id for rejected in view.rejections()) == sorted(present)
    for file in DataFile.objects.using(warehouse.register.alias).filter(removed_snapshot=None):
        assert (warehouse.root / file.path).stat().st_size == file.bytes
    last = warehouse.last_build(view)
    if last is not None:  # the derived table is of the raw tables that its build says
        input_rows = ROWS * len(warehouse.view(as_of=last.input_snapshot).batches())
        assert duckdb.sql(view.select("counted")).fetchall() == [(input_rows,)]
    return len(batches)


def test_killed_at_random_moments_nothing_is_lost_doubled_or_half_visible(
    url: str, root: Path, register: Register, tmp_path: Path
) -> None:
    print(f"METERHOUSE_SEED={SEED} METERHOUSE_KILLS={KILLS}")
    chance = random.Random(SEED)
    told = tmp_path / "told"
    numbers = list(range(8 * KILLS))
    interrupted = 0
    for _ in range(KILLS):
        process = forkserver.Process(target=land_build_and_tidy, args=(url, str(root), numbers, str(told)))
        before = len(told_lines(told))
        process.start()
        while process.is_alive() and len(told_lines(told)) == before:
            time.sleep(0.002)  # until it has begun: importing and connecting is not what is tested
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        process.join()
        interrupted += process.exitcode != 0
        with Warehouse(root, open_register(url), {"counted": COUNTED}) as warehouse:
            check_whole(warehouse, told)
    assert interrupted > KILLS / 2

    process = forkserver.Process(target=land_build_and_tidy, args=(url, str(root), numbers, str(told)))
    process.start()
    process.join()
    assert process.exitcode == 0
    with Warehouse(root, register, {"counted": COUNTED}) as warehouse:
        assert check_whole(warehouse, told) == len(numbers)
        warehouse.compact(every_small_file=True)
        warehouse.collect_garbage(timedelta(0))
        assert check_whole(warehouse, told) == len(numbers)
        on_disk = {path.relative_to(root).as_posix() for path in root.glob("*/*.parquet")}
        assert on_disk == set(DataFile.objects.using(register.alias).values_list("path", flat=True))
        assert len(list((root / ".writing").iterdir())) == 1
