"""What does each statistic of the realm Jobs count? Small logs with figures that a person can check."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from meterhouse.usage.capacity import DatedCapacity

CLUSTER = {"cluster": (DatedCapacity(date(2018, 4, 19), None, 10),)}


@pytest.fixture
def value(figure):
    return partial(figure, realm="Jobs")


@pytest.fixture
def by_day(series):
    return partial(series, realm="Jobs")


@pytest.fixture
def rows(ask):
    return partial(ask, realm="Jobs")


def test_hours_are_wall_time_by_cores_nodes_and_gpus(value, make_job):
    jobs = [make_job("18 10:00", "18 12:30", vcpus=8, nodes=2, gpus=4)]
    assert value(jobs, "total_wallduration_hours") == "2.5000"
    assert value(jobs, "total_cpu_hours") == "20.0000"
    assert value(jobs, "total_node_hours") == "5.0000"
    assert value(jobs, "total_gpu_hours") == "10.0000"


def test_suspended_time_is_wall_time(value, make_job):
    assert value([make_job("18 10:00", "18 12:00", run_seconds=60)], "total_cpu_hours") == "2.0000"


@pytest.mark.parametrize(
    "left_out",
    [
        {"closed_by": None, "is_last": True},
        {"closed_by": "requeued"},
        {"nodes": 0},
        {"nodes": None},
        {"kind": "pod"},
        {"rules": "xdmod"},
    ],
)
def test_only_jobs_that_ended_on_nodes_count(rows, make_job, left_out):
    assert rows([make_job("18 10:00", "18 12:00", **left_out)], "job_count") == []


@pytest.mark.parametrize(
    "state",
    [
        *("boot_fail", "cancelled", "completed", "deadline", "failed"),
        *("node_fail", "out_of_memory", "preempted", "revoked", "timeout"),
    ],
)
def test_every_final_state_counts(value, make_job, state):
    assert value([make_job("18 10:00", "18 12:00", closed_by=state)], "job_count") == "1"


def test_a_job_is_split_at_midnight_and_counts_where_it_starts_runs_and_ends(by_day, make_job):
    jobs = [make_job("18 22:00", "19 03:00", vcpus=2)]
    assert by_day(jobs, "total_cpu_hours") == ["4.0000", "6.0000", "0"]
    assert by_day(jobs, "started_job_count") == ["1", "0", "0"]
    assert by_day(jobs, "running_job_count") == ["1", "1", "0"]
    assert by_day(jobs, "job_count") == ["0", "1", "0"]


def test_a_job_that_ends_at_midnight_ends_on_the_day_that_begins_then(by_day, make_job):
    jobs = [make_job("18 22:00", "19 00:00")]
    assert by_day(jobs, "total_cpu_hours") == ["2.0000", "0.0000", "0"]
    assert by_day(jobs, "running_job_count") == ["1", "1", "0"]
    assert by_day(jobs, "job_count") == ["0", "1", "0"]


def test_running_in_the_whole_range_is_running_in_the_first_period_plus_started_later(value, make_job):
    jobs = [
        make_job("17 23:00", "20 01:00", vcpus=4),  # runs in the first day
        make_job("19 10:00", "20 02:00", vcpus=1),  # starts later
        make_job("20 10:00", "20 11:00", vcpus=1),
    ]
    assert value(jobs, "running_job_count") == "3"
    assert value(jobs, "started_job_count") == "2"
    assert value(jobs, "avg_processors") == "2.0000"
    # 24 + 24 + 1 hours of the first, 14 + 2 of the second, 1 of the third: 66 by 3
    assert value(jobs, "avg_wallduration_hours") == "22.00000000"
    assert value(jobs, "avg_cpu_hours") == "71.00000000"  # 4 x 49 + 16 + 1 = 213


def test_averages_in_a_series_are_by_the_jobs_that_touch_the_period(by_day, make_job):
    jobs = [
        make_job("18 22:00", "19 02:00", vcpus=4, nodes=2, gpus=1),
        make_job("19 10:00", "19 11:00", vcpus=1),
    ]
    assert by_day(jobs, "avg_processors") == ["4.0000", "2.5000", "0"]
    assert by_day(jobs, "avg_gpus") == ["1.0000", "0.5000", "0"]
    assert by_day(jobs, "avg_wallduration_hours") == ["2.00000000", "1.50000000", "0"]
    assert by_day(jobs, "avg_cpu_hours") == ["8.00000000", "4.50000000", "0"]
    assert by_day(jobs, "avg_node_hours") == ["4.00000000", "2.50000000", "0"]
    assert by_day(jobs, "avg_gpu_hours") == ["2.00000000", "1.00000000", "0"]


def test_submitted_counts_only_in_a_period_in_which_the_job_runs(by_day, value, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", submitted="18 09:00"),
        make_job("19 10:00", "19 11:00", submitted="18 09:00"),  # submitted on a day on which it doesn't run
    ]
    assert by_day(jobs, "submitted_job_count") == ["1", "0", "0"]
    assert value(jobs, "submitted_job_count") == "1"
    assert value(jobs, "submitted_job_count", unit="month") == "2"


def test_waiting_counts_whole_in_the_period_of_the_start(by_day, value, make_job):
    jobs = [
        make_job("19 02:00", "20 10:00", submitted="18 23:00"),  # three hours
        make_job("19 10:00", "19 11:00", submitted="19 09:00"),  # one hour
    ]
    assert by_day(jobs, "total_waitduration_hours") == ["0", "4.0000", "0.0000"]
    assert value(jobs, "avg_waitduration_hours") == "2.00000000"


def test_a_job_said_to_have_started_before_it_was_submitted_has_not_waited(value, make_job):
    jobs = [make_job("18 10:00", "18 11:00", submitted="18 10:30")]
    assert value(jobs, "total_waitduration_hours") == "0.0000"
    assert value(jobs, "submitted_job_count") == "1"


def test_sizes_weighted_by_hours(value, make_job):
    jobs = [
        make_job("18 10:00", "18 13:00", vcpus=2, gpus=1),
        make_job("18 10:00", "18 11:00", vcpus=10, gpus=2),
    ]
    assert value(jobs, "avg_job_size_weighted_by_cpu_hours") == "7.0000"  # (2x2x3 + 10x10x1) / (2x3 + 10)
    assert value(jobs, "avg_job_size_weighted_by_gpu_hours") == "5.2000"  # (2x1x3 + 10x2x1) / (3 + 2)
    assert value(jobs, "min_processors") == "2"
    assert value(jobs, "max_processors") == "10"


def test_smallest_and_largest_job_of_all_periods(by_day, value, make_job):
    jobs = [make_job("18 10:00", "19 13:00", vcpus=2), make_job("19 10:00", "19 11:00", vcpus=10)]
    assert by_day(jobs, "max_processors") == ["2", "10", "0"]
    assert by_day(jobs, "min_processors") == ["2", "2", "0"]
    assert value(jobs, "max_processors") == "10"


def test_expansion_factor_is_weighted_by_node_hours(value, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", submitted="18 09:00", nodes=3),  # twice as long as it ran
        make_job("18 10:00", "18 11:00", nodes=1),
    ]
    assert value(jobs, "expansion_factor") == "1.7500"  # (2 x 3 + 1 x 1) / 4


def test_expansion_is_rounded_to_an_integer_in_each_row_of_the_table(by_day, value, make_job):
    # Three seconds of wall time, one before midnight, after one second of waiting: 4/3 x 1 s on the 18th,
    # 4/3 x 2 s = 2.67 on the 19th, rounded to 1 and 3.
    one = make_job("18 23:59:59", "19 00:00:02", submitted="18 23:59:58")
    assert by_day([one], "expansion_factor") == ["1.0000", "1.5000", "0"]
    assert value([one], "expansion_factor") == "1.3333"
    # Two alike stand in one row: 2 x 4/3 = 2.67 s is rounded to 3 of 2 s. In two rows it would be 2 of 2 s.
    assert by_day([one, one], "expansion_factor")[0] == "1.5000"
    assert by_day([one, {**one, "qos": "high"}], "expansion_factor")[0] == "1.0000"


def test_halves_of_an_expansion_are_rounded_up(by_day, make_job):
    one = make_job("18 23:59:59", "19 00:00:01", submitted="18 23:59:58")  # 3/2 x 1 s on each day
    assert by_day([one], "expansion_factor") == ["2.0000", "2.0000", "0"]
    thirds = [
        make_job("18 23:59:59", "19 00:00:02", submitted="18 23:59:58"),  # 4/3
        make_job("18 23:59:59", "19 00:00:05", submitted="18 23:59:58"),  # 7/6: 2.5 together
    ]
    assert by_day(thirds, "expansion_factor")[0] == "1.5000"


def test_a_job_of_no_length_counts_and_weighs_nothing(value, make_job):
    jobs = [make_job("18 10:00", "18 10:00", submitted="18 09:00", closed_by="failed")]
    assert value(jobs, "job_count") == "1"
    assert value(jobs, "total_waitduration_hours") == "1.0000"
    assert value(jobs, "expansion_factor") == "0.0000"
    assert value(jobs, "avg_job_size_weighted_by_cpu_hours") == "0.0000"


def test_utilisation_is_of_all_days_from_the_first_of_the_resource(by_day, value, make_job):
    jobs = [make_job("19 00:00", "20 00:00", vcpus=5)]  # half of ten cores for a day
    days = {"first": date(2018, 4, 19), "capacities": CLUSTER}
    assert by_day(jobs, "utilization", **days) == ["50.0000", "0.0000"]
    assert value(jobs, "utilization", **days) == "25.0000"
    assert value(jobs, "utilization", unit="month", **days) == "4.1667"  # of 12 days of April
    assert value(jobs, "normalized_avg_processors", **days) == "50.000000000"


def test_cores_are_whole_ones(value, make_job):
    jobs = [make_job("18 10:00", "18 11:00", vcpus=None, cpu_millis=1500)]
    assert value(jobs, "max_processors") == "2"
    assert value(jobs, "total_cpu_hours") == "2.0000"


def test_people_groups_and_resources(value, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00"),
        make_job("19 10:00", "19 11:00", user_name="bob", resource="other"),
        make_job("20 10:00", "20 11:00", group_name=None),
    ]
    assert value(jobs, "active_person_count") == "2"
    assert value(jobs, "active_pi_count") == "2"
    assert value(jobs, "active_resource_count") == "2"


@pytest.mark.parametrize(
    ("group_by", "labels"),
    [
        ("none", ["Our site"]),
        ("resource", ["big cluster"]),
        ("resource_type", ["High-performance computing"]),
        ("provider", ["Centre"]),
        ("queue", ["long"]),
        ("qos", ["high"]),
        ("nodecount", ["3"]),
        ("person", ["Lovelace, Ada"]),
        ("username", ["ada"]),
        ("institution", ["north"]),
        ("pi", ["Hopper, Grace"]),
        ("pi_institution", ["south"]),
        ("fieldofscience", ["Optics"]),
        ("parentscience", ["Physics"]),
        ("nsfdirectorate", ["Science"]),
    ],
)
def test_labels(rows, make_job, make_dimensions, group_by, labels):
    jobs = [
        make_job("18 10:00", "18 11:00", resource="big-cluster", nodes=3, qos="high", **{"class": "long"})
    ]
    dimensions = make_dimensions(
        person_dimension=[{"user_name": "ada", "person": "Lovelace, Ada", "institution": "north"}],
        group_dimension=[
            {
                "group_name": "grace",
                "pi": "Hopper, Grace",
                "pi_institution": "south",
                "field": "Optics",
                "parent_field": "Physics",
                "directorate": "Science",
            }
        ],
    )
    found = rows(
        jobs,
        "job_count",
        group_by=group_by,
        dimensions=dimensions,
        organizations={"big-cluster": "Centre"},
        types={"big-cluster": "High-performance computing"},
    )
    assert [(label, value) for _, label, value in found] == [(label, "1") for label in labels]


def test_whoever_is_in_no_directory_goes_by_login_and_group(rows, make_job):
    jobs = [make_job("18 10:00", "18 11:00")]
    assert rows(jobs, "job_count", group_by="person") == [("", "ada", "1")]
    assert rows(jobs, "job_count", group_by="pi") == [("", "grace", "1")]
    assert rows(jobs, "job_count", group_by="fieldofscience") == [("", "Unknown", "1")]


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (0, "0 - 1s"),
        (1, "1 - 30s"),
        (29, "1 - 30s"),
        (30, "30s - 30min"),
        (1799, "30s - 30min"),
        (1800, "30 - 60min"),
        (3599, "30 - 60min"),
        (3600, "1 - 5hr"),
        (17999, "1 - 5hr"),
        (18000, "5 - 10hr"),
        (35999, "5 - 10hr"),
        (36000, "10 - 18hr"),
        (64799, "10 - 18hr"),
        (64800, "18+hr"),
        (86399, "18+hr"),
    ],
)
def test_buckets_of_wall_and_wait_time(rows, make_job, seconds, label):
    at = f"18 {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    assert rows([make_job("18 00:00", at)], "job_count", group_by="jobwalltime") == [("", label, "1")]
    waited = [make_job(at, "19 00:00", submitted="18 00:00")]
    assert rows(waited, "job_count", group_by="jobwaittime") == [("", label, "1")]


@pytest.mark.parametrize(
    ("count", "cores", "gpus"),
    [
        (1, "1", "1"),
        (2, "2", "2"),
        (3, "3 - 4", "3"),
        (4, "3 - 4", "4"),
        (5, "5 - 8", "5"),
        (8, "5 - 8", "8"),
        (9, "9 - 16", "9 - 16"),
        (64, "33 - 64", "33 - 64"),
        (65, "65 - 128", "65 - 128"),
        (1024, "513 - 1024", "513 - 1024"),
        (1025, "1k - 2k", "1k - 2k"),
        (4096, "2k - 4k", "2k - 4k"),
        (4097, "> 4k", "> 4k"),
    ],
)
def test_buckets_of_cores_and_gpus(rows, make_job, count, cores, gpus):
    jobs = [make_job("18 10:00", "18 11:00", vcpus=count, gpus=count)]
    assert rows(jobs, "job_count", group_by="jobsize") == [("", cores, "1")]
    assert rows(jobs, "job_count", group_by="gpucount") == [("", gpus, "1")]


def test_buckets_come_in_their_own_order_and_other_labels_by_value(rows, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", vcpus=100, nodes=1),
        make_job("18 10:00", "18 12:00", vcpus=2, nodes=12),
        make_job("18 10:00", "18 12:00", vcpus=None, cpu_millis=None, nodes=3),
    ]
    sizes = rows(jobs, "total_cpu_hours", group_by="jobsize")
    assert [label for _, label, _ in sizes] == ["1", "2", "65 - 128"]
    assert rows(jobs, "total_wallduration_hours", group_by="nodecount") == [
        ("", "3", "2.0000"),
        ("", "12", "2.0000"),
        ("", "1", "1.0000"),
    ]
