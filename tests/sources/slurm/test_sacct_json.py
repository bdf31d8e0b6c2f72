"""What does a JSON document of Slurm say of jobs, in each shape, and how are bad ones told?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest


def job(**otherwise) -> dict:
    """A job as the plugins from v0.0.39 on say it."""
    said = {
        "job_id": 10,
        "name": "a",
        "account": "physics",
        "user": "alice",
        "group": "grp",
        "cluster": "hpc",
        "partition": "batch",
        "qos": "normal",
        "allocation_nodes": 1,
        "nodes": "n1",
        "array": {"job_id": 0, "task_id": {"set": False, "infinite": False, "number": 0}, "task": ""},
        "het": {"job_id": 0, "job_offset": {"set": False, "infinite": False, "number": 0}},
        "association": {"account": "physics", "cluster": "hpc", "partition": "", "user": "alice"},
        "exit_code": {
            "status": ["SUCCESS"],
            "return_code": {"set": True, "infinite": False, "number": 0},
            "signal": {"id": {"set": False, "infinite": False, "number": 0}, "name": ""},
        },
        "required": {"CPUs": 2, "memory_per_node": {"set": True, "infinite": False, "number": 1024}},
        "state": {"current": ["COMPLETED"], "reason": "None"},
        "time": {
            "elapsed": 600,
            "eligible": 1_772_000_000,
            "submission": 1_772_000_000,
            "start": 1_772_000_060,
            "end": 1_772_000_660,
            "suspended": 0,
            "limit": {"set": True, "infinite": False, "number": 60},
            "total": {"seconds": 0, "microseconds": 0},
        },
        "tres": {
            "allocated": [
                {"type": "cpu", "name": "", "id": 1, "count": 2},
                {"type": "mem", "name": "", "id": 2, "count": 1024},
                {"type": "node", "name": "", "id": 4, "count": 1},
                {"type": "energy", "name": "", "id": 3, "count": 18_446_744_073_709_551_614},
                {"type": "gres", "name": "gpu:h100", "id": 1002, "count": 2},
            ],
            "requested": [{"type": "cpu", "name": "", "id": 1, "count": 2}],
        },
        "steps": [],
    }
    return {**said, **otherwise}


def document(*jobs: dict, **around) -> str:
    return json.dumps(
        {"jobs": list(jobs), "meta": {"note": '"jobs": ['}, "errors": [], "warnings": [], **around}
    )


def test_numbers_may_be_set_infinite_or_nothing(jobs):
    unlimited = {**job()["time"], "limit": {"set": True, "infinite": True, "number": 0}}
    (first, second) = jobs(document(job(), job(job_id=11, time=unlimited))).rows

    assert first["start"] == datetime(2026, 2, 25, 6, 14, 20, tzinfo=UTC)
    assert (first["time_limit_seconds"], second["time_limit_seconds"]) == (3600, None)
    assert (first["cpu_millis"], first["gpus"], first["gpu_model"]) == (2000, 2, "h100")
    assert (first["allocated_memory_mib"], first["requested_memory_mib"]) == (1024, 1024)
    assert first["allocated_tres"] == "cpu=2,gres/gpu:h100=2,mem=1024M,node=1"
    assert (first["exit_code"], first["state"], first["form"]) == ("0:0", "COMPLETED", "sacct-json")


def test_arrays_and_parts_are_numbered_as_people_write_them(jobs):
    task = {"job_id": 7, "task_id": {"set": True, "infinite": False, "number": 0}, "task": ""}
    waits = {"job_id": 7, "task_id": {"set": False, "infinite": False, "number": 0}, "task": "1-3"}
    part = {"job_id": 9, "job_offset": {"set": True, "infinite": False, "number": 1}}
    reading = jobs(document(job(array=task), job(array=waits), job(het=part)))

    assert reading.column("job_id") == ["7_0", "7_[1-3]", "9+1"]
    assert reading.column("array_index") == [0, None, None]


def test_a_job_that_runs_has_no_end(jobs):
    time = {**job()["time"], "end": 0}
    (running,) = jobs(document(job(time=time, state={"current": ["RUNNING", "COMPLETING"]}))).rows

    assert (running["end"], running["state"], running["state_said"]) == (
        None,
        "RUNNING",
        "RUNNING+COMPLETING",
    )


def test_steps_say_what_was_used(jobs):
    def step(microseconds: int, memory: int | None) -> dict:
        most = [{"type": "mem", "name": None, "id": 2, "count": memory, "task": 0, "node": "n1"}]
        return {
            "time": {"total": {"seconds": 1, "microseconds": microseconds}},
            "tres": {"requested": {"max": most}},
        }

    (used,) = jobs(document(job(steps=[step(500_000, 3 << 20), step(1_500, None)]))).rows
    assert (used["cpu_used_millis"], used["memory_peak_kib"]) == (2501, 3072)


def test_a_list_of_jobs_alone_is_read_too(jobs):
    assert jobs(json.dumps([job(), job(job_id=11)], indent=2)).column("job_id") == ["10", "11"]


@pytest.mark.parametrize("first", [True, False])
def test_errors_that_the_answer_reports_make_it_a_failure(jobs, first):
    around = {"errors": [{"description": "no database", "error_number": 7000}]}
    text = json.dumps({**around, "jobs": [job()]}) if first else document(job(), **around)
    reading = jobs(text)

    assert reading.coverage.outcome == "failed"
    assert "no database" in reading.coverage.detail


def test_nothing_found_is_no_error(jobs):
    said = {"jobs": [], "errors": [{"error_number": 9003, "error": "Nothing found with query"}]}
    assert jobs(json.dumps(said)).coverage.outcome == "empty"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"job_id": "ten"}, "job_id"),
        ({"job_id": None}, "job_id"),
        ({"allocation_nodes": -1}, "allocation_nodes"),
        ({"allocation_nodes": 1.5}, "allocation_nodes"),
        ({"state": {"current": 7}}, "state.current"),
        ({"time": {}}, "time.submission"),
        ({"time": []}, "time"),
        ({"tres": {"allocated": ["cpu"]}}, "tres.allocated"),
        ({"steps": "many"}, "steps"),
        ({"name": {"first": "a"}}, "name"),
    ],
)
def test_a_bad_job_costs_itself_only_and_is_named(jobs, wrong, field):
    reading = jobs(document(job(), job(**wrong), job(job_id=12)))

    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, field)


def test_a_document_cut_short_fails_and_keeps_what_was_whole(jobs):
    reading = jobs(document(*[job(job_id=number) for number in range(1, 9)])[:6000])

    assert reading.coverage.outcome == "failed"
    assert reading.column("job_id")[:3] == ["1", "2", "3"]


@pytest.mark.parametrize("text", ['{"errors": []}', '{"jobs": {}}', "{", "[]"])
def test_a_document_without_jobs_is_no_empty_one(jobs, text):
    reading = jobs(text)

    assert not reading.rows
    assert reading.coverage.outcome == ("empty" if text == "[]" else "failed")
