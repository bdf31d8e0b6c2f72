"""Does the monthly report hold for clusters, too? Jobs, added up by hand, through a real site."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from meterhouse.errors import QuestionError
from meterhouse.reports.site_month import site_month

sys.path.insert(0, str(Path(__file__).parent.parent))

from strategies.raw_rows import land_rows
from strategies.sites import build_site, new_site

HOUR = 3600


def at(day: int, hour: int) -> datetime:
    return datetime(2024, 4, day, hour, tzinfo=UTC)


def job(number: int, start: datetime, end: datetime, *, elapsed: int, cores: int, account: str = "astro"):
    return {
        "form": "sacct", "job_id": str(number), "partition": "short", "account": account, "user_name": "ann",
        "submit": start.replace(minute=0), "start": start, "end": end, "elapsed_seconds": elapsed,
        "state": "COMPLETED", "nodes": 2, "cpu_millis": cores * 1000, "node_list": "n[1-2]", "name": "j",
    }  # fmt: skip


@pytest.fixture(scope="module")
def report():
    with new_site() as site:
        rows = [
            job(1, at(1, 0), at(1, 3), elapsed=3 * HOUR, cores=4),
            # over midnight into May, half of the time suspended: 12 of 24 hours ran, half of them in April
            job(
                2, at(30, 12), datetime(2024, 5, 1, 12, tzinfo=UTC), elapsed=12 * HOUR, cores=8, account="bio"
            ),
        ]
        land_rows(site, "slurm_job", rows)
        build_site(site)
        yield site_month(site, date(2024, 4, 1), realm="jobs")


def test_core_hours_of_jobs_leave_out_what_was_suspended(report):
    exact = {row.name: row.quantities["core_hours"] for row in report.projects}
    assert exact == {"astro": 4 * 3 * HOUR * 1000, "bio": 8 * 6 * HOUR * 1000}
    assert report.meters[0].figure(report.totals) == 60


def test_node_hours_and_jobs_are_counted(report):
    figures = {meter.id: meter.figure(report.totals) for meter in report.meters}
    assert (figures["node_hours"], figures["jobs_started"], figures["jobs_ended"]) == (18, 2, 1)


def test_each_job_is_an_item_that_adds_up(report):
    assert {(row.item, row.quantities["wall_hours"]) for row in report.items} == {
        ("1", 3 * HOUR),
        ("2", 6 * HOUR),
    }


def test_a_realm_without_a_report_is_refused():
    with new_site() as site, pytest.raises(QuestionError, match="expected one of the realms cloud, jobs"):
        site_month(site, date(2024, 4, 1), realm="storage")
