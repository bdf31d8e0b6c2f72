"""What of a period is not covered? Calls, files and failures, to the second where it can be known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from meterhouse.feeds.xdmod.writing.covered import holes

DAYS = (date(2018, 4, 18), date(2018, 4, 19))
FILES = {"slurm"}


@dataclass(frozen=True)
class Call:
    source: str
    start: datetime
    end: datetime
    outcome: str = "ok"
    call: str = "servers"


def at(text):
    return datetime.fromisoformat(f"2018-04-{text}").replace(tzinfo=UTC)


def live(start, end, outcome="ok", call="servers"):
    return Call("openstack", at(start), at(end), outcome, call)


def found(*calls, told_days=(), zone="UTC"):
    return [
        (f"{hole.start:%d %H:%M}", f"{hole.end:%d %H:%M}", hole.why)
        for hole in holes(calls, *DAYS, ZoneInfo(zone), file_sources=FILES, told_days=told_days)
    ]


NOT_READ = "nothing was read of it"


def test_nothing_read_is_one_hole():
    assert found() == [("18 00:00", "20 00:00", NOT_READ)]


def test_what_a_collector_asked_counts_to_the_second_also_when_there_was_nothing():
    calls = [
        live("17 22:00", "18 10:00"),
        live("18 10:00", "18 12:00", "empty"),
        live("18 13:00", "20 01:00"),
    ]
    assert found(*calls) == [("18 12:00", "18 13:00", NOT_READ)]
    assert found(live("17 00:00", "21 00:00")) == []


def test_a_file_that_tells_of_a_day_counts_for_the_day():
    assert found(Call("slurm", at("18 10:00"), at("18 11:00"))) == [("19 00:00", "20 00:00", NOT_READ)]
    assert found(Call("slurm", at("18 23:59"), at("19 00:01"))) == []


def test_a_file_that_says_nothing_about_time_covers_nothing():
    assert found(Call("slurm", at("18 10:00"), at("18 10:00"), "empty")) == [
        ("18 00:00", "20 00:00", NOT_READ)
    ]


def test_a_day_of_which_something_was_said_is_covered():
    calls = [Call("slurm", at("18 10:00"), at("18 11:00"))]
    assert found(*calls, told_days=[date(2018, 4, 19)]) == []


def test_a_failure_is_a_hole_until_the_same_call_is_answered():
    whole = live("18 00:00", "20 00:00")
    failure = live("18 10:00", "18 12:00", "failed", "gpus")
    assert found(whole, failure) == [("18 10:00", "18 12:00", "gpus of openstack failed")]
    assert found(whole, failure, live("18 11:00", "18 13:00", "ok", "gpus")) == [
        ("18 10:00", "18 11:00", "gpus of openstack failed")
    ]


def test_days_are_those_of_the_site():
    assert found(live("18 00:00", "19 23:00"), zone="Europe/London") == [("17 23:00", "18 00:00", NOT_READ)]
