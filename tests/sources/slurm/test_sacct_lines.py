"""What do lines of sacct say, and how are bad ones told?"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from sacct_lines_of import line

from meterhouse.sources.slurm import sacct_lines
from meterhouse.sources.slurm.sacct_form import XDMOD_FIELDS

WITH_STEPS = (*XDMOD_FIELDS[:-2], "suspended", "totalcpu", "maxrss", "nodelist", "jobname")
HEADING = "|".join(WITH_STEPS) + "\n"


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_a_line_says_who_ran_what_when_and_with_how_much(jobs):
    (job,) = jobs(line(jobname="a|b")).rows

    assert (job["job_id"], job["name"], job["user_name"], job["account"]) == (
        "100",
        "a|b",
        "alice",
        "physics",
    )
    assert (job["submit"], job["start"], job["end"]) == (moment(1, 10), moment(1, 10, 5), moment(1, 11, 5))
    assert (job["elapsed_seconds"], job["time_limit_seconds"]) == (3600, 86_400)
    assert (job["nodes"], job["cpu_millis"], job["allocated_memory_mib"], job["gpus"]) == (1, 4000, 8192, 0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("00:00:24", 24),
        ("1-00:00:00", 86_400),
        ("37-14:00:00", 3_247_200),
        ("05:06", 306),
        ("0-1:02:03", 3723),  # as lines made from pods have it
        ("100-00:00:01", 8_640_001),
        ("", None),
    ],
)
def test_durations_in_every_form(jobs, said, seconds):
    assert jobs(line(elapsed=said)).column("elapsed_seconds") == [seconds]
    # and beside one that isn't of the usual form
    assert jobs(line(elapsed=said) + line(jobid="101", elapsed="1:1")).column("elapsed_seconds") == [
        seconds,
        61,
    ]


@pytest.mark.parametrize(("said", "seconds"), [("UNLIMITED", None), ("Partition_Limit", None), ("", None)])
def test_no_time_limit_is_nothing(jobs, said, seconds):
    assert jobs(line(timelimit=said)).column("time_limit_seconds") == [seconds]


@pytest.mark.parametrize(
    ("said", "nodes", "cpus", "mib"),
    [
        ("31000Mn", "2", "12", 62_000),  # of each node
        ("4Gc", "1", "3", 12_288),  # of each CPU
        ("62.50G", "8", "64", 64_000),  # of the job
        ("512.0", "1", "1", 512),
        ("1536K", "1", "1", 2),  # half up
        ("1T", "1", "1", 1_048_576),
        ("0n", "1", "1", 0),
        ("", "1", "1", None),
    ],
)
def test_memory_asked_for_is_of_the_whole_job(jobs, said, nodes, cpus, mib):
    job = line(reqmem=said, nnodes=nodes, reqcpus=cpus, ncpus=cpus, reqtres="cpu=1,node=1")

    assert jobs(job).column("requested_memory_mib") == [mib]


@pytest.mark.parametrize(
    ("said", "gpus", "model"),
    [
        ("cpu=4,gres/gpu=2,mem=1G", 2, None),
        ("cpu=4,gres/gpu:a100=1,gres/gpu=1,mem=1G", 1, "a100"),
        ("cpu=4,gres/gpu:a100=2,mem=1G", 2, "a100"),
        ("cpu=4,gres/gpu:a100=1,gres/gpu:v100=2,gres/gpu=3", 3, "a100,v100"),
        ("cpu=4,gres/gpu:v100=2,gres/gpu:a100=1", 3, "a100,v100"),  # only types are kept
        ("cpu=4,gres/gpu=3,gres/gpu:a100=1", 3, "a100,other"),  # a cluster that keeps one type of several
        ("cpu=4,gres/gpu:a100=0,gres/gpu=3", 3, None),
        ("cpu=4,gres/gpumem=80G,gres/gpuutil=50", 0, None),
        ("cpu=4,mem=1G", 0, None),
        ("", None, None),
    ],
)
def test_gpus_typed_and_untyped(jobs, said, gpus, model):
    (job,) = jobs(line(alloctres=said)).rows
    assert (job["gpus"], job["gpu_model"]) == (gpus, model)


def test_parts_of_a_cpu_are_counted_in_thousandths(jobs):
    pods = line(jobid="0", ncpus="0.5", reqcpus="1.2505", reqmem="512.0", nodelist="", timelimit="0-0:10:00")

    (job,) = jobs(pods + line()).rows[:1]
    assert (job["cpu_millis"], job["requested_cpu_millis"], job["node_list"]) == (500, 1251, "")


def test_what_never_started_has_no_nodes_and_no_start(jobs):
    cancelled = line(
        start="None", state="CANCELLED by 12", nodelist="None assigned", alloctres="", elapsed="00:00:00"
    )
    pending = line(
        start="Unknown", end="Unknown", state="PENDING", nodelist="None assigned", eligible="Unknown"
    )

    first, second = jobs(cancelled + pending).rows
    assert (first["start"], first["node_list"], first["state"]) == (None, None, "CANCELLED")
    assert first["state_said"] == "CANCELLED by 12"
    assert (second["start"], second["end"], second["eligible"]) == (None, None, None)


def test_tasks_of_arrays_are_jobs_of_their_own(jobs):
    ran = jobs(line(jobid="7_3") + line(jobid="8") + line(jobid="9_[1,4-6%2]", nnodes="1"))

    assert ran.column("job_id") == ["7_3", "8", "9_1", "9_4", "9_5", "9_6"]
    assert ran.column("array_job_id") == [7, None, 9, 9, 9, 9]
    assert ran.column("array_index") == [3, None, 1, 4, 5, 6]
    assert ran.column("record") == [1, 2, 3, 3, 3, 3]


def test_tasks_that_wait_are_one_record(jobs):
    waiting = line(
        jobid="9_[1,4-9]", start="Unknown", end="Unknown", state="PENDING", nodelist="None assigned"
    )

    assert jobs(waiting).column("job_id") == ["9_[1,4-9]"]


def test_tasks_that_slurm_cut_short_are_refused(jobs):
    reading = jobs(line(jobid="9_[1,4,8...]") + line())

    assert reading.column("job_id") == ["100"]
    assert str(reading.rejections[0]).endswith(
        'record 1, field jobid: expected the tasks of an array such as 1,4-9, found "1,4,8..."'
    )


def test_steps_are_no_jobs_and_say_what_their_job_used(jobs):
    reading = jobs(
        HEADING
        + line(WITH_STEPS, jobid="1", totalcpu="00:00.389")
        + line(WITH_STEPS, jobid="1.batch", totalcpu="00:00.019", maxrss="10780K", ncpus="2")
        + line(WITH_STEPS, jobid="1.0", totalcpu="00:00.370", maxrss="1.5M", submit="", user="")
        + line(WITH_STEPS, jobid="2", totalcpu="00:00:00")
        + line(WITH_STEPS, jobid="3+1", totalcpu="")
        + line(WITH_STEPS, jobid="3+1.extern", totalcpu="01:00:01.500", maxrss="")
    )

    assert reading.column("job_id") == ["1", "2", "3+1"]
    assert reading.column("record") == [2, 5, 6]
    assert reading.column("cpu_used_millis") == [389, None, 3_601_500]
    assert reading.column("memory_peak_kib") == [10_780, None, None]


def test_steps_go_with_their_job_wherever_blocks_end(jobs, monkeypatch):
    text = HEADING + "".join(
        line(WITH_STEPS, jobid=f"{job}")
        + "".join(
            line(WITH_STEPS, jobid=f"{job}.{step}", totalcpu="00:01", maxrss=f"{step}K")
            for step in range(job)
        )
        for job in range(1, 9)
    )
    whole = jobs(text).rows
    for size in (300, 700, 1000):
        monkeypatch.setattr(sacct_lines, "BLOCK_BYTES", size)
        assert jobs(text).rows == whole
    assert [job["cpu_used_millis"] for job in whole] == [1000 * job for job in range(1, 9)]


def test_a_heading_may_name_fields_in_any_order_and_others_are_kept(jobs):
    reading = jobs(
        "JobID|Submit|Start|End|State|AllocCPUS|AllocNodes|WorkDir|NCPUS|NNodes\n"
        "5|2026-03-01T10:00:00|2026-03-01T10:00:00|Unknown|RUNNING|2|1|/home/a|2|1\n"
    )

    (job,) = reading.rows
    assert (job["record"], job["cpu_millis"], job["nodes"]) == (2, 2000, 1)
    assert job["extra"] == '{"alloccpus":"2","allocnodes":"1","workdir":"/home/a"}'


def test_a_heading_that_lacks_the_end_is_refused(jobs):
    reading = jobs("JobID|Submit|Start|State\n1|2026-03-01T10:00:00|Unknown|PENDING\n")

    assert not reading.rows
    assert reading.coverage.outcome == "failed"
    assert reading.rejections[0].expected.startswith("a heading with JobID")


BAD = [
    ({"submit": "yesterday"}, "submit", '"yesterday"'),
    ({"submit": "Unknown"}, "submit", '"Unknown"'),
    ({"end": "2026-02-30T00:00:00"}, "end", '"2026-02-30T00:00:00"'),
    ({"start": "1066-10-14T09:00:00"}, "start", '"1066-10-14T09:00:00"'),
    ({"ncpus": "many"}, "ncpus", '"many"'),
    ({"ncpus": ""}, "ncpus", '""'),
    ({"ncpus": "-4"}, "ncpus", '"-4"'),
    ({"ncpus": "9" * 30}, "ncpus", f'"{"9" * 30}"'),
    ({"ncpus": "0x10"}, "ncpus", '"0x10"'),
    ({"nnodes": "1e9"}, "nnodes", '"1e9"'),
    ({"elapsed": "1-2"}, "elapsed", '"1-2"'),
    ({"elapsed": "99999999-00:00:00"}, "elapsed", '"99999999-00:00:00"'),
    ({"reqmem": "8 GB"}, "reqmem", '"8 GB"'),
    ({"reqmem": "9999999E"}, "reqmem", '"9999999E"'),
    ({"alloctres": "cpu4"}, "alloctres", '"cpu4"'),
    ({"alloctres": "gres/gpu=1.5"}, "alloctres", '"gres/gpu=1.5"'),
    ({"state": "?"}, "state", '"?"'),
    ({"jobid": "abc"}, "jobid", '"abc"'),
    ({"jobid": ""}, "jobid", '""'),
    ({"user": "x" * 2000}, "user", f'text of 2,000 characters "{"x" * 77}..."'),
]


@pytest.mark.parametrize(("wrong", "field", "found"), BAD)
def test_a_bad_field_costs_its_line_only_and_is_named(jobs, wrong, field, found):
    reading = jobs(line() + line(**wrong) + line(jobid="102"))

    assert reading.column("job_id") == ["100", "102"]
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field, rejection.found) == (2, field, found)
    assert rejection.excerpt


BROKEN = [
    (b"too|few|fields\n", "26 fields between bars", "3"),
    (line(jobname="a\0b").encode(), "text without NUL", "a NUL byte"),
    (line(jobname="a\rb").encode(), "text without carriage returns", "a carriage return within the line"),
    (line(jobname="a").encode().replace(b"|a\n", b"|\xff\n"), "UTF-8 text", "other bytes"),
    (b"x" * 300_000 + b"\n", "a line of at most 262,144 bytes", "300,000 bytes"),
    (b"y" * 9_000_000 + b"\n", "a line of at most 262,144 bytes", "9,000,000 bytes"),
]


@pytest.mark.parametrize(("broken", "expected", "found"), BROKEN)
def test_a_broken_line_costs_itself_only(jobs, broken, expected, found):
    reading = jobs(line().encode() + b"\n" + broken + line(jobid="102").encode())

    assert reading.column("job_id") == ["100", "102"]
    assert reading.column("record") == [1, 4]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.expected, rejection.found) == (3, expected, found)


def test_lines_may_end_as_windows_ends_them_and_the_last_not_at_all(jobs):
    reading = jobs("\ufeff" + (line() + line(jobid="101")).replace("\n", "\r\n").removesuffix("\r\n"))

    assert reading.column("job_id") == ["100", "101"]
    assert reading.column("name") == ["job", "job"]


def test_quotes_and_bars_in_names_are_only_characters(jobs):
    names = ['"quoted', "a|b|c", "'", "\\", "ü\u202e", "", "||"]
    reading = jobs("".join(line(jobid=str(number), jobname=name) for number, name in enumerate(names)))

    assert reading.column("name") == names


def test_a_gzip_file_is_unpacked_and_one_cut_short_fails(jobs):
    text = "".join(line(jobid=str(number), jobname=f"{number * 7919 % 1000}") for number in range(20_000))
    packed = gzip.compress(text.encode())

    assert len(jobs(packed).rows) == 20_000
    cut = jobs(packed[: len(packed) // 2])
    assert cut.coverage.outcome == "failed"
    assert 1000 < len(cut.rows) < 20_000


def test_an_empty_file_says_nothing(jobs):
    assert jobs("").coverage.outcome == "empty"


def test_where_blocks_end_changes_nothing(jobs, monkeypatch):
    text = "".join(
        line(jobid=f"{number}", elapsed=f"00:00:{number % 60:02}", jobname="|" * (number % 3))
        for number in range(300)
    ) + line(ncpus="none")
    whole = jobs(text)
    monkeypatch.setattr(sacct_lines, "BLOCK_BYTES", 1000)
    parts = jobs(text)

    assert parts.rows == whole.rows
    assert parts.rejections == whole.rejections
    assert parts.rejections[0].record == 301
