"""Would Open XDMoD take a file? Each format with what is right, and one mistake at a time."""

from __future__ import annotations

import json

import pytest

from meterhouse.cli.main import app
from meterhouse.feeds.xdmod.checking.files import check_file
from services.invoked import CliRunner

WINDOW = "2018-04-18T00.00.00_2018-04-18T23.59.59.json"
EVENT = {
    "event_type": "compute.instance.create.end",
    "generated": "2018-04-18T14:58:45.774847",
    "instance_id": "vm",
    "instance_type": "small",
    "vcpus": "2",
    "memory_mb": 2048,
    "project_id": "p",
    "project_name": "alpha",
}
SAMPLE = {
    "resource": "disk",
    "mountpoint": "/home",
    "user": "ada",
    "pi": "grace",
    "dt": "2018-12-27T11:12:22Z",
    "file_count": "12",
    "logical_usage": (1 << 64) - 1,
    "soft_threshold": 0,
    "hard_threshold": 0,
}
HOST = {"hypervisor_hostname": "node-1", "id": 1, "vcpus": 64, "memory_mb": 1024}
RESOURCE = {"resource": "disk", "name": "Disk"}
SPEC = {
    "resource": "c",
    "cpu_node_count": 1,
    "cpu_processor_count": 8,
    "start_date": "2018-01-01",
    "end_date": "2018-06-30",
}
LATER = {**SPEC, "start_date": "2018-07-01", "end_date": None}
GENERIC = {
    "instance_id": "vm",
    "account": "a",
    "image_type": "linux",
    "event_type": "START",
    "event_time": "2018-04-18T10:00:00Z",
    "record_type": "ACCOUNTING",
    "event_data": "",
    "root_type": "ebs",
    "instance_type": {"name": "s", "cpu": 1, "memory": 1, "disk": 1, "networkInterfaces": 1},
    "block_devices": [{"user": "ada"}],
}
LINE = {
    "jobid": "7_1",
    "jobidraw": "9",
    "cluster": "c",
    "partition": "short",
    "qos": "normal",
    "account": "a",
    "group": "g",
    "gid": "1",
    "user": "ada",
    "uid": "2",
    "submit": "2018-04-18T10:00:00",
    "eligible": "Unknown",
    "start": "2018-04-18T10:00:01",
    "end": "2018-04-18T11:00:01",
    "elapsed": "01:00:00",
    "exitcode": "0:0",
    "state": "CANCELLED by 2",
    "nnodes": "1",
    "ncpus": "4",
    "reqcpus": "4",
    "reqmem": "4G",
    "reqtres": "cpu=4",
    "alloctres": "billing=4,cpu=4,gres/gpu:a100=1,node=1",
    "timelimit": "UNLIMITED",
    "nodelist": "n[1-2]",
    "jobname": "a | b",
}


@pytest.fixture
def checked(tmp_path):
    def check(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return check_file(path)

    return check


def line(**changes):
    return "|".join({**LINE, **changes}.values()) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "what", "records"),
    [
        (WINDOW, [EVENT], "openstack events", 1),
        (WINDOW, [], "openstack events", 0),
        ("any.json", [SAMPLE, {**SAMPLE, "user": "bob"}], "storage samples", 2),
        (
            "hypervisor_facts_2018-04-17T22:30:02.json",
            {"ts": "2018-04-17T22:30:02Z", "hypervisors": [HOST]},
            "hypervisor facts",
            1,
        ),
        ("resources.json", [RESOURCE], "resources", 1),
        ("resource_specs.json", [SPEC, LATER], "resource specifications", 2),
        ("2018-04-18/acct.json", json.dumps(GENERIC) + "\n", "generic cloud events", 1),
        ("slurm.log", line() + line(jobid="8"), "slurm lines", 2),
    ],
)
def test_what_is_right_has_no_findings(checked, name, content, what, records):
    found = checked(name, content)
    assert (found.format, found.records, found.faults, found.remarks) == (what, records, [], [])


def fields(findings):
    return [finding.field for finding in findings]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_type", None),
        ("event_type", "x" * 65),
        ("generated", "2018-04-18T14:58:45Z"),
        ("generated", "2018-13-18T14:58:45"),
        ("vcpus", "two"),
        ("vcpus", True),
        ("memory_mb", 1.5),
        ("memory_mb", 1 << 31),
        ("instance_id", "i" * 65),
        ("project_name", "p" * 257),
        ("user_name", "u" * 256),
        ("host", ["h"]),
        ("instance_type_id", "uuid"),
    ],
)
def test_a_fault_of_an_event(checked, field, value):
    assert fields(checked(WINDOW, [EVENT, {**EVENT, field: value}]).faults) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_type": "compute.instance.live_migration.pre.start"}, "event_type"),
        ({"instance_id": None}, "instance_id"),
        ({"project_name": ""}, "project_name"),
        ({"vcpus": 0}, "vcpus"),
        ({"event_type": "compute.instance.exists", "state": "deleted"}, "state"),
    ],
)
def test_an_event_that_is_taken_but_does_not_count(checked, changes, field):
    found = checked(WINDOW, [{**EVENT, **changes}])
    assert (found.faults, fields(found.remarks)) == ([], [field])


@pytest.mark.parametrize(
    "name", ["events.json", "2018-04-18_2018-04-19.json", "2018-04-19T00.00.00_2018-04-18T00.00.00.json"]
)
def test_events_must_be_named_by_their_window(checked, name):
    found = checked(name, [EVENT])
    assert (found.format, fields(found.faults)) == ("openstack events", ["name"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resource", None),
        ("mountpoint", "/" + "m" * 255),
        ("user", "u" * 31),
        ("pi", ""),
        ("dt", "2018-12-27T11:12:22.0Z"),
        ("dt", "2018-12-27T11:12:22"),
        ("dt", "2018-02-30T11:12:22Z"),
        ("file_count", -1),
        ("logical_usage", 1 << 64),
        ("physical_usage", "much"),
        ("soft_threshold", None),
        ("hard_threshold", 0.5),
    ],
)
def test_a_fault_of_a_sample(checked, field, value):
    assert fields(checked("disk.json", [SAMPLE, {**SAMPLE, "user": "bob", field: value}]).faults) == [field]


def test_a_sample_that_stands_twice(checked):
    (fault,) = checked("disk.json", [SAMPLE, SAMPLE]).faults
    assert (fault.record, fault.expected) == (2, "a sample of its own")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"ts": "2018-04-17T22:30:02", "hypervisors": [HOST]}, "ts"),
        ({"ts": "2018-04-17T22:30:02Z"}, "hypervisors"),
        ({"ts": "2018-04-17T22:30:02Z", "hypervisors": [{**HOST, "vcpus": None}]}, "vcpus"),
        ({"ts": "2018-04-17T22:30:02Z", "hypervisors": [{**HOST, "id": "uuid"}]}, "id"),
    ],
)
def test_a_fault_of_hypervisor_facts(checked, facts, field):
    assert fields(checked("hypervisor_facts_2018-04-17T22.30.02.json", facts).faults) == [field]


@pytest.mark.parametrize(
    ("specs", "field"),
    [
        ([{**SPEC, "cpu_node_count": None}], "cpu_node_count"),
        ([{**SPEC, "cpu_processor_count": -1}], "cpu_processor_count"),
        ([{**SPEC, "start_date": "2018-1-1"}], "start_date"),
        ([{**SPEC, "end_date": "2017-12-31"}], "end_date"),
        ([{**SPEC, "percent_allocated": 101}], "percent_allocated"),
        ([SPEC, {**LATER, "start_date": "2018-06-30"}], "start_date"),
    ],
)
def test_a_fault_of_resource_specifications(checked, specs, field):
    assert fields(checked("resource_specs.json", specs).faults) == [field]


def test_a_resource_that_stands_twice_or_has_no_name(checked):
    assert fields(checked("resources.json", [RESOURCE, RESOURCE]).faults) == ["resource"]
    assert fields(checked("resources.json", [{"resource": "a"}]).faults) == ["name"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_type", "BOOT"),
        ("event_time", "2018-04-18T10:00:00"),
        ("account", None),
        ("instance_type", "s"),
    ],
)
def test_a_fault_of_a_generic_event(checked, field, value):
    found = checked("2018-04-18/acct.json", json.dumps({**GENERIC, field: value}))
    assert fields(found.faults) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("jobid", "seven"),
        ("jobid", str(1 << 32)),
        ("jobid", f"7_{1 << 31}"),
        ("jobidraw", "9.5"),
        ("cluster", ""),
        ("submit", "Unknown"),
        ("start", "2018-04-18 10:00:01"),
        ("end", "2018-04-31T11:00:01"),
        ("elapsed", "an hour"),
        ("state", "DONE"),
        ("nnodes", ""),
        ("ncpus", "1.5"),
        ("ncpus", "-4"),
        ("reqcpus", "1K"),
        ("alloctres", "4 CPUs"),
        ("timelimit", "soon"),
        ("nodelist", ""),
        ("user", "u" * 256),
        ("account", "a\tb"),
        ("jobname", "a\u2028b"),
    ],
)
def test_a_fault_of_a_line(checked, field, value):
    found = checked("slurm.log", line() + line(**{"jobid": "8", field: value}))
    assert fields(found.faults) == [field]


def test_a_line_with_other_than_26_fields(checked):
    (fault,) = checked("slurm.log", line() + "1|2|3\n").faults
    assert (fault.record, fault.expected, fault.found) == (2, "26 fields with | between them", "3")


def test_a_line_that_is_broken_by_its_text(checked):
    assert len(checked("slurm.log", line(jobname="a\nb")).faults) == 1
    assert fields(checked("slurm.log", line().rstrip("\n")).faults) == [""]


def test_a_job_that_stands_twice(checked):
    assert fields(checked("slurm.log", line() + line()).faults) == ["jobid"]
    assert checked("slurm.log", line() + line(end="2018-04-18T12:00:01")).faults == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("jobid", "7.batch"),
        ("end", "Unknown"),
        ("nodelist", "None assigned"),
        ("state", "RUNNING"),
        ("nnodes", "0"),
        ("start", "2018-04-18T12:00:01"),
    ],
)
def test_a_line_that_is_passed_over_or_mended(checked, field, value):
    found = checked("slurm.log", line(**{field: value}))
    assert (found.faults, fields(found.remarks)) == ([], [field])


def test_a_job_that_never_started_has_no_start(checked):
    never = line(nodelist="None assigned", start="None", eligible="None")
    assert checked("slurm.log", never).faults == []
    assert fields(checked("slurm.log", line(start="None")).faults) == ["start"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '[{"dt": NaN}]', '[{"a": 1, "a": 2}]'])
def test_what_is_no_array_of_objects(checked, content):
    found = checked("disk.json", content)
    assert found.faults
    assert found.remarks == []


def test_the_command_fails_on_a_fault_and_not_on_what_is_not_counted(tmp_path):
    run = CliRunner().invoke
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / WINDOW).write_text(json.dumps([{**EVENT, "event_type": "port.create.start"}]))
    counted = run(app, ["xdmod", "check", str(folder), "--remarks"])
    assert counted.exit_code == 0
    assert "openstack events, 1 records, 0 faults, 1 not counted" in counted.output
    assert 'expected one that Open XDMoD knows, found "port.create.start"' in counted.output
    (folder / "slurm.log").write_text(line(ncpus="1.5"))
    wrong = run(app, ["xdmod", "check", str(folder)])
    assert wrong.exit_code == 1
    assert 'record 1, field ncpus: expected an integer from 0 to 4,294,967,295, found "1.5"' in wrong.output
