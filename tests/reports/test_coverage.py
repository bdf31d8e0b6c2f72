"""Read, failed and never asked are three different things, and together they are the period."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from meterhouse.reports.coverage import CoverageStatement, Window, incomplete_days, state_coverage
from meterhouse.sources.delivery import Coverage

START, END = datetime(2018, 4, 1, tzinfo=UTC), datetime(2018, 5, 1, tzinfo=UTC)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2018, 4, day, hour, tzinfo=UTC)


def call(
    start: datetime,
    end: datetime,
    outcome: Literal["ok", "empty", "failed"],
    records: int = 0,
    detail: str = "",
    name: str = "servers",
) -> Coverage:
    return Coverage(name, start, end, outcome, records, detail)


def state(*calls: Coverage) -> CoverageStatement:
    return state_coverage("openstack-a", "nova", calls, START, END)


def test_touching_windows_are_one_and_empty_ones_count_as_read() -> None:
    stated = state(call(at(1), at(10), "ok", 5), call(at(10), END, "empty"))
    assert stated.read == (Window(START, END),)
    assert stated.missing == ()
    assert (stated.outcome, stated.records) == ("complete", 5)


def test_what_failed_and_was_read_later_counts_as_read() -> None:
    stated = state(call(START, END, "failed", detail="503"), call(at(5), END, "ok", 1))
    assert stated.read == (Window(at(5), END),)
    assert stated.failed == (Window(START, at(5), "503"),)
    assert stated.not_covered == ()


def test_an_answer_to_another_call_does_not_mend_a_failure() -> None:
    memory, gpus = call(START, END, "ok", 7), call(START, at(5), "failed", detail="503", name="gpus")
    stated = state(memory, gpus)
    assert stated.failed == (Window(START, at(5), "503"),)
    assert stated.read == (Window(at(5), END),)
    assert state(memory, gpus, call(START, END, "empty", name="gpus")).outcome == "complete"


def test_what_nobody_asked_for_is_not_covered() -> None:
    stated = state(call(at(3), at(5), "ok", 1), call(at(7), at(8), "failed", detail="timeout"))
    assert stated.failed == (Window(at(7), at(8), "timeout"),)
    assert stated.not_covered == (Window(START, at(3)), Window(at(5), at(7)), Window(at(8), END))
    assert stated.outcome == "partial"


def test_no_call_and_only_failures_are_told_apart() -> None:
    assert state().outcome == "none"
    assert state(call(START, END, "failed")).outcome == "failed"


def test_windows_that_reach_beyond_the_period_are_cut_at_it() -> None:
    assert state(call(START - timedelta(days=9), END + timedelta(days=9), "ok")).read == (Window(START, END),)


def test_a_day_belongs_to_the_site_and_is_incomplete_if_a_moment_of_it_is_missing() -> None:
    stated = state(call(START, at(17, 4), "ok"), call(at(17, 5), END, "ok"))
    assert incomplete_days([stated], ZoneInfo("UTC")) == {date(2018, 4, 17)}
    # 04:00 UTC is midnight in New York
    assert incomplete_days([stated], ZoneInfo("America/New_York")) == {date(2018, 4, 17)}
    assert incomplete_days([stated], ZoneInfo("America/Chicago")) == {date(2018, 4, 16)}


windows = st.tuples(
    st.integers(-50, 800), st.integers(1, 200), st.sampled_from(["ok", "empty", "failed"])
).map(lambda it: call(START + timedelta(hours=it[0]), START + timedelta(hours=it[0] + it[1]), it[2]))  # type: ignore[arg-type]


@given(st.lists(windows, max_size=12))
def test_the_three_lists_are_the_period_without_gap_or_overlap(calls: list[Coverage]) -> None:
    stated = state(*calls)
    pieces = sorted((*stated.read, *stated.failed, *stated.not_covered), key=lambda window: window.start)
    assert pieces[0].start == START
    assert pieces[-1].end == END
    assert all(one.end == other.start for one, other in pairwise(pieces))
