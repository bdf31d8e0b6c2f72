"""Which day does usage belong to? Site days of 23 and 25 hours, twice-told midnights and days left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from meterhouse.operations.verify.days import SiteDays
from meterhouse.usage.calendar import calendar_table, day_start
from strategies.event_streams import Event
from strategies.sites import build_site, land, new_site, rows_of


def hours_by_day(zone: str, start: datetime, end: datetime) -> list[tuple[str, float]]:
    """A VM that runs from `start` to `end`, by day, as a site in that zone has it."""
    with new_site(zone) as site:
        land(
            site,
            [
                Event("vm", start, "compute.instance.create.end"),
                Event("vm", end, "compute.instance.delete.end"),
            ],
        )
        build_site(site)
        rows = [row for row in rows_of(site, "daily") if row["rules"] == "default"]
    return sorted((str(row["day"]), row["wall_seconds"] / 3600) for row in rows)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_span_across_midnight_belongs_to_both_days():
    assert hours_by_day("UTC", utc(2018, 4, 18, 22), utc(2018, 4, 19, 3)) == [
        ("2018-04-18", 2),
        ("2018-04-19", 3),
    ]


def test_a_span_that_ends_at_midnight_touches_the_day_that_begins_then():
    assert hours_by_day("UTC", utc(2018, 4, 18, 22), utc(2018, 4, 19)) == [
        ("2018-04-18", 2),
        ("2018-04-19", 0),
    ]


def test_days_of_23_and_25_hours():
    assert hours_by_day("Europe/Lisbon", utc(2018, 3, 24, 12), utc(2018, 3, 26, 12)) == [
        ("2018-03-24", 12), ("2018-03-25", 23), ("2018-03-26", 13),
    ]  # fmt: skip
    assert hours_by_day("Europe/Lisbon", utc(2018, 10, 27, 12), utc(2018, 10, 29, 12)) == [
        ("2018-10-27", 11), ("2018-10-28", 25), ("2018-10-29", 12),
    ]  # fmt: skip


def test_parts_of_seconds_are_cut_off_once_and_not_on_each_day():
    start, end = (
        utc(2018, 4, 18, 23, 59, 59) + timedelta(milliseconds=900),
        utc(2018, 4, 19, 0, 0, 1) - timedelta(milliseconds=100),
    )
    # from second 59 to second 0: one second, all of it on the first day
    assert hours_by_day("UTC", start, end) == [("2018-04-18", 1 / 3600), ("2018-04-19", 0)]


CASES = [
    # midnight comes twice: the day begins with the first
    ("America/Havana", date(2018, 11, 4), utc(2018, 11, 4, 4), 25),
    # clocks skip midnight: the day begins at one o'clock
    ("America/Sao_Paulo", date(2018, 11, 4), utc(2018, 11, 4, 3), 23),
    # clocks go back at midnight to eleven: the day before has 25 hours
    ("America/Sao_Paulo", date(2018, 2, 17), utc(2018, 2, 17, 2), 25),
    ("Australia/Lord_Howe", date(2018, 4, 1), utc(2018, 3, 31, 13), 24.5),
    ("Asia/Kathmandu", date(2018, 4, 18), utc(2018, 4, 17, 18, 15), 24),
]


@pytest.mark.parametrize(("zone", "day", "begins", "hours"), CASES)
def test_when_a_day_begins_and_how_long_it_is(zone, day, begins, hours):
    table = calendar_table(day, day, zone).to_pylist()
    assert [(row["day"], row["day_start"]) for row in table] == [(day, begins)]
    assert (table[0]["day_end"] - table[0]["day_start"]) / timedelta(hours=1) == hours


def test_a_day_that_a_zone_left_out_is_not_there():
    # Samoa went to bed on 29 December 2011 and woke up on the 31st
    days = calendar_table(date(2011, 12, 29), date(2011, 12, 31), "Pacific/Apia").to_pylist()
    assert [row["day"].day for row in days] == [29, 31]
    assert days[0]["day_end"] == days[1]["day_start"] == utc(2011, 12, 30, 10)


def test_the_calendar_names_month_quarter_and_year():
    (row,) = calendar_table(date(2018, 12, 31), date(2018, 12, 31), "UTC").to_pylist()
    assert (row["month"], row["quarter"], row["year"]) == ("2018-12", "2018-Q4", "2018")


@pytest.mark.parametrize(
    "zone", sorted({case[0] for case in CASES} | {"Pacific/Apia", "America/St_Johns", "UTC"})
)
def test_the_calendar_and_a_look_at_the_clock_agree(zone):
    by_the_clock = SiteDays(zone)
    for first in (date(2011, 12, 25), date(2018, 2, 15), date(2018, 3, 8), date(2018, 10, 30)):
        for day in (first + timedelta(days=number) for number in range(12)):
            assert day_start(day, ZoneInfo(zone)) == by_the_clock.start(day)
