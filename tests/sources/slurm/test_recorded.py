"""Do all forms of one real cluster's accounting say the same? Recorded from Slurm 22.05."""

from __future__ import annotations

from pathlib import Path

import pytest
from file_reading import read

from meterhouse.sources.slurm.job_files import read_slurm

RECORDED = Path(__file__).parents[2] / "data" / "slurm"
# what a form doesn't say, or says in other words
OTHERWISE = {
    "sacct_26_fields.log": {"record", "suspended_seconds", "cpu_used_millis", "memory_peak_kib"},
    "sacct_v0.0.38.json": {
        *("record", "form", "gid", "uid", "state_said", "allocated_tres", "requested_tres"),
        "exit_code",  # the plugin says 0 where sacct says 3:0
    },
}


def rows(name: str) -> dict:
    reading = read(read_slurm(RECORDED / name, "hpc"))
    assert not reading.rejections
    assert reading.coverage.outcome == "ok"
    return {(row["job_id_raw"], row["submit"]): row for row in reading.rows}


@pytest.mark.parametrize("name", OTHERWISE)
def test_every_form_says_the_same_of_each_job(name):
    with_steps, others = rows("sacct_with_steps.psv"), rows(name)

    assert len(with_steps) == len(others) == 20
    for key, job in with_steps.items():
        said = others[key]
        if job["node_list"] is None:  # what never ran is told in other words
            assert said["start"] is said["node_list"] is None
            continue
        leave_out = OTHERWISE[name]
        if job["state"] == "RUNNING":
            leave_out = leave_out | {"elapsed_seconds"}
        for column in job.keys() - leave_out:
            assert job[column] == said[column], (column, job)


def test_what_the_recorded_jobs_used():
    by_name = {row["name"]: row for row in rows("sacct_with_steps.psv").values()}

    assert by_name["plain"]["cpu_used_millis"] > 100
    assert by_name["plain"]["memory_peak_kib"] > 1000
    assert by_name["two-nodes"]["gpus"] == 4
    assert by_name["ticks|on"]["end"] is None
