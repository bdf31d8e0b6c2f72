"""Which periods does a range of days touch?"""

from __future__ import annotations

from datetime import date

import pytest

from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.periods import Period, periods
from meterhouse.feeds.xdmod.query import Query


def test_days_are_those_of_the_range():
    assert [one.label for one in periods("day", date(2020, 2, 28), date(2020, 3, 1))] == [
        "2020-02-28",
        "2020-02-29",
        "2020-03-01",
    ]


def test_longer_units_are_whole():
    first, last = date(2019, 11, 15), date(2020, 1, 2)
    assert periods("month", first, last) == [
        Period("2019-11", date(2019, 11, 1), date(2019, 11, 30)),
        Period("2019-12", date(2019, 12, 1), date(2019, 12, 31)),
        Period("2020-01", date(2020, 1, 1), date(2020, 1, 31)),
    ]
    assert periods("quarter", first, last) == [
        Period("2019 Q4", date(2019, 10, 1), date(2019, 12, 31)),
        Period("2020 Q1", date(2020, 1, 1), date(2020, 3, 31)),
    ]
    assert periods("year", first, last) == [
        Period("2019", date(2019, 1, 1), date(2019, 12, 31)),
        Period("2020", date(2020, 1, 1), date(2020, 12, 31)),
    ]


def test_time_has_an_end():
    with pytest.raises(QuestionError, match="before the year 9999"):
        periods("year", date(9999, 5, 1), date(9999, 5, 2))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"realm": "cloud"}, "realm: expected one of Cloud, Jobs, Storage, found 'cloud'"),
        ({"statistic": "hours"}, "statistic: expected one of cloud_wall_time, .*, found 'hours'"),
        ({"group_by": "user"}, "group-by: expected one of none, .*, found 'user'"),
        ({"unit": "week"}, "unit: expected one of day, month, quarter, year, found 'week'"),
        ({"mode": "sum"}, "mode: expected one of timeseries, aggregate, found 'sum'"),
        ({"last": date(2018, 4, 17)}, "period: expected the first day before the last"),
    ],
)
def test_a_query_that_cannot_be_asked_says_what_was_expected(wrong, expected):
    right = {
        "realm": "Cloud",
        "statistic": "cloud_wall_time",
        "first": date(2018, 4, 18),
        "last": date(2018, 4, 30),
    }
    with pytest.raises(QuestionError, match=expected):
        Query.ask(**{**right, **wrong})
