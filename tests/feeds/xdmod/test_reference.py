"""Do the reference records give the figures that Open XDMoD itself gives?

The figures are facts from Open XDMoD's documentation of its test data and from its regression tests
(18 to 30 April 2018), each a few of many that agree.
"""

from __future__ import annotations

from datetime import date

import pytest

from meterhouse.feeds.xdmod.query import Query, SeenBy
from meterhouse.feeds.xdmod.site_query import answer_site_query
from meterhouse.operations.directory_import import import_csv
from meterhouse.sources.hypervisor_facts import read_hypervisor_facts
from meterhouse.sources.openstack.event_files import read_openstack_events
from meterhouse.usage.build import build
from services.reference_input import REFERENCE_INPUT
from strategies.sites import made_site

DATA = REFERENCE_INPUT / "data/xdmod"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs Open XDMoD's reference records in {DATA}")

SETTINGS = """
[site]
name = "Screwdriver"

[[resources]]
name = "openstack"
kind = "cloud"
organization = "screw - Screwdriver"
capacity = [{ start = 2018-04-18, end = 2020-01-02, cores = 234 }]
"""
DIRECTORY = {
    "names": "names.csv",
    "hierarchy": "hierarchy.csv",
    "group-to-hierarchy": "group-to-hierarchy.csv",
    "cloud-project-to-pi": "cloud-pi-test.csv",
}


def read_site(path, *folders):
    site = made_site(path, SETTINGS)
    for folder in folders:
        read = read_hypervisor_facts if folder == "hypervisor_facts" else read_openstack_events
        for file in sorted((DATA / folder).glob("*.json")):
            site.warehouse.land(read(file, "openstack"))
    for kind, file in DIRECTORY.items():
        import_csv(site, kind, DATA / file)
    build(site.warehouse, site.engine, site.settings.site.time_zone)
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folders = ("openstack", "openstack_error_sessions", "hypervisor_facts")
    with read_site(tmp_path_factory.mktemp("reference") / "site", *folders) as site:
        yield site


def asked(
    site,
    statistic,
    group_by="none",
    unit="day",
    mode="aggregate",
    capacity="auto",
    last=(4, 30),
    seen_by=None,
):
    query = Query.ask(
        realm="Cloud",
        statistic=statistic,
        group_by=group_by,
        unit=unit,
        mode=mode,
        first=date(2018, 4, 18),
        last=date(2018, *last),
        seen_by=seen_by,
    )
    rows = answer_site_query(site, query, capacity=capacity)
    return [(row.period, row.label, row.value) if row.period else (row.label, row.value) for row in rows]


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("cloud_core_time", "1755.8894"),
        ("cloud_wall_time", "1228.6547"),
        ("cloud_num_sessions_started", "53"),
        ("cloud_num_sessions_ended", "53"),
        ("cloud_num_sessions_running", "53"),
        ("cloud_avg_cores_reserved", "1.4291"),
        ("cloud_avg_memory_reserved", "5391546777.3100"),
        ("cloud_avg_wallduration_hours", "23.14924004"),
        ("cloud_core_utilization", "2.4051"),
        ("active_person_count", "3"),
        ("active_project_count", "2"),
    ],
)
def test_the_whole_range(site, statistic, value):
    assert asked(site, statistic) == [("Screwdriver", value)]


def test_a_single_day(site):
    assert asked(site, "cloud_core_time", last=(4, 18)) == [("Screwdriver", "52.1197")]


def test_flavors_by_value_one_row_a_name(site):
    assert asked(site, "cloud_wall_time", "configuration", "quarter") == [
        ("c1.m4", "906.3725"),
        ("c2.m4", "209.6183"),
        ("c4.m16", "105.7936"),
        ("c1.m1", "6.6347"),
        ("c2.m8", "0.2353"),
        ("m1.small", "0.0003"),
    ]


def test_states_split_the_hours(site):
    assert asked(site, "cloud_wall_time", "instance_state", "month") == [
        ("Active", "1226.9097"),
        ("Inactive", "1.7450"),
    ]


def test_people_by_day(site):
    rows = asked(site, "cloud_core_time", "person", mode="timeseries")
    assert [row for row in rows if row[0] in ("2018-04-19", "2018-04-28")] == [
        ("2018-04-19", "Warbler, Yellow-rumped", "102.0311"),
        ("2018-04-19", "Warbler, Yellow", "31.5872"),
        ("2018-04-19", "Warbler, Blackburnian", "6.2383"),
        ("2018-04-28", "Warbler, Yellow-rumped", "168.0000"),
        ("2018-04-28", "Warbler, Yellow", "0"),
        ("2018-04-28", "Warbler, Blackburnian", "0"),
    ]


def test_wall_hours_per_session_of_each_flavor(site):
    assert asked(site, "cloud_avg_wallduration_hours", "configuration", "month") == [
        ("c2.m4", "52.40437500"),
        ("c4.m16", "35.26453704"),
        ("c1.m4", "23.19602564"),
        ("c1.m1", "1.10305556"),
        ("c2.m8", "0.23527778"),
        ("m1.small", "0.00000000"),
    ]


@pytest.mark.parametrize(
    ("group_by", "label"),
    [
        ("pi", "Tern, Sandwich"),
        ("fieldofscience", "Mechanics and Materials"),
        ("parentscience", "Mechanical and Structural Systems"),
        ("nsfdirectorate", "Engineering"),
        ("domain", "Default"),
        ("provider", "screw - Screwdriver"),
        ("submission_venue", "OpenStack API"),
        ("project", "zealous"),
        ("resource", "openstack"),
    ],
)
def test_labels(site, group_by, label):
    assert asked(site, "cloud_core_time", group_by) == [(label, "1755.8894")]


def test_what_people_see_in_a_role(site):
    assert asked(site, "cloud_core_time", seen_by=SeenBy("pi", "sante")) == [("Screwdriver", "1755.8894")]
    assert asked(site, "cloud_core_time", seen_by=SeenBy("pi", "gloib")) == []
    of_users = {
        label: asked(site, "cloud_core_time", seen_by=SeenBy("user", login))[0][1]
        for label, login in (("Warbler, Yellow", "ylwwa"), ("Warbler, Yellow-rumped", "yerwa"))
    }
    assert of_users.items() <= dict(asked(site, "cloud_core_time", "person")).items()


@pytest.mark.parametrize(("unit", "value"), [("month", "2.4051"), ("quarter", "0.4225"), ("year", "0.1212")])
def test_utilisation_of_whole_units(site, unit, value):
    assert asked(site, "cloud_core_utilization", unit=unit) == [("Screwdriver", value)]


def test_utilisation_of_what_the_hypervisors_had(site):
    rows = asked(site, "cloud_core_utilization", mode="timeseries", capacity="hypervisors")
    by_day = {period: value for period, _, value in rows}
    assert by_day["2018-04-23"] == "1.4881"  # 120 core hours of 336 x 24
    assert by_day["2018-04-24"] == "1.4205"  # the same of 352 x 24


def test_records_of_may_take_back_an_end_of_april(tmp_path):
    folders = ("openstack", "openstack_error_sessions", "openstack_upgrade")
    with read_site(tmp_path / "site", *folders) as site:
        rows = asked(site, "cloud_num_sessions_ended", unit="month", mode="timeseries", last=(5, 31))
    assert rows == [("2018-04", "Screwdriver", "52"), ("2018-05", "Screwdriver", "2")]
