"""Which moment does a clock without a zone mean? New York's, where 2026-11-01 01:30 came twice."""

from __future__ import annotations

from datetime import UTC, datetime

from sacct_lines_of import line

NEW_YORK = "America/New_York"


def utc(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def times(jobs, **said: str) -> tuple[datetime, ...]:
    usual = {"submit": "2026-11-01T00:10:00", "eligible": "2026-11-01T00:10:00"}
    (job,) = jobs(line(**{**usual, **said}), NEW_YORK).rows
    return job["submit"], job["start"], job["end"]


def test_a_clock_of_new_york_is_four_hours_behind_in_summer_and_five_in_winter(jobs):
    summer = jobs(line(start="2026-07-01T12:00:00", end="2026-07-01T13:00:00"), NEW_YORK).rows[0]
    winter = jobs(line(start="2026-12-01T12:00:00", end="2026-12-01T13:00:00"), NEW_YORK).rows[0]

    assert summer["start"] == datetime(2026, 7, 1, 16, tzinfo=UTC)
    assert winter["start"] == datetime(2026, 12, 1, 17, tzinfo=UTC)


def test_elapsed_tells_which_of_two_hours_is_meant(jobs):
    first = times(jobs, start="2026-11-01T00:30:00", end="2026-11-01T01:30:00", elapsed="01:00:00")
    second = times(jobs, start="2026-11-01T00:30:00", end="2026-11-01T01:30:00", elapsed="02:00:00")

    assert first == (utc(4, 10), utc(4, 30), utc(5, 30))
    assert second == (utc(4, 10), utc(4, 30), utc(6, 30))


def test_a_run_over_the_change_is_as_long_as_it_says(jobs):
    across = times(jobs, start="2026-11-01T01:50:00", end="2026-11-01T01:10:00", elapsed="00:20:00")
    late = times(jobs, start="2026-11-01T01:30:00", end="2026-11-01T03:00:00", elapsed="01:30:00")

    assert across[1:] == (utc(5, 50), utc(6, 10))
    assert late[1:] == (utc(6, 30), utc(8))


def test_nothing_happens_before_the_submission_and_else_the_first_is_meant(jobs):
    undecided = times(jobs, start="2026-11-01T01:30:00", end="Unknown", elapsed="00:05:00", state="RUNNING")
    after = times(
        jobs, submit="2026-11-01T01:40:00", start="2026-11-01T01:30:00", end="2026-11-01T03:00:00", elapsed=""
    )

    assert undecided[1] == utc(5, 30)
    assert after == (utc(5, 40), utc(6, 30), utc(8))


def test_an_hour_that_the_clock_left_out_is_refused(jobs):
    reading = jobs(line(start="2026-03-08T02:30:00", end="2026-03-08T04:00:00") + line(), NEW_YORK)

    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (1, "start")
    assert rejection.expected == "a time that clocks in America/New_York show"
    assert len(reading.rows) == 1


def test_another_time_zone_is_another_reading_of_the_same_file(jobs):
    assert jobs(line()).delivery.content_key != jobs(line(), NEW_YORK).delivery.content_key
