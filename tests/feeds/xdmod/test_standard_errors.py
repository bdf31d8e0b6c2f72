"""What are the standard errors (`sem_...`) of Open XDMoD? Few jobs with figures that a person can check."""

from __future__ import annotations

from functools import partial

import pytest

ROOT_OF_HALF = "0.7071067811865476"


@pytest.fixture
def value(figure):
    return partial(figure, realm="Jobs")


@pytest.fixture
def by_day(series):
    return partial(series, realm="Jobs")


def test_the_root_of_the_variance_by_the_number_of_jobs(value, make_job):
    jobs = [
        make_job("18 10:00", "18 11:00", vcpus=1, gpus=4, submitted="18 09:00"),
        make_job("18 10:00", "18 13:00", vcpus=3, gpus=2, submitted="18 07:00"),
    ]
    # 1 and 3 hours: (1 + 9) / 2 - 2 x 2 = 1, and the root of 1 / 2
    assert value(jobs, "sem_avg_wallduration_hours") == ROOT_OF_HALF
    assert value(jobs, "sem_avg_node_hours") == ROOT_OF_HALF
    assert value(jobs, "sem_avg_waitduration_hours") == ROOT_OF_HALF
    assert value(jobs, "sem_avg_processors") == ROOT_OF_HALF
    assert value(jobs, "sem_avg_gpus") == ROOT_OF_HALF
    # 1 and 9 core hours: (1 + 81) / 2 - 5 x 5 = 16; 4 and 6 GPU hours: 1 again
    assert value(jobs, "sem_avg_cpu_hours") == "2.8284271247461903"
    assert value(jobs, "sem_avg_gpu_hours") == ROOT_OF_HALF


def test_one_job_has_none(value, make_job):
    jobs = [make_job("18 10:00", "18 12:30", vcpus=7)]
    assert value(jobs, "sem_avg_cpu_hours") == "0"
    assert value(jobs, "sem_avg_processors") == "0"


def test_no_job_that_ended_has_none(by_day, value, make_job):
    jobs = [make_job("18 10:00", "21 12:00", vcpus=7)]
    assert value(jobs, "sem_avg_cpu_hours") == "0"


def test_in_a_series_it_is_over_the_jobs_that_ran(by_day, make_job):
    jobs = [make_job("18 23:00", "19 01:00"), make_job("18 21:00", "19 03:00")]
    assert by_day(jobs, "sem_avg_wallduration_hours") == [ROOT_OF_HALF, ROOT_OF_HALF, "0"]


def test_there_is_no_figure_where_more_ran_than_ended(value, by_day, make_job):
    # Of two jobs of 4 cores one has ended: 16 / 2 - 4 x 4 is less than nothing.
    jobs = [make_job("18 10:00", "18 11:00", vcpus=4), make_job("18 10:00", "19 11:00", vcpus=4)]
    assert by_day(jobs, "sem_avg_processors")[0] == ""
    assert value(jobs, "sem_avg_processors") == "0"


def test_small_errors_have_no_exponent(value, make_job):
    # Half of them ran a second longer: half a second, by the root of 64.
    jobs = [make_job("18 10:00:00", f"18 10:00:0{1 + n % 2}") for n in range(64)]
    assert value(jobs, "sem_avg_wallduration_hours") == "0.00001736111111111111"


def test_of_stored_bytes_it_is_over_samples(figure, series, make_sample):
    samples = [
        make_sample("18 01:00", logical_usage=1, file_count=4, physical_usage=None),
        make_sample("18 02:00", logical_usage=3, file_count=4, physical_usage=2),
    ]
    assert figure(samples, "sem_logical_usage", realm="Storage") == ROOT_OF_HALF
    assert series(samples, "sem_logical_usage", realm="Storage") == [ROOT_OF_HALF, "0", "0"]
    assert figure(samples, "sem_file_count", realm="Storage") == "0"
    assert figure(samples, "sem_physical_usage", realm="Storage") == ROOT_OF_HALF
