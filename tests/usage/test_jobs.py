"""Which rules turn what Slurm's accounting says of jobs into spans? A job or two each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.job_tellings import at, spans, telling


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


def facts(made, *names):
    return [tuple(span[name] for name in names) for span in made]


def test_a_finished_job_is_a_span_from_start_to_end(engine):
    (span,) = spans(engine, [telling(cpu_used_millis=7000, memory_peak_kib=1536, gpus=2)])

    assert (span["start"], span["end"], span["submitted"]) == (at(5), at(65), at(0))
    assert (span["state"], span["closed_by"], span["is_last"]) == ("active", "completed", False)
    assert (span["vcpus"], span["cpu_millis"], span["memory_mib"], span["gpus"]) == (4, 4000, 1024, 2)
    assert (span["begins"], span["ceases"], span["run_seconds"]) == (1, 1, None)
    assert (span["cpu_used_millis"], span["memory_peak_mib"]) == (7000, 2)  # 1.5 MiB, half up


def test_a_job_that_runs_lasts_as_long_as_it_is_known_to_have_run(engine):
    said = telling(end=None, state="RUNNING", elapsed_seconds=600, suspended_seconds=60, observed_at=at(20))
    (span,) = spans(engine, [said])

    assert (span["end"], span["run_seconds"]) == (at(16), 600)
    assert (span["is_last"], span["closed_by"], span["ceases"]) == (True, None, 0)


def test_the_end_counts_before_that_it_ran(engine):
    ran = telling(end=None, state="RUNNING", elapsed_seconds=9000, observed_at=at(200))

    assert facts(spans(engine, [telling(), ran]), "end", "closed_by") == [(at(65), "completed")]


def test_a_requeued_job_is_two_spans(engine):
    first = telling(state="REQUEUED", end=at(20), elapsed_seconds=900)
    second = telling(submit=at(20), start=at(25), end=at(30), elapsed_seconds=300)

    made = spans(engine, [second, first])
    assert facts(made, "item", "start", "closed_by") == [("1", at(5), "requeued"), ("1", at(25), "completed")]


def test_a_job_that_started_anew_runs_no_more_from_its_earlier_start(engine):
    first = telling(state="RUNNING", end=None, elapsed_seconds=3600)
    second = telling(submit=at(20), start=at(25), end=None, state="RUNNING", elapsed_seconds=60)

    made = spans(engine, [first, second])
    assert facts(made, "start", "end", "closed_by", "is_last") == [
        (at(5), at(25), None, False),
        (at(25), at(26), None, True),
    ]


def test_suspended_time_is_no_running_time(engine):
    (span,) = spans(engine, [telling(elapsed_seconds=3000, suspended_seconds=600)])

    assert (span["end"] - span["start"], span["run_seconds"]) == (timedelta(hours=1), 3000)


def test_what_never_ran_has_no_span(engine):
    never = [
        telling(job_id="1", node_list=None, state="CANCELLED"),
        telling(job_id="2", start=None, end=at(9), elapsed_seconds=0, state="CANCELLED"),
        telling(job_id="3", nodes=0),
        telling(job_id="4", state="PENDING", end=None),
    ]

    assert spans(engine, never) == []


def test_a_run_of_no_length_is_a_job_all_the_same(engine):
    made = spans(engine, [telling(end=at(5), elapsed_seconds=0, state="FAILED")])

    assert facts(made, "start", "end", "begins", "ceases") == [(at(5), at(5), 1, 1)]


def test_a_start_after_the_end_is_counted_back_from_the_end(engine):
    made = spans(engine, [telling(start=at(90), end=at(65), elapsed_seconds=600)])

    assert facts(made, "start", "end") == [(at(55), at(65))]


def test_parts_of_a_core_are_no_whole_ones(engine):
    assert facts(spans(engine, [telling(cpu_millis=1500)]), "vcpus", "cpu_millis") == [(None, 1500)]


def test_the_same_number_on_two_clusters_is_two_jobs(engine):
    made = spans(engine, [telling(cluster="a"), telling(cluster="b")])

    assert facts(made, "item", "domain") == [("1", "a"), ("1", "b")]
