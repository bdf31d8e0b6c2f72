"""How are sessions grouped, and in which order do labels come?"""

from __future__ import annotations

import pytest

from meterhouse.feeds.xdmod.realms import realms

ADA = {"user_name": "ada", "person": "Lovelace, Ada", "institution": "north"}
OTHER_ADA = {"user_name": "ada2", "person": "Lovelace, Ada", "institution": "south"}
OWNER = {
    "resource": "cloud",
    "project_name": "alpha",
    "pi": "Lovelace, Ada",
    "pi_institution": "north",
    "field": "Engines",
    "parent_field": "Machines",
    "directorate": "Engineering",
}


@pytest.mark.parametrize(
    ("group_by", "label"),
    [
        ("none", "Our site"),
        ("resource", "my cloud"),
        ("provider", "north - North University"),
        ("project", "alpha"),
        ("configuration", "small"),
        ("person", "Lovelace, Ada"),
        ("username", "ada"),
        ("institution", "north"),
        ("pi", "Lovelace, Ada"),
        ("pi_institution", "north"),
        ("fieldofscience", "Engines"),
        ("parentscience", "Machines"),
        ("nsfdirectorate", "Engineering"),
        ("vm_size", "1"),
        ("vm_size_memory", "< 2 GB"),
        ("instance_state", "Active"),
        ("domain", "Default"),
        ("submission_venue", "OpenStack API"),
    ],
)
def test_a_known_session_has_its_label(ask, make_session, make_dimensions, group_by, label):
    rows = ask(
        [make_session("18 10:00", "18 11:00", resource="my-cloud", domain="Default")],
        "cloud_wall_time",
        group_by=group_by,
        dimensions=make_dimensions(
            person_dimension=[ADA], owner_dimension=[{**OWNER, "resource": "my-cloud"}]
        ),
        organizations={"my-cloud": "north - North University"},
    )
    assert rows == [("", label, "1.0000")]


@pytest.mark.parametrize(
    "group_by",
    [
        "project",
        "configuration",
        "person",
        "username",
        "institution",
        "pi",
        "pi_institution",
        "fieldofscience",
        "parentscience",
        "nsfdirectorate",
        "domain",
        "submission_venue",
    ],
)
def test_whose_or_what_nobody_said_is_unknown(ask, make_session, group_by):
    nothing = dict.fromkeys(("user_name", "project_ref", "project_name", "class"))
    rows = ask(
        [make_session("18 10:00", "18 11:00", **nothing)],
        "cloud_wall_time",
        group_by=group_by,
        generic_batches=["b1"],  # the generic format says no venue
    )
    assert rows == [("", "Unknown", "1.0000")]


def test_every_group_by_conserves_the_total(ask, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00", vcpus=1, memory_mib=512, user_name=None),
        make_session("18 22:00", "19 02:00", vcpus=2, memory_mib=4096, state="inactive"),
        make_session(
            "19 10:00", "20 11:00", vcpus=64, memory_mib=200000, resource="other", project_name=None
        ),
    ]
    for group_by in realms()["Cloud"].group_bys:
        rows = ask(sessions, "cloud_wall_time", group_by=group_by)
        assert sum(float(value) for _, _, value in rows) == 30, group_by


def test_an_unnamed_user_keeps_the_name_that_the_cloud_gave(ask, make_session):
    sessions = [make_session("18 10:00", "18 11:00")]
    assert ask(sessions, "cloud_wall_time", group_by="person") == [("", "ada", "1.0000")]


def test_two_people_of_one_name_stay_two(ask, make_session, make_dimensions):
    sessions = [
        make_session("18 10:00", "18 11:00", user_name="ada"),
        make_session("18 10:00", "18 12:00", user_name="ada2"),
    ]
    people = make_dimensions(person_dimension=[ADA, OTHER_ADA])
    assert ask(sessions, "cloud_wall_time", group_by="person", dimensions=people) == [
        ("", "Lovelace, Ada", "2.0000"),
        ("", "Lovelace, Ada", "1.0000"),
    ]


def test_two_projects_or_flavors_of_one_name_are_one_row(ask, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00", project_ref="p1", memory_mib=4096),
        make_session("18 10:00", "18 12:00", project_ref="p2", memory_mib=40000),
    ]
    assert ask(sessions, "cloud_wall_time", group_by="project") == [("", "alpha", "3.0000")]
    assert ask(sessions, "cloud_wall_time", group_by="configuration") == [("", "small", "3.0000")]
    assert ask(sessions, "active_project_count", group_by="project") == [("", "alpha", "2")]


def test_labels_come_by_value_and_equal_ones_by_name(ask, make_session):
    hours = {"b": 1, "C": 1, "a": 1, "z": 2}
    sessions = [
        make_session("18 10:00", f"18 {10 + count}:00", **{"class": name}) for name, count in hours.items()
    ]
    rows = ask(sessions, "cloud_wall_time", group_by="configuration")
    assert [label for _, label, _ in rows] == ["z", "a", "b", "C"]


def test_a_time_series_has_the_order_of_the_whole_range(ask, make_session):
    sessions = [
        make_session("18 10:00", "18 12:00", **{"class": "early"}),
        make_session("19 10:00", "19 15:00", **{"class": "late"}),
    ]
    rows = ask(sessions, "cloud_wall_time", group_by="configuration", mode="timeseries")
    assert [label for period, label, _ in rows if period == "2018-04-18"] == ["late", "early"]


@pytest.mark.parametrize(
    ("vcpus", "label"),
    [(1, "1"), (2, "2 - 3"), (3, "2 - 3"), (4, "4 - 7"), (7, "4 - 7"), (8, "8 - 11"), (12, "12 - 15"),
     (16, "16 - 32"), (32, "16 - 32"), (33, "> 32")],
)  # fmt: skip
def test_sizes_by_cores(ask, make_session, vcpus, label):
    rows = ask([make_session("18 10:00", "18 11:00", vcpus=vcpus)], "cloud_wall_time", group_by="vm_size")
    assert rows == [("", label, "1.0000")]


def test_sizes_by_cores_come_by_size(ask, make_session):
    sessions = [make_session("18 10:00", "18 11:00", vcpus=vcpus) for vcpus in (64, 12, 12, 1)]
    rows = ask(sessions, "cloud_wall_time", group_by="vm_size")
    assert [label for _, label, _ in rows] == ["1", "12 - 15", "> 32"]


@pytest.mark.parametrize(
    ("mebibytes", "label"),
    [(2047, "< 2 GB"), (2048, "2 - 4 GB"), (4096, "2 - 4 GB"), (8192, "4 - 8 GB"), (16384, "8 - 16 GB"),
     (32768, "16 - 32 GB"), (65535, "32 - 64 GB"), (131072, "64 - 128 GB"), (131073, "> 128 GB")],
)  # fmt: skip
def test_sizes_by_memory(ask, make_session, mebibytes, label):
    sessions = [make_session("18 10:00", "18 11:00", memory_mib=mebibytes)]
    assert ask(sessions, "cloud_wall_time", group_by="vm_size_memory") == [("", label, "1.0000")]
