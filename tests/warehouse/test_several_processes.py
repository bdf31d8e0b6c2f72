"""Can several processes land and read at once without a failure, a loss or half a batch?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from warehouse_examples import (
    batch_id,
    expected_rows,
    forkserver,
    land_build_and_tidy,
    land_numbers,
    read_until_told,
    rows,
    told_lines,
)

from meterhouse.register.database import Register
from meterhouse.warehouse import Warehouse
from meterhouse.warehouse.catalogue.models import Snapshot


def test_processes_land_build_compact_and_read_at_once(
    url: str, register: Register, warehouse: Warehouse, root: Path, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    shares = [list(range(first, 24, 3)) for first in range(3)]
    landing = [
        forkserver.Process(
            target=land_build_and_tidy if number == 0 else land_numbers,
            args=(url, str(root), share, str(tmp_path / f"landed-{number}")),
        )
        for number, share in enumerate(shares)
    ]
    reading = forkserver.Process(
        target=read_until_told, args=(url, str(root), str(stop), str(tmp_path / "read"))
    )
    for process in [reading, *landing]:
        process.start()
    for process in landing:
        process.join()
    stop.touch()
    reading.join()
    assert [process.exitcode for process in [reading, *landing]] == [0, 0, 0, 0]
    assert len(told_lines(tmp_path / "read")) > 1
    view = warehouse.view()
    assert rows(view) == rows(view, "openstack_volume") == expected_rows(range(24))
    assert len(view.rejections()) == len(view.coverage()) == 24
    # What each was told is what is there, and numbers came in the order of time.
    told = [line.split() for number in range(3) for line in told_lines(tmp_path / f"landed-{number}")]
    assert {batch.id: batch.snapshot for batch in view.batches()} == {
        batch_id(int(number)): int(snapshot) for number, snapshot, _ in told
    }
    made = list(Snapshot.objects.using(register.alias).order_by("number").values_list("number", "created_at"))
    assert [number for number, _ in made] == list(range(1, len(made) + 1))
    assert [time for _, time in made] == sorted({time for _, time in made})
    # Every state in between was whole.
    for batch in view.batches():
        earlier = warehouse.view(as_of=batch.snapshot)
        assert len(rows(earlier)) == 10 * len(earlier.batches())
    warehouse.collect_garbage(timedelta(0))
    assert rows(warehouse.view()) == expected_rows(range(24))
