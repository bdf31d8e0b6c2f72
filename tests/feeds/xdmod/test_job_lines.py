"""Jobs and pods as lines of sacct: what they say, and that they say the same each time."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from meterhouse.feeds.xdmod.checking.files import check_file
from meterhouse.feeds.xdmod.slurm_form import FIELDS, one_line, plain
from meterhouse.feeds.xdmod.writing.job_lines import write_job_lines
from meterhouse.feeds.xdmod.writing.out_files import Written
from meterhouse.feeds.xdmod.writing.period import Period
from meterhouse.sources.raw_table import TEXT, TIME
from meterhouse.sources.slurm.job_files import read_slurm
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.build import build
from meterhouse.usage.tables import SPAN
from strategies.sites import made_site

SLURM_JOB = pa.schema([*RAW_TABLES["slurm_job"].schema, ("batch_id", TEXT), ("recorded_at", TIME)])
PERIOD = Period(date(2018, 4, 18), date(2018, 4, 20), ZoneInfo("UTC"))


class View:
    """Stands for a view of a warehouse that holds these rows only."""

    def select(self, table, **which):
        return f"SELECT * FROM {table}_rows"


@pytest.fixture
def write(engine, tmp_path):
    """Write spans and raw jobs: the lines by day as records of FIELDS, and what has been written."""

    def lines(spans, raw=(), period=PERIOD, **options):
        engine.relation("span_rows", pa.Table.from_pylist(list(spans), schema=SPAN))
        engine.relation("slurm_job_rows", pa.Table.from_pylist(list(raw), schema=SLURM_JOB))
        written = Written()
        write_job_lines(View(), engine, "cluster", period, tmp_path / "out", written, **options)
        found = {}
        for file in written.files:
            checked = check_file(file.path)
            assert (checked.faults, checked.records) == ([], file.records)
            text = file.path.read_text(encoding="utf-8")
            found[file.path.stem.removeprefix("cluster-")] = [
                dict(zip(FIELDS, line.split("|", 25), strict=True)) for line in text.splitlines()
            ]
        return found, written

    return lines


@pytest.fixture
def make_pod(make_job):
    def pod(start, end, **values):
        said = {
            "kind": "pod",
            "item": "lab/web-1",
            "name": "web-1",
            "project_ref": "lab",
            "user_name": None,
            "group_name": "grace",
            "qos": None,
            "host": "node-1",
            "closed_by": "gone",
            "memory_mib": 4096,
            **values,
        }
        return {**make_job(start, end, **said), "submitted": None}

    return pod


def test_a_job_stands_on_the_day_of_its_end_in_slurms_own_words(write, make_job):
    job = make_job("18 22:00:01", "19 01:00:01", submitted="18 21:00", vcpus=4, gpus=2, opened_batch="b",
                   opened_record=7, closed_batch="b", closed_record=7, item="12_3", name="a | b",
                   host="n[1-2]", nodes=2, time_limit_seconds=90000)  # fmt: skip
    raw = {
        "batch_id": "b",
        "record": 7,
        "job_id": "12_3",
        "job_id_raw": 15,
        "gid": 100,
        "uid": 200,
        "elapsed_seconds": 10000,
        "exit_code": "1:0",
        "state": "CANCELLED",
        "state_said": "CANCELLED by 200",
        "requested_cpu_millis": 2000,
        "requested_memory_mib": 512,
        "requested_tres": "cpu=2,node=1",
        "allocated_tres": "billing=8,cpu=4,gres/gpu:a100=2,node=2",
    }
    found, _ = write([job], [raw])
    assert {day: len(lines) for day, lines in found.items()} == {
        "2018-04-18": 0,
        "2018-04-19": 1,
        "2018-04-20": 0,
    }
    assert found["2018-04-19"][0] == {
        "jobid": "12_3",
        "jobidraw": "15",
        "cluster": "cluster",
        "partition": "short",
        "qos": "normal",
        "account": "account",
        "group": "grace",
        "gid": "100",
        "user": "ada",
        "uid": "200",
        "submit": "2018-04-18T21:00:00",
        "eligible": "Unknown",
        "start": "2018-04-18T22:00:01",
        "end": "2018-04-19T01:00:01",
        "elapsed": "02:46:40",
        "exitcode": "1:0",
        "state": "CANCELLED by 200",
        "nnodes": "2",
        "ncpus": "4",
        "reqcpus": "2",
        "reqmem": "512M",
        "reqtres": "cpu=2,node=1",
        "alloctres": "billing=8,cpu=4,gres/gpu:a100=2,node=2",
        "timelimit": "1-01:00:00",
        "nodelist": "n[1-2]",
        "jobname": "a | b",
    }
    found, _ = write([job], [raw], milli_cpu=True)
    line = found["2018-04-19"][0]
    assert (line["ncpus"], line["reqcpus"], line["reqtres"]) == ("4000", "2000", "cpu=2000,node=1")
    assert line["alloctres"] == "billing=8,cpu=4000,gres/gpu:a100=2,node=2"


def test_a_job_that_still_runs_has_no_end(write, make_job):
    found, _ = write([make_job("18 22:00", "19 01:00", is_last=True, closed_by=None)])
    (line,) = found["2018-04-20"]
    assert (line["end"], line["state"], line["elapsed"]) == ("Unknown", "RUNNING", "03:00:00")


def test_a_state_that_open_xdmod_does_not_know(write, make_job):
    ends = [
        make_job("18 10:00", "18 11:00", item="1"),
        make_job("18 10:00", "18 11:00", item="2", closed_by="odd"),
    ]
    found, written = write(
        [*ends, make_job("18 10:00", "18 12:00", item="3", is_last=True, closed_by="completing")]
    )
    assert [line["jobid"] for line in found["2018-04-18"]] == ["1"]
    assert written.left_out == ["job 2, field state: expected a state that Open XDMoD knows, found 'ODD'"]
    assert [(line["jobid"], line["state"]) for line in found["2018-04-20"]] == [("3", "RUNNING")]


def test_of_several_states_the_first_is_written(write, make_job):
    job = make_job("18 10:00", "18 11:00", item="1", opened_batch="b", opened_record=1, closed_by="failed")
    raw = {"batch_id": "b", "record": 1, "job_id": "1", "state": "FAILED", "state_said": "FAILED+REQUEUED"}
    found, written = write([job], [raw])
    assert ([line["state"] for line in found["2018-04-18"]], written.left_out) == (["FAILED"], [])


def test_tasks_of_an_array_that_one_record_tells_of_are_a_line_each(write, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", item=f"7_{n}", opened_batch="b", opened_record=1) for n in (0, 1)
    ]
    raws = [{"batch_id": "b", "record": 1, "job_id": f"7_{n}", "job_id_raw": 7} for n in (0, 1)]
    found, _ = write(jobs, raws)
    assert [line["jobid"] for line in found["2018-04-18"]] == ["7_0", "7_1"]


def test_a_part_of_a_heterogeneous_job_goes_by_its_raw_id(write, make_job):
    job = make_job("18 10:00", "18 11:00", item="12+1", opened_batch="b", opened_record=1)
    found, _ = write([job], [{"batch_id": "b", "record": 1, "job_id": "12+1", "job_id_raw": 13}])
    assert found["2018-04-18"][0]["jobid"] == "13"


def test_a_job_for_which_there_is_no_room_is_left_out_and_told(write, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", item="weird"),
        make_job("18 10:00", "18 11:00", item="2", user_name="u" * 256),
        make_job("18 10:00", "18 11:00", item="3"),
    ]
    found, written = write(jobs)
    assert [line["jobid"] for line in found["2018-04-18"]] == ["3"]
    assert [told.split(": expected")[0] for told in written.left_out] == [
        "job 2, field user",
        "job weird, field jobid",
    ]


def test_a_pod_is_a_job_of_its_own_on_each_day(write, make_pod):
    found, _ = write([make_pod("18 22:00", "20 06:00", vcpus=2, gpus=1, gpu_model="A100")])
    lines = [line for day in sorted(found) for line in found[day]]
    assert [(line["start"], line["end"], line["elapsed"]) for line in lines] == [
        ("2018-04-18T22:00:00", "2018-04-19T00:00:00", "02:00:00"),
        ("2018-04-19T00:00:00", "2018-04-20T00:00:00", "1-00:00:00"),
        ("2018-04-20T00:00:00", "2018-04-20T06:00:00", "06:00:00"),
    ]
    assert len({line["jobid"] for line in lines}) == 3
    same = ("account", "group", "user", "state", "nnodes", "ncpus", "alloctres", "nodelist", "jobname")
    assert {tuple(line[name] for name in same) for line in lines} == {
        (
            *("lab", "grace", "unknown", "COMPLETED", "1", "2"),
            "cpu=2,mem=4096M,node=1,gres/gpu=1,gres/gpu:A100=1",
            *("node-1", "web-1"),
        )
    }


def test_ids_of_pods_are_the_same_each_time_whatever_else_is_written(write, make_pod):
    pods = [make_pod("18 10:00", "20 11:00", item=f"lab/web-{n}") for n in range(50)]

    def ids(found):
        return {(line["start"], line["jobid"]) for lines in found.values() for line in lines}

    everything = ids(write(pods)[0])
    assert len({jobid for _, jobid in everything}) == 150
    assert ids(write(pods[::-1])[0]) == everything
    one_day = Period(date(2018, 4, 19), date(2018, 4, 19), ZoneInfo("UTC"))
    assert ids(write(pods[:10], period=one_day)[0]) < everything


def test_parts_of_a_core_are_rounded_and_told_or_kept_as_thousandths(write, make_pod):
    pods = [
        make_pod("18 10:00", "18 11:00", vcpus=None, cpu_millis=1500),
        make_pod("18 10:00", "18 11:00", vcpus=2, item="lab/two"),
    ]
    found, written = write(pods)
    assert [line["ncpus"] for line in found["2018-04-18"]] == ["2", "2"]
    assert written.remarks == ["1 lines: parts of a core became whole cores; --milli-cpu keeps them"]
    found, written = write(pods, milli_cpu=True)
    assert sorted(line["ncpus"] for line in found["2018-04-18"]) == ["1500", "2000"]
    assert written.remarks == []


def test_times_are_utc_and_days_those_of_the_site(write, make_pod):
    period = Period(date(2018, 4, 18), date(2018, 4, 19), ZoneInfo("America/New_York"))  # four hours behind
    found, _ = write([make_pod("18 22:00", "19 06:00")], period=period)
    assert [line["end"] for line in found["2018-04-18"]] == ["2018-04-19T04:00:00"]
    assert [line["start"] for line in found["2018-04-19"]] == ["2018-04-19T04:00:00"]


HOSTILE = [
    "a|b",
    "a\nb",
    "a\r\nb",
    "a\0b",
    "\x1b[31m",
    "a\u2028b",
    "a\x85b",
    "\u202eevil",
    "Zoë|",
    "%7C",
    "100%",
    "名前",
]


def test_no_name_breaks_a_line_and_different_ones_stay_different(write, make_job, make_pod):
    jobs = [
        make_job("18 10:00", "18 11:00", item=str(n), user_name=name, group_name=name, project_ref=name,
                 qos=name, host=name, name=name, **{"class": name})
        for n, name in enumerate(HOSTILE)
    ]  # fmt: skip
    pods = [
        make_pod("18 10:00", "18 11:00", item=name, name=name, gpus=1, gpu_model=name) for name in HOSTILE
    ]
    found, written = write([*jobs, *pods])
    assert written.left_out == []
    lines = found["2018-04-18"]
    assert len(lines) == 2 * len(HOSTILE)
    assert len({line["user"] for line in lines}) == len(HOSTILE) + 1
    assert "名前" in {line["user"] for line in lines}


def test_how_text_is_escaped():
    assert [plain(name) for name in HOSTILE[:5]] == ["a%7Cb", "a%0Ab", "a%0D%0Ab", "a%00b", "%1B[31m"]
    assert plain("%7C") == "%257C"
    assert plain("100%") == "100%"
    assert one_line("a|b") == "a|b"


SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "cluster"
kind = "cluster"
"""


@pytest.mark.parametrize("milli_cpu", [False, True])
def test_what_is_read_back_is_the_same_usage(write, make_job, make_pod, tmp_path, milli_cpu):
    spans = [
        make_job("18 22:00", "19 01:00", vcpus=4, nodes=2, gpus=1, item="7", cpu_millis=4000, host="n[1-2]"),
        make_pod("18 10:00", "20 11:00", vcpus=2, gpus=1, gpu_model="A100"),
        make_pod("19 10:00", "19 10:30", vcpus=1, item="lab/other"),
    ]
    _, written = write(spans, milli_cpu=milli_cpu)
    factor = 1000 if milli_cpu else 1
    with made_site(tmp_path / "site", SETTINGS) as site:
        for file in written.files:
            assert site.warehouse.land(read_slurm(file.path, "cluster")).rejections == 0
        build(site.warehouse, site.engine, "UTC")
        with site.engine() as engine:
            read = engine.query(f"SELECT * FROM ({site.warehouse.view().select('span')})").to_pylist()

    def seconds(rows, size):
        total = {}
        for row in rows:
            key = (row["project_ref"], row["group_name"])
            amount = (row["end"] - row["start"]) // timedelta(seconds=1) * (row.get(size) or 0)
            total[key] = total.get(key, 0) + amount
        return total

    assert seconds(read, "vcpus") == {key: n * factor for key, n in seconds(spans, "vcpus").items()}
    assert seconds(read, "nodes") == seconds(spans, "nodes")
    assert seconds(read, "gpus") == seconds(spans, "gpus")
