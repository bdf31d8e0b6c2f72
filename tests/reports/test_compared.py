"""What stands beside a period, and what changed? Periods by the calendar, rows by place and label."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from meterhouse.errors import QuestionError
from meterhouse.reports.changes import greatest_changes
from meterhouse.reports.compared import compare, earlier, period_names
from meterhouse.usage.answer import Answer
from meterhouse.usage.answer_rows import Row
from meterhouse.usage.question import Question


def question(first: str, last: str, *by: str) -> Question:
    return Question.ask(
        realm="cloud",
        meters=["core_hours"],
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        by=list(by),
    )


def answered(asked: Question, *rows: tuple[str, str, str | None]) -> Answer:
    """Rows of period, label and core hours."""
    return Answer(
        asked,
        1,
        tuple(
            Row(
                period,
                (label,) if label else (),
                (label,) if label else (),
                (hours and Decimal(hours),),
                (0,),
            )
            for period, label, hours in rows
        ),
    )


@pytest.mark.parametrize(
    ("period", "against", "expected"),
    [
        (("2026-10-01", "2026-10-31"), "previous", ("2026-09-01", "2026-09-30")),  # a month, and a month
        (("2026-11-01", "2026-11-23"), "previous", ("2026-10-01", "2026-10-23")),  # so far, and so far
        (("2026-07-01", "2026-09-30"), "previous", ("2026-04-01", "2026-06-30")),  # a quarter
        (("2026-03-01", "2026-03-30"), "previous", ("2026-02-01", "2026-02-28")),  # as long as it is
        (("2026-01-01", "2026-01-31"), "previous", ("2025-12-01", "2025-12-31")),
        (
            ("2026-10-05", "2026-10-11"),
            "previous",
            ("2026-09-28", "2026-10-04"),
        ),  # a week, and the one before
        (("2026-10-05", "2026-10-11"), "year", ("2025-10-05", "2025-10-11")),
        (("2024-02-01", "2024-02-29"), "year", ("2023-02-01", "2023-02-28")),  # the end stays the end
    ],
)
def test_a_period_is_compared_with_its_like(
    period: tuple[str, str], against: str, expected: tuple[str, str]
) -> None:
    found = earlier(question(*period), against)
    assert (str(found.first), str(found.last)) == expected


def test_what_it_is_compared_with_must_be_known() -> None:
    with pytest.raises(QuestionError, match="compare: expected one of previous, year, found 'decade'"):
        earlier(question("2026-10-01", "2026-10-31"), "decade")


def test_rows_of_the_same_place_and_label_stand_together() -> None:
    now = question("2026-10-01", "2026-10-02", "day", "project")
    before = earlier(now, "previous")
    rows = compare(
        answered(now, ("2026-10-01", "a", "30"), ("2026-10-02", "a", "5"), ("2026-10-02", "b", "1")),
        answered(before, ("2026-09-01", "a", "20"), ("2026-09-02", "c", "4")),
    )
    told = [
        (row.period, row.earlier_period, *row.labels, row.values[0], row.earlier[0], row.differences[0])
        for row in rows
    ]
    assert told == [
        ("2026-10-01", "2026-09-01", "a", 30, 20, 10),
        ("2026-10-02", "2026-09-02", "a", 5, None, None),  # no data isn't zero
        ("2026-10-02", "2026-09-02", "b", 1, None, None),
        ("2026-10-02", "2026-09-02", "c", None, 4, None),
    ]
    assert [row.percents[0] for row in rows] == [Decimal("50.0"), None, None, None]


def test_nothing_has_no_part_of_nothing() -> None:
    now = question("2026-10-01", "2026-10-31")
    rows = compare(answered(now, ("", "", "7")), answered(earlier(now, "previous"), ("", "", "0")))
    assert (rows[0].differences, rows[0].percents) == ((7,), (None,))


def test_a_month_more_days_than_the_other_has_a_day_without_a_like() -> None:
    now = question("2026-03-01", "2026-03-31", "day")
    before = earlier(now, "previous")
    rows = compare(answered(now, ("2026-03-30", "", "1")), answered(before, ("2026-02-28", "", "2")))
    assert [(row.period, row.earlier_period) for row in rows] == [
        ("2026-03-28", "2026-02-28"),
        ("2026-03-30", ""),
    ]


def test_periods_are_named_without_a_hole() -> None:
    assert period_names(question("2026-01-15", "2026-03-02", "month")) == ["2026-01", "2026-02", "2026-03"]
    assert period_names(question("2026-01-15", "2026-03-02")) == [""]


def test_the_greatest_changes_come_first_whichever_way() -> None:
    now = question("2026-11-01", "2026-11-23", "project")
    found = answered(now, ("", "grown", "9"), ("", "same", "4"), ("", "new", "7"), ("", "shrunk", "1"))
    before = answered(
        earlier(now, "previous"),
        ("", "grown", "8"),
        ("", "same", "4"),
        ("", "gone", "3"),
        ("", "shrunk", "6"),
    )
    changes = greatest_changes(found, before, 3)
    assert [(one.label, one.now, one.before, one.difference) for one in changes] == [
        ("new", 7, None, 7),
        ("shrunk", 1, 6, -5),
        ("gone", None, 3, -3),
    ]


def test_without_data_of_one_period_nothing_changed_that_anybody_knows() -> None:
    now = question("2026-11-01", "2026-11-23", "project")
    assert greatest_changes(answered(now, ("", "a", "9")), answered(earlier(now, "previous")), 3) == []
