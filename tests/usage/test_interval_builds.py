"""Does building jobs and levels bit by bit give what building everything at once gives?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.profiles import sites
from strategies.raw_rows import land_rows
from strategies.sites import EVIDENCE, build_site, counted, new_site, rows_of

START = datetime(2024, 3, 30, tzinfo=UTC)  # clocks change in Europe on the next day


def moment(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def job(number: int, start: int, minutes: int, *, ended: bool, cores: int = 2, used: int | None = None):
    """A telling of job `number`, which waited ten minutes, began at `start` and ran for `minutes` so far."""
    return {
        "form": "sacct", "job_id": str(number), "job_id_raw": number, "partition": "short", "account": "acc",
        "group_name": "grp", "user_name": "ann", "submit": moment(start - 10), "start": moment(start),
        "end": moment(start + minutes) if ended else None, "elapsed_seconds": minutes * 60,
        "state": "COMPLETED" if ended else "RUNNING", "nodes": 1, "cpu_millis": cores * 1000,
        "allocated_memory_mib": 1024, "node_list": "n1", "name": f"job{number}", "cpu_used_millis": used,
    }  # fmt: skip


def sample(user: str, minutes: int, size: int):
    return {
        "mountpoint": "/home", "user": user, "pi": "pi", "dt": moment(minutes), "file_count": 1,
        "logical_usage": size, "soft_threshold": 0, "hard_threshold": 0,
    }  # fmt: skip


jobs = st.builds(
    job,
    st.integers(1, 6),
    st.integers(0, 4).map(lambda n: n * 700),
    st.sampled_from([0, 5, 600, 2000]),
    ended=st.booleans(),
    cores=st.integers(1, 2),
    used=st.sampled_from([None, 0, 12345]),
)
samples = st.builds(sample, st.sampled_from(["ann", "bob"]), st.integers(0, 4000), st.integers(0, 9))
batches = st.lists(
    st.tuples(st.lists(jobs, max_size=4), st.lists(samples, max_size=3), st.booleans()),
    min_size=1,
    max_size=6,
)


def all_of(site):
    return {
        "span": counted(rows_of(site, "span"), EVIDENCE),
        "daily": counted(rows_of(site, "daily")),
        "level": counted(rows_of(site, "level")),
    }


@sites(12)
@given(batches=batches, zone=st.sampled_from(["UTC", "Europe/Berlin"]))
def test_building_after_each_batch_gives_what_building_at_once_gives(batches, zone):
    with new_site(zone) as bit_by_bit, new_site(zone) as at_once:
        for number, (of_jobs, of_samples, builds) in enumerate(batches):
            for table, rows in (("slurm_job", of_jobs), ("storage_usage", of_samples)):
                if rows:
                    land_rows(bit_by_bit, table, rows, name=str(number))
                    land_rows(at_once, table, rows, name=str(number))
            if builds:
                build_site(bit_by_bit)
        build_site(bit_by_bit)
        build_site(at_once, full=True)
        assert all_of(bit_by_bit) == all_of(at_once)


def test_a_job_told_again_as_it_was_changes_no_file():
    with new_site() as site:
        land_rows(site, "slurm_job", [job(1, 0, 60, ended=True), job(2, 0, 60, ended=False)], name="first")
        build_site(site)
        before = {file.path for file in site.warehouse.view().files("span", partition="closed")}
        land_rows(site, "slurm_job", [job(1, 0, 60, ended=True)], name="overlap")
        report = build_site(site)
        after = {file.path for file in site.warehouse.view().files("span", partition="closed")}
    assert report.way == "incremental"
    assert report.rebuilt_items == 0
    assert before == after


def test_a_running_job_grows_and_then_ends_and_its_days_add_up():
    with new_site() as site:
        for minutes, ended in ((600, False), (2000, False), (3000, True)):
            land_rows(site, "slurm_job", [job(7, 700, minutes, ended=ended)])
            build_site(site)
        (span,) = rows_of(site, "span")
        days = {row["day"].day: row["wall_seconds"] for row in rows_of(site, "daily")}
    assert (span["start"], span["end"], span["is_last"]) == (moment(700), moment(3700), False)
    # from 30 March 11:40 to 1 April 13:40
    assert days == {30: 44400, 31: 86400, 1: 49200}


def test_what_was_suspended_is_spread_over_the_days_and_adds_up():
    with new_site() as site:
        # two days long, of which it ran a second less than a day and a half; it used 1 ms of CPU a second
        told = {**job(1, 0, 2880, ended=True, used=172_800), "elapsed_seconds": 129_599}
        land_rows(site, "slurm_job", [told])
        build_site(site)
        rows = sorted(rows_of(site, "daily"), key=lambda row: row["day"])
    assert [row["wall_seconds"] for row in rows if row["wall_seconds"]] == [64_799, 64_800]
    assert [row["cpu_used_millis"] for row in rows if row["wall_seconds"]] == [86_400, 86_400]


@pytest.mark.parametrize(("wait", "hours"), [(10, 600), (0, 0)])
def test_waiting_counts_once_on_the_day_of_the_start(wait, hours):
    with new_site() as site:
        told = {**job(1, 0, 2000, ended=True), "submit": moment(-wait)}
        land_rows(site, "slurm_job", [told])
        build_site(site)
        assert sum(row["wait_seconds"] for row in rows_of(site, "daily")) == hours
