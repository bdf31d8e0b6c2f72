"""`storage collect` takes the newest complete scan of each volume, several at once, within its memory."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scan_reading import Entry, lines

from meterhouse.errors import QuestionError
from meterhouse.operations.filesystem.collecting import workers_within
from meterhouse.sources.filesystem.scan_sets import ScanSet, scan_sets

DAYS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 11, tzinfo=UTC))


@pytest.fixture
def scanned(world):
    """A site whose settings say where scans lie."""
    settings = world.path / "meterhouse.toml"
    text = settings.read_text()
    for name in ("s118", "s119"):
        text = text.replace(f'name = "{name}"\n', f'name = "{name}"\nscans = "scans/*_{name}*.gz"\n')
    settings.write_text(text)
    (world.path / "scans").mkdir()
    return world


def put(world, name: str, *entries: Entry, cut: int = 0) -> Path:
    path = world.path / "scans" / name
    packed = gzip.compress(lines(*entries))
    path.write_bytes(packed[: len(packed) - cut])
    return path


def file(volume: str, name: str, size: int) -> Entry:
    return Entry(f"/lustre/{volume}/{name}".encode(), size, gid=7)


def test_the_newest_scan_of_every_volume_lands_once(scanned):
    put(scanned, "20240103_s118.gz", file("s118", "old", 1))
    put(scanned, "20240105_s118.gz", file("s118", "new", 2))
    put(scanned, "20240105_s119_mdt0.gz", file("s119", "a", 10))
    put(scanned, "20240105_s119_mdt1.gz", file("s119", "b", 20))  # of the same scan
    put(scanned, "20231220_s119.gz", file("s119", "too old", 5))
    told = scanned.done("storage", "collect", "--day", "2024-01-06")
    assert [line.split(":")[:2] for line in told.splitlines()] == [["s118", " landed"], ["s119", " landed"]]
    rows = scanned.table("storage", "groups", "2024-01-06")
    assert {(row["volume"], row["used_bytes"]) for row in rows} == {("s118", "2"), ("s119", "30")}
    assert "s118: already there" in scanned.done(
        "storage", "collect", "--day", "2024-01-06", "--volume", "s118"
    )


def test_where_the_newest_is_cut_off_the_one_before_is_taken(scanned):
    put(scanned, "20240103_s118.gz", file("s118", "old", 1))
    put(scanned, "20240105_s118.gz", file("s118", "new", 2), cut=9)
    told = scanned.run("storage", "collect", "--day", "2024-01-06", "--volume", "s118")
    assert told.exit_code == 0, told.output
    assert "20240103_s118.gz: mpistat" in told.stdout
    assert "20240105_s118.gz: incomplete" in told.stdout
    rows = scanned.table("storage", "groups", "2024-01-06", "--volume", "s118")
    assert [(row["used_bytes"], row["scanned_at"]) for row in rows] == [("1", "2024-01-03T23:59:59Z")]


def test_a_volume_without_a_scan_of_these_days_is_a_failure_and_the_others_land(scanned):
    put(scanned, "20240105_s118.gz", file("s118", "new", 2))
    told = scanned.run("storage", "collect", "--day", "2024-01-06", "--within", "3")
    assert told.exit_code == 3
    assert "s119: failed: no scan of these days was found" in told.stderr
    assert "s118: landed" in told.stdout


def test_volumes_must_say_where_their_scans_lie(world):
    with pytest.raises(QuestionError, match="expected scans = PATTERN"):
        world.run("storage", "collect")


def test_files_of_one_time_are_one_scan_and_nameless_ones_scans_of_their_own(tmp_path):
    for name in (
        "20240102_a.gz",
        "20240102_b.gz",
        "20240103-101500_a.gz",
        "20240109_a.gz.partial",
        "20231231_a.gz",
    ):
        (tmp_path / name).write_bytes(b"")
    import os

    for name, day in (("x.gz", 4), ("y.gz", 4), ("z.gz", 20)):
        (tmp_path / name).write_bytes(b"")
        time = datetime(2024, 1, day, tzinfo=UTC).timestamp()
        os.utime(tmp_path / name, (time, time))
    assert [[path.name for path in one.files] for one in scan_sets("*.gz*", tmp_path, *DAYS)] == [
        ["y.gz"],
        ["x.gz"],
        ["20240103-101500_a.gz"],
        ["20240102_a.gz", "20240102_b.gz"],
    ]


def test_the_memory_budget_says_how_many_volumes_are_read_at_once():
    assert workers_within(2048, None, 7) <= 4
    assert workers_within(2048, 8, 7) == 4
    assert workers_within(2048, 3, 7) == 3
    assert workers_within(9999, 8, 2) == 2
    assert workers_within(512, 8, 7) == 1
    with pytest.raises(QuestionError, match="expected at least 512 MiB"):
        workers_within(511, 8, 7)


def test_a_killed_process_costs_its_volume_only_and_the_next_run_takes_it_in(scanned):
    import multiprocessing
    import os
    import signal
    import threading
    import time

    from meterhouse.operations.filesystem.collecting import collect_scans
    from meterhouse.site import Site

    put(scanned, "20240105_s118.gz", file("s118", "new", 2))
    pipe = scanned.path / "scans" / "20240105_s119.gz"
    os.mkfifo(pipe)  # who reads it waits until somebody writes

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for process in multiprocessing.active_children():
                if process.name == "s119" and process.pid:
                    time.sleep(1)
                    os.kill(process.pid, signal.SIGKILL)
                    return
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    moment = datetime(2024, 1, 5, 23, 59, 59, tzinfo=UTC)
    sets = {
        name: [ScanSet(moment, True, (scanned.path / "scans" / f"20240105_{name}.gz",))]
        for name in ("s118", "s119")
    }
    done = collect_scans(Site.open(scanned.path), sets, 2)
    killer.join()
    assert [(one.volume, one.outcome) for one in done] == [("s118", "landed"), ("s119", "failed")]
    assert done[1].detail == "its process ended with code -9"
    pipe.unlink()
    put(scanned, "20240105_s119.gz", file("s119", "a", 10))
    scanned.done("storage", "collect", "--day", "2024-01-06")
    rows = scanned.table("storage", "groups", "2024-01-06")
    assert {(row["volume"], row["used_bytes"]) for row in rows} == {("s118", "2"), ("s119", "10")}
