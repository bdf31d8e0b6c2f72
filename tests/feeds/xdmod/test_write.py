"""What `meterhouse xdmod write` writes: files that pass the check and read back as the same usage."""

from __future__ import annotations

import json
from datetime import date

import pytest

from meterhouse.cli.main import app
from meterhouse.feeds.xdmod.checking.files import check_file
from meterhouse.feeds.xdmod.query import Query
from meterhouse.feeds.xdmod.site_query import answer_site_query
from meterhouse.feeds.xdmod.writing.site_files import NotCovered, write_site_files
from meterhouse.feeds.xdmod.writing.stored_items import storage_resource
from meterhouse.sources.file_formats import FILE_FORMATS
from meterhouse.usage.build import build
from services.invoked import CliRunner
from services.reference_input import REFERENCE_INPUT
from strategies.sites import made_site

DATA = REFERENCE_INPUT / "data/xdmod"
reference = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs Open XDMoD's reference records in {DATA}")

SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "cloud"
kind = "cloud"
title = "Research cloud"
organization = "Centre"

[[resources]]
name = "cluster"
kind = "cluster"
capacity = [
    { start = 2018-01-01, end = 2018-07-01, cores = 96, nodes = 4 },
    { start = 2018-07-01, cores = 100 },
]

[[resources]]
name = "disk"
kind = "filesystem"
"""
KINDS = {
    "openstack": "openstack-events",
    "hypervisor_facts": "hypervisor-facts",
    "slurm": "slurm",
    "storage": "storage-usage",
}


def made(path, *files):
    """A site of these files: (kind, resource, path)."""
    site = made_site(path, SETTINGS)
    for kind, resource, file in files:
        assert site.warehouse.land(FILE_FORMATS[kind].read(file, resource)).rejections == 0
    build(site.warehouse, site.engine, "UTC")
    return site


def written(site, resource, first, last, folder, **options):
    """The files that were written, each of which passes the check."""
    done = write_site_files(site, resource, first, last, folder, **options)
    assert done.left_out == []
    for file in done.files:
        checked = check_file(file.path)
        assert (checked.faults, checked.records) == ([], file.records)
    return done


def reread(path, done, resource):
    """A fresh site of the files that were written about the resource itself."""
    stored = storage_resource(resource)
    files = [(KINDS[file.path.parent.name], resource, file.path) for file in done.files
             if file.path.parent.name in KINDS and not file.path.name.startswith(stored)]  # fmt: skip
    return made(path, *files)


def spans(site):
    """Every span without its evidence, in an order of its own."""
    with site.engine() as engine:
        rows = engine.query(
            "SELECT * EXCLUDE (opened_batch, opened_record, closed_batch, closed_record) "
            f"FROM ({site.warehouse.view().select('span')}) ORDER BY ALL"
        )
    return rows.to_pylist()


def figures(site, realm, statistic, first, last, **options):
    query = Query.ask(realm=realm, statistic=statistic, first=first, last=last, **options)
    return [(row.period, row.label, row.value) for row in answer_site_query(site, query)]


def event(event_type, at, **values):
    return {
        "event_type": f"compute.instance.{event_type}",
        "generated": f"2018-04-{at}",
        "instance_id": "vm-1",
        "instance_type": "small",
        "vcpus": "2",
        "memory_mb": "2048",
        "disk_gb": "20",
        "project_id": "p1",
        "project_name": "al|pha\n",
        "user_name": "ada",
        "domain": "Default",
        "host": "h1",
        **values,
    }


LIFE = [
    event("create.start", "18T10:00:00.5"),
    event("create.end", "18T10:00:01"),
    event("exists", "18T20:00:00", state="active"),
    event("exists", "19T20:00:00", state="active"),
    event("power_off.end", "20T12:00:00"),
    event("power_on.end", "21T12:00:00"),
    event("delete.end", "22T06:00:00"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("cloud")
    path = tmp_path / "2018-04-18T00.00.00_2018-04-22T23.59.59.json"
    path.write_text(json.dumps(LIFE))
    with made(tmp_path / "site", ("openstack-events", "cloud", path)) as site:
        yield site


def test_events_are_written_a_file_a_day_and_read_back_the_same(cloud, tmp_path):
    done = written(cloud, "cloud", date(2018, 4, 18), date(2018, 4, 22), tmp_path / "out")
    days = [file.path.name for file in done.files if file.path.parent.name == "openstack"]
    assert days[0] == "2018-04-18T00.00.00_2018-04-18T23.59.59.json"
    assert len(days) == 5
    with reread(tmp_path / "again", done, "cloud") as again:
        assert spans(again) == spans(cloud)
        assert {row["project_name"] for row in spans(again)} == {"al|pha\n"}


@pytest.mark.parametrize(("first", "last"), [(19, 19), (19, 20), (21, 21)])
def test_some_days_alone_add_up_to_their_own_usage(cloud, tmp_path, first, last):
    days = date(2018, 4, first), date(2018, 4, last)
    done = written(cloud, "cloud", *days, tmp_path / "out")
    with reread(tmp_path / "again", done, "cloud") as again:
        for statistic in ("cloud_core_time", "cloud_wall_time", "cloud_avg_memory_reserved"):
            assert figures(again, "Cloud", statistic, *days) == figures(cloud, "Cloud", statistic, *days)


def test_days_written_one_by_one_are_as_good_as_all_at_once(cloud, tmp_path):
    files = []
    for day in range(18, 23):
        done = written(cloud, "cloud", date(2018, 4, day), date(2018, 4, day), tmp_path / str(day))
        files += [file for file in done.files if file.path.parent.name == "openstack"]
    done.files[:] = files
    whole = date(2018, 4, 18), date(2018, 4, 22)
    with reread(tmp_path / "again", done, "cloud") as again:
        for statistic in ("cloud_core_time", "cloud_num_sessions_started", "cloud_num_sessions_running"):
            for mode in ("timeseries", "aggregate"):
                assert figures(again, "Cloud", statistic, *whole, mode=mode) == figures(
                    cloud, "Cloud", statistic, *whole, mode=mode
                )


def test_the_same_is_written_each_time(cloud, tmp_path):
    first, again = (
        written(cloud, "cloud", date(2018, 4, 18), date(2018, 4, 22), tmp_path / name) for name in "ab"
    )
    assert [file.path.read_bytes() for file in first.files] == [
        file.path.read_bytes() for file in again.files
    ]


def test_a_period_that_is_not_covered_is_refused_and_nothing_written(cloud, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(NotCovered, match=r"2018-04-23 00:00:00 to 2018-04-24 00:00:00 UTC: nothing was read"):
        write_site_files(cloud, "cloud", date(2018, 4, 22), date(2018, 4, 23), out)
    assert not out.exists()
    done = write_site_files(cloud, "cloud", date(2018, 4, 22), date(2018, 4, 23), out, partial=True)
    assert done.remarks == [
        "not covered: 2018-04-23 00:00:00 to 2018-04-24 00:00:00 UTC: nothing was read of it"
    ]
    assert out.exists()


def test_what_there_is_no_room_for_is_left_out_and_told(tmp_path):
    path = tmp_path / "2018-04-18T00.00.00_2018-04-18T23.59.59.json"
    path.write_text(json.dumps([*LIFE[:3], event("create.end", "18T11:00:00", instance_id="i" * 65)]))
    made(tmp_path / "site", ("openstack-events", "cloud", path)).close()
    arguments = ["--site", str(tmp_path / "site"), "xdmod", "write", "--resource", "cloud",
                 "--from", "2018-04-18", "--to", "2018-04-18", "--out", str(tmp_path / "out")]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 3
    assert "field instance_id: expected at most 64 characters, found 65" in result.output
    assert CliRunner().invoke(app, ["xdmod", "check", str(tmp_path / "out")]).exit_code == 0


def test_resources_and_what_they_could_give(cloud, tmp_path):
    written(cloud, "cloud", date(2018, 4, 18), date(2018, 4, 18), tmp_path / "out")
    resources = json.loads((tmp_path / "out" / "resources.json").read_text())
    assert [(one["resource"], one["name"], one["resource_type"]) for one in resources] == [
        ("cloud", "Research cloud", "Cloud"),
        ("cluster", "cluster", "HPC"),
        ("disk", "disk", "Disk"),
    ]
    specs = json.loads((tmp_path / "out" / "resource_specs.json").read_text())
    columns = ("resource", "cpu_node_count", "cpu_processor_count", "start_date", "end_date")
    assert [tuple(one[name] for name in columns) for one in specs] == [
        ("cluster", 4, 96, "2018-01-01", "2018-06-30"),
        ("cluster", 0, 100, "2018-07-01", None),
    ]


def test_capacity_in_thousandths_where_jobs_are(cloud, tmp_path):
    done = write_site_files(
        cloud, "cluster", date(2018, 4, 18), date(2018, 4, 18), tmp_path, milli_cpu=True, partial=True
    )
    specs = json.loads((tmp_path / "resource_specs.json").read_text())
    assert [one["cpu_processor_count"] for one in specs] == [96_000, 100_000]
    assert len(done.files) == 2


def test_samples_are_written_once_and_read_back_the_same(tmp_path):
    sample = {
        "resource": "disk",
        "mountpoint": "/ho|me",
        "user": "Zoë\n",
        "pi": "grace",
        "dt": "2018-04-18T10:00:00Z",
        "file_count": 1,
        "logical_usage": (1 << 63) - 1,
    }
    for name, usage in (("a", 5), ("b", (1 << 63) - 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps([{**sample, "logical_usage": usage}]))
    files = [("storage-usage", "disk", tmp_path / f"{name}.json") for name in "ab"]
    days = date(2018, 4, 18), date(2018, 4, 18)
    with made(tmp_path / "site", *files) as site:
        done = written(site, "disk", *days, tmp_path / "out")
        (file,) = (file for file in done.files if file.path.parent.name == "storage")
        assert json.loads(file.path.read_text()) == [{**sample, "soft_threshold": 0, "hard_threshold": 0}]
        with reread(tmp_path / "again", done, "disk") as again:
            for statistic in ("avg_logical_usage", "avg_soft_threshold", "user_count"):
                assert figures(again, "Storage", statistic, *days) == figures(
                    site, "Storage", statistic, *days
                )


@reference
def test_the_reference_cloud_reads_back_the_same(tmp_path):
    files = [
        (KINDS[folder], "cloud", path)
        for folder, among in (
            ("openstack", ("openstack", "openstack_error_sessions")),
            ("hypervisor_facts", ("hypervisor_facts",)),
        )
        for one in among
        for path in sorted((DATA / one).glob("*.json"))
    ]
    days = date(2018, 4, 17), date(2018, 4, 30)
    with made(tmp_path / "site", *files) as site:
        done = written(site, "cloud", *days, tmp_path / "out")
        with reread(tmp_path / "again", done, "cloud") as again:
            assert spans(again) == spans(site)
            for one in (site, again):
                assert figures(one, "Cloud", "cloud_core_time", *days, mode="aggregate")[0][2] == "1755.8894"
            assert figures(again, "Cloud", "cloud_core_utilization", *days) == figures(
                site, "Cloud", "cloud_core_utilization", *days
            )


@reference
def test_the_reference_jobs_count_and_read_back_the_same(tmp_path):
    days = date(2016, 12, 22), date(2017, 1, 1)
    with made(tmp_path / "site", ("slurm", "cluster", DATA / "slurm" / "phillips.log")) as site:

        def figure(statistic, unit):
            ((_, _, value),) = figures(site, "Jobs", statistic, *days, unit=unit, mode="aggregate")
            return value

        assert figure("job_count", "day") == "4046"  # of 4,285 lines
        assert figure("submitted_job_count", "day") == "2988"
        assert figure("submitted_job_count", "year") == "3987"
        done = written(site, "cluster", *days, tmp_path / "out")
        with reread(tmp_path / "again", done, "cluster") as again:
            assert spans(again) == spans(site)
