"""What is utilisation a share of? Declared capacity, hypervisor listings, or an error where none is known."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from meterhouse.errors import QuestionError
from meterhouse.sources.hypervisor_facts import read_hypervisor_facts
from meterhouse.usage.capacity import (
    DatedCapacity,
    capacity_core_seconds,
    chosen_capacities,
    core_utilisation_percent,
    declared_capacities,
    hypervisor_capacities,
    rounded,
)
from strategies.sites import made_site

FOUR_CORES = {"cloud": (DatedCapacity(date(2018, 4, 18), None, 4),)}
DAY = 86400


def test_utilisation_is_core_time_in_percent_of_what_there_was(series, figure, make_session):
    sessions = [make_session("18 00:00", "18 12:00", vcpus=2)]  # 24 of 96 core hours
    assert series(sessions, "cloud_core_utilization", capacities=FOUR_CORES) == ["25.0000", "0", "0"]
    assert figure(sessions, "cloud_core_utilization", capacities=FOUR_CORES) == "8.3333"  # of three days


def test_every_group_is_measured_by_the_whole_resource(ask, make_session):
    sessions = [
        make_session("18 00:00", "18 12:00", user_name="ada"),
        make_session("18 00:00", "18 06:00", user_name="bob"),
    ]
    rows = ask(sessions, "cloud_core_utilization", group_by="username", mode="timeseries",
               capacities=FOUR_CORES, last=date(2018, 4, 18))  # fmt: skip
    assert rows == [("2018-04-18", "ada", "12.5000"), ("2018-04-18", "bob", "6.2500")]


def test_a_group_is_measured_by_the_resources_that_it_used(ask, make_session):
    capacities = {**FOUR_CORES, "other": (DatedCapacity(date(2018, 1, 1), None, 8),)}
    sessions = [
        make_session("18 00:00", "18 12:00", user_name="ada"),
        make_session("18 00:00", "18 12:00", user_name="bob"),
        make_session("18 00:00", "18 12:00", user_name="bob", resource="other"),
    ]
    rows = ask(sessions, "cloud_core_utilization", group_by="username", capacities=capacities,
               last=date(2018, 4, 18))  # fmt: skip
    assert rows == [("", "ada", "12.5000"), ("", "bob", "8.3333")]  # 12 of 96, and 24 of 96 + 192


def test_a_unit_that_begins_before_the_capacity_is_measured_from_its_first_day(figure, make_session):
    sessions = [make_session("18 00:00", "19 00:00", vcpus=4)]
    # April has 13 days from the 18th on: one of them fully used
    assert figure(sessions, "cloud_core_utilization", unit="month", capacities=FOUR_CORES) == "7.6923"


def test_an_unknown_capacity_is_an_error_and_not_zero(series, make_session):
    sessions = [make_session("17 23:00", "18 12:00")]
    with pytest.raises(
        QuestionError, match=r"resource 'cloud' between 2018-04-18 and 2018-04-20.*found none"
    ):
        series(sessions, "cloud_core_utilization")
    with pytest.raises(QuestionError, match=r"resource 'cloud' on 2018-04-17.*found none"):
        series(sessions, "cloud_core_utilization", capacities=FOUR_CORES, first=date(2018, 4, 17))


def test_capacity_counts_the_seconds_of_site_days():
    capacity = (
        DatedCapacity(date(2018, 3, 24), date(2018, 3, 25), 10),
        DatedCapacity(date(2018, 3, 25), None, 20),
    )
    first, last = date(2018, 3, 24), date(2018, 3, 25)
    assert capacity_core_seconds(capacity, first, last, "UTC") == 10 * DAY + 20 * DAY
    # London put its clocks forward on the 25th, which had 23 hours
    assert capacity_core_seconds(capacity, first, last, "Europe/London") == 10 * DAY + 20 * (DAY - 3600)
    assert capacity_core_seconds(capacity, date(2018, 3, 1), date(2018, 3, 23), "UTC") == 0


def test_percent_of_capacity_for_any_meter():
    used = 4 * DAY // 3
    day = date(2018, 4, 18)
    assert core_utilisation_percent(used, FOUR_CORES, ["cloud"], day, day, "UTC") == Decimal("33.3333")
    with pytest.raises(QuestionError, match="'elsewhere'"):
        core_utilisation_percent(used, FOUR_CORES, ["cloud", "elsewhere"], day, day, "UTC")


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(-1, 8), 2, "-0.13"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(0), 8, "0.00000000"),
        (Fraction(10**40 + 1, 2), 0, str(10**40 // 2 + 1)),
    ],
)
def test_rounding_is_half_up_and_exact(value, decimals, expected):
    assert f"{rounded(value, decimals):f}" == expected


SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "cloud"
kind = "cloud"

[[resources]]
name = "declared"
kind = "cloud"
capacity = [{ start = 2018-01-01, end = 2018-07-01, cores = 100 }, { start = 2018-07-01, cores = 200 }]
"""


@pytest.fixture
def site(tmp_path):
    with made_site(tmp_path / "site", SETTINGS) as site:
        yield site


def land_facts(site, tmp_path, moment, resource="cloud", **vcpus):
    hosts = [
        {"hypervisor_hostname": host, "id": n, "vcpus": cores, "memory_mb": 1024}
        for n, (host, cores) in enumerate(vcpus.items())
    ]
    path = tmp_path / f"hypervisor_facts_{moment[:10]}T{moment[11:13]}.30.02.json"
    path.write_text(json.dumps({"ts": moment, "hypervisors": hosts}))
    site.warehouse.land(read_hypervisor_facts(path, resource))


def listed(site, time_zone="UTC"):
    with site.engine() as engine:
        return hypervisor_capacities(site.warehouse.view(), engine, time_zone)


def test_listings_hold_for_whole_days_until_the_next_change(site, tmp_path):
    land_facts(site, tmp_path, "2018-04-17T22:30:02Z", a=56, b=56)
    land_facts(site, tmp_path, "2018-04-18T22:30:02Z", a=56, b=56)
    land_facts(site, tmp_path, "2018-04-20T10:30:02Z", a=56, b=56, c=16)
    land_facts(site, tmp_path, "2018-04-20T22:30:02Z", a=56, c=16)  # b has been taken away
    assert listed(site) == {
        "cloud": (
            DatedCapacity(date(2018, 4, 17), date(2018, 4, 20), 112),
            DatedCapacity(date(2018, 4, 20), None, 72),
        )
    }


def test_listings_may_land_in_any_order_and_days_are_those_of_the_site(site, tmp_path):
    land_facts(site, tmp_path, "2018-04-18T22:30:02Z", a=72)
    land_facts(site, tmp_path, "2018-04-17T23:30:02Z", a=56)  # half past midnight of the 18th in London
    assert listed(site, "UTC") == {
        "cloud": (
            DatedCapacity(date(2018, 4, 17), date(2018, 4, 18), 56),
            DatedCapacity(date(2018, 4, 18), None, 72),
        )
    }
    assert listed(site, "Europe/London") == {"cloud": (DatedCapacity(date(2018, 4, 18), None, 72),)}


def test_a_listing_of_which_a_part_could_not_be_read_is_no_smaller_cloud(site, tmp_path):
    land_facts(site, tmp_path, "2018-04-17T22:30:02Z", a=56, b=56)
    land_facts(site, tmp_path, "2018-04-18T22:30:02Z", a=56, b="many")
    assert listed(site) == {"cloud": (DatedCapacity(date(2018, 4, 17), None, 112),)}


def test_declared_capacity_comes_before_listings_unless_asked_otherwise(site, tmp_path):
    land_facts(site, tmp_path, "2018-04-17T22:30:02Z", a=56)
    land_facts(site, tmp_path, "2018-04-17T23:30:02Z", resource="declared", a=99)
    declared = declared_capacities(site.settings.resources)
    in_files = {"cloud": (DatedCapacity(date(2018, 4, 17), None, 56),)}
    in_settings = {
        "declared": (
            DatedCapacity(date(2018, 1, 1), date(2018, 7, 1), 100),
            DatedCapacity(date(2018, 7, 1), None, 200),
        )
    }
    view = site.warehouse.view()
    with site.engine() as engine:
        assert chosen_capacities("auto", declared, view, engine, "UTC") == {**in_files, **in_settings}
        assert chosen_capacities("declared", declared, view, engine, "UTC") == in_settings
        assert chosen_capacities("hypervisors", declared, view, engine, "UTC") == {
            **in_files,
            "declared": (DatedCapacity(date(2018, 4, 17), None, 99),),
        }
