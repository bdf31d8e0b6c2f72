"""Do months of history add up? 200,000 past jobs against SQL's sums and against sreport's own figures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

HISTORY = Path(__file__).parent / "history.sql"


@pytest.fixture(scope="module")
def past(cluster):
    """The cluster with 200,000 jobs in its past, and slurmdbd's hours, days and months added up."""
    cluster.sql(HISTORY.read_text())
    cluster.roll_up("2026-10-01", "2026-11-01")
    return cluster


@pytest.fixture(scope="module")
def collected(past, new_site):
    site = new_site('history_since = 2026-10-01T00:00:00Z\nchunk = "P7D"\n')
    site.collect_and_build()
    return site


def test_core_seconds_and_jobs_are_those_of_the_database(past, collected) -> None:
    cpus = "SUBSTRING_INDEX(SUBSTRING(j.tres_alloc, 3), ',', 1)"
    said = past.sql(
        f"""SELECT a.acct, a.user, COUNT(*), SUM((j.time_end - j.time_start) * {cpus}),
                SUM((j.time_end - j.time_start) * (j.partition = 'gpu'))
            FROM testhpc_job_table AS j JOIN testhpc_assoc_table AS a USING (id_assoc)
            WHERE j.id_job > 1000000 GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    ours = collected.query(
        """SELECT project_ref, user_name, COUNT(*) AS jobs,
                SUM((EPOCH("end") - EPOCH("start"))::BIGINT * vcpus) AS cpu_seconds,
                SUM((EPOCH("end") - EPOCH("start"))::BIGINT * gpus) AS gpu_seconds
            FROM span WHERE name LIKE 'past-%' GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    assert [[row[0], row[1], *map(int, row[2:])] for row in said] == [
        [
            row["project_ref"],
            row["user_name"],
            *(int(row[key]) for key in ("jobs", "cpu_seconds", "gpu_seconds")),
        ]
        for row in ours
    ]
    assert sum(int(row[2]) for row in said) == 200_000


def test_core_seconds_of_days_are_those_of_sreport(past, collected) -> None:
    for first, last, end in (
        ("2026-10-01", "2026-10-31", "2026-11-01"),
        ("2026-10-07", "2026-10-07", "2026-10-08"),
    ):
        report = past.run(
            *("sreport", "-nP", "-tseconds", "cluster", "AccountUtilizationByUser"),
            *(f"start={first}", f"end={end}"),
        )
        expected = Counter()
        for line in report.splitlines():
            _, account, user, _, seconds, *_ = line.split("|")
            if user:
                expected[account, user] += int(seconds)
        ours = collected.query(
            f"""SELECT project_ref, user_name, SUM(wall_seconds * vcpus)::BIGINT AS seconds FROM daily
                WHERE day BETWEEN '{first}' AND '{last}' GROUP BY 1, 2""",
            "daily",
        )
        assert expected
        assert {(row["project_ref"], row["user_name"]): row["seconds"] for row in ours} == expected


def test_collecting_again_changes_nothing(collected) -> None:
    before = collected.query(
        'SELECT COUNT(*) AS spans, SUM(EPOCH("end")) AS ends FROM span WHERE NOT is_last'
    )
    collected.collect_and_build()
    assert before == collected.query(
        'SELECT COUNT(*) AS spans, SUM(EPOCH("end")) AS ends FROM span WHERE NOT is_last'
    )
