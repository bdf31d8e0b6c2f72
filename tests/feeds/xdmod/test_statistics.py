"""What does each statistic count? Small sessions with figures that a person can check."""

from __future__ import annotations

from datetime import date

import pytest

RESIZED = "compute.instance.resize.confirm.end"


def test_wall_and_core_hours_have_four_decimals(figure, make_session):
    sessions = [make_session("18 10:00", "18 12:30", vcpus=2)]
    assert figure(sessions, "cloud_wall_time") == "2.5000"
    assert figure(sessions, "cloud_core_time") == "5.0000"


def test_stopped_and_shelved_time_counts_in_hours_but_not_as_sessions(figure, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00"),
        make_session("18 11:00", "18 13:00", state="inactive"),
        make_session("18 13:00", "18 17:00", state="shelved"),
        make_session("18 17:00", "18 20:00", state="unknown"),
    ]
    assert figure(sessions, "cloud_wall_time") == "7.0000"
    assert figure(sessions, "cloud_num_sessions_started") == "1"
    assert figure(sessions, "cloud_num_sessions_ended") == "1"
    assert figure(sessions, "cloud_num_sessions_running") == "1"


def test_time_counts_between_whole_seconds(figure, make_session):
    sessions = [make_session("18 10:00:00.9", "18 10:00:01.1")]
    assert figure(sessions, "cloud_wall_time") == "0.0003"  # 1 s = 0.00028 h


def test_a_session_is_split_at_midnight_and_runs_on_both_days(series, figure, make_session):
    sessions = [make_session("18 22:00", "19 03:00")]
    assert series(sessions, "cloud_wall_time") == ["2.0000", "3.0000", "0"]
    assert series(sessions, "cloud_num_sessions_running") == ["1", "1", "0"]
    assert series(sessions, "cloud_num_sessions_started") == ["1", "0", "0"]
    assert series(sessions, "cloud_num_sessions_ended") == ["0", "1", "0"]
    assert figure(sessions, "cloud_wall_time") == "5.0000"


def test_a_session_that_ends_at_midnight_touches_the_day_that_begins_then(series, make_session):
    sessions = [make_session("18 22:00", "19 00:00")]
    assert series(sessions, "cloud_wall_time") == ["2.0000", "0.0000", "0"]
    assert series(sessions, "cloud_num_sessions_running") == ["1", "1", "0"]
    assert series(sessions, "cloud_num_sessions_ended") == ["0", "1", "0"]


def test_days_are_those_of_the_site(series, make_session):
    sessions = [make_session("18 22:30", "18 23:30")]  # 23:30 to 00:30 in London's summer
    assert series(sessions, "cloud_wall_time", time_zone="Europe/London") == ["0.5000", "0.5000", "0"]


def test_running_in_the_whole_range_is_running_in_the_first_period_plus_started_later(figure, make_session):
    sessions = [
        make_session("10 00:00", "20 12:00"),  # runs since before the range: in its first day
        make_session("18 10:00", "19 10:00"),  # starts in the first day
        make_session("19 10:00", "19 11:00"),  # starts later
    ]
    assert figure(sessions, "cloud_num_sessions_running") == "3"
    # Asked from the 19th, the one that started on the 18th still runs in the first day.
    assert figure(sessions, "cloud_num_sessions_running", first=date(2018, 4, 19)) == "3"
    assert figure(sessions, "cloud_num_sessions_running", first=date(2018, 4, 20)) == "1"


def test_a_confirmed_resize_neither_starts_nor_runs_another_session_on_its_day(series, make_session):
    sessions = [
        make_session("18 10:00", "18 12:00", closed_by=RESIZED),
        make_session("18 12:00", "19 12:00", opened_by=RESIZED, vcpus=2),
    ]
    assert series(sessions, "cloud_core_time") == ["26.0000", "24.0000", "0"]
    assert series(sessions, "cloud_num_sessions_started") == ["1", "0", "0"]
    assert series(sessions, "cloud_num_sessions_running") == ["1", "1", "0"]


def test_ended_asks_by_day_what_closed_a_session_and_in_longer_units_what_opened_it(figure, make_session):
    until_resize = [make_session("18 10:00", "18 12:00", closed_by=RESIZED)]
    since_resize = [make_session("18 12:00", "18 13:00", opened_by=RESIZED)]
    by_unit = {
        unit: (
            figure(until_resize, "cloud_num_sessions_ended", unit=unit),
            figure(since_resize, "cloud_num_sessions_ended", unit=unit),
        )
        for unit in ("day", "month", "quarter", "year")
    }
    longer = ("1", "0")
    assert by_unit == {"day": ("0", "1"), "month": longer, "quarter": longer, "year": longer}


def test_averages_are_weighted_by_wall_time(figure, make_session):
    sessions = [
        make_session("18 10:00", "18 13:00", vcpus=1, memory_mib=1024, disk_gib=20),
        make_session("18 10:00", "18 11:00", vcpus=4, memory_mib=5120, disk_gib=None, state="inactive"),
    ]
    assert figure(sessions, "cloud_avg_cores_reserved") == "1.7500"  # (3 x 1 + 1 x 4) / 4
    assert figure(sessions, "cloud_avg_memory_reserved") == "2147483648.0000"  # (3 x 1 + 1 x 5) / 4 = 2 GiB
    assert figure(sessions, "cloud_avg_rv_storage_reserved") == "16106127360.0000"  # 3 x 20 / 4 = 15 GiB


def test_wall_hours_per_session_are_active_time_by_active_sessions(series, figure, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00"),
        make_session("18 11:00", "18 13:00"),
        make_session("18 13:00", "18 18:00", state="inactive"),
    ]
    assert figure(sessions, "cloud_avg_wallduration_hours") == "1.50000000"
    assert series(sessions, "cloud_avg_wallduration_hours") == ["1.50000000", "0", "0"]


def test_a_division_by_nothing_prints_zero_with_decimals(figure, make_session):
    inactive = [make_session("18 10:00", "18 10:00", state="inactive")]
    assert figure(inactive, "cloud_avg_wallduration_hours") == "0.00000000"
    assert figure(inactive, "cloud_avg_cores_reserved") == "0.0000"


def test_absent_prints_a_bare_zero_and_present_without_time_prints_decimals(ask, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00"),
        make_session("19 10:00", "19 10:00", **{"class": "tiny"}),
    ]
    rows = ask(sessions, "cloud_wall_time", group_by="configuration", mode="timeseries")
    assert rows == [
        ("2018-04-18", "small", "1.0000"),
        ("2018-04-18", "tiny", "0"),
        ("2018-04-19", "small", "0"),
        ("2018-04-19", "tiny", "0.0000"),
        ("2018-04-20", "small", "0"),
        ("2018-04-20", "tiny", "0"),
    ]


@pytest.mark.parametrize(
    ("unit", "label", "hours"),
    [
        ("day", "2018-04-18", "0"),
        ("month", "2018-04", "5"),
        ("quarter", "2018 Q2", "7"),
        ("year", "2018", "8"),
    ],
)
def test_longer_units_count_whole_also_where_the_range_begins_within_one(
    ask, figure, make_session, unit, label, hours
):
    sessions = [
        make_session("2018-02-01 10:00", "2018-02-01 11:00"),  # same year
        make_session("2018-06-01 10:00", "2018-06-01 12:00"),  # same quarter
        make_session("02 10:00", "02 15:00"),  # same month
        make_session("18 10:00", "18 10:00"),
    ]
    days = {"first": date(2018, 4, 18), "last": date(2018, 4, 18)}
    value = f"{hours}.0000"
    assert ask(sessions, "cloud_wall_time", unit=unit, mode="timeseries", **days) == [
        (label, "Our site", value)
    ]
    assert figure(sessions, "cloud_wall_time", unit=unit, **days) == value


def test_people_pis_resources_and_projects_count_once_and_unknown_as_one(figure, ask, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00", user_name="ada"),
        make_session("19 10:00", "19 11:00", user_name="ada", project_ref="p2"),
        make_session("20 10:00", "20 11:00", user_name=None, resource="other"),
    ]
    assert figure(sessions, "active_person_count") == "2"
    assert figure(sessions, "active_pi_count") == "1"
    assert figure(sessions, "active_resource_count") == "2"
    assert figure(sessions, "active_project_count") == "3"
    rows = ask(
        sessions, "active_person_count", group_by="username", mode="timeseries", last=date(2018, 4, 18)
    )
    assert rows == [("2018-04-18", "ada", "1")]


def test_other_rules_and_kinds_are_no_sessions(ask, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00", rules="default"),
        make_session("18 10:00", "18 11:00", kind="volume"),
    ]
    assert ask(sessions, "cloud_wall_time") == []
