"""How full, over days and items? Levels of samples and of what exists for a while, added up by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from meterhouse.reports.questions import answer_question
from meterhouse.usage.question import Question
from meterhouse.usage.tables import DERIVED_TABLES
from strategies.raw_rows import land_rows
from strategies.sites import build_site, new_site, rows_of

GIB = 2**30
MEASURES = ("average", "maximum", "minimum", "last")


def at(day: int, hour: int = 0, month: int = 1) -> datetime:
    return datetime(2019, month, day, hour, tzinfo=UTC)


def kept(day: int, user: str, gib: float, *, hour: int = 3, soft: int = 0, files: int = 1, **more):
    """One line of a storage file: what `user` keeps on /home."""
    return {
        "mountpoint": "/home", "user": user, "pi": "pi1", "dt": at(day, hour), "file_count": files,
        "logical_usage": int(gib * GIB), "soft_threshold": soft * GIB, "hard_threshold": 0, **more,
    }  # fmt: skip


def ask(site, meters, first, last, by=(), filters=None, realm="storage"):
    question = Question.ask(
        realm=realm, meters=list(meters), first=first, last=last, by=list(by), filters=filters
    )
    rows = answer_question(site, question).rows
    return {(row.period, *row.labels): row.values for row in rows}


def stored(*functions: str) -> list[str]:
    return [f"stored_{function}_gib" for function in functions]


def numbers(*values: str | int) -> tuple[Decimal, ...]:
    return tuple(Decimal(value).quantize(Decimal("0.0001")) for value in values)


def test_items_are_added_up_by_day_and_days_are_averaged():
    with new_site() as site:
        # ann 10, 20 GiB; bob 2, nothing (he has left)
        land_rows(site, "storage_usage", [kept(1, "ann", 10), kept(1, "bob", 2), kept(2, "ann", 20)])
        build_site(site)
        found = ask(site, stored(*MEASURES), date(2019, 1, 1), date(2019, 1, 31))
    # days: 12 and 20; no other day is known of, so the average is over two
    assert found == {("",): numbers(16, 20, 12, 20)}


def test_samples_of_one_day_are_averaged_and_its_extremes_kept():
    with new_site() as site:
        rows = [kept(1, "ann", gib, hour=hour) for hour, gib in ((1, 1), (2, 4), (3, 1))]
        land_rows(site, "storage_usage", rows)
        build_site(site)
        found = ask(site, stored(*MEASURES), date(2019, 1, 1), date(2019, 1, 1), by=["user"])
    assert found == {("", "ann"): numbers(2, 4, 1, 1)}


def test_who_has_nothing_on_a_known_day_had_zero():
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 10), kept(1, "bob", 2), kept(2, "ann", 20)])
        build_site(site)
        found = ask(site, stored(*MEASURES), date(2019, 1, 1), date(2019, 1, 2), by=["user"])
        daily = ask(site, stored("average"), date(2019, 1, 1), date(2019, 1, 2), by=["day", "user"])
    assert found == {("", "ann"): numbers(15, 20, 10, 20), ("", "bob"): numbers(1, 2, 0, 0)}
    assert ("2019-01-02", "bob") not in daily


def test_a_sample_told_twice_counts_once():
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 10)], name="one")
        land_rows(site, "storage_usage", [kept(1, "ann", 10)], name="other")
        build_site(site)
        assert ask(site, stored("average"), date(2019, 1, 1), date(2019, 1, 1)) == {("",): numbers(10)}
        assert {row["samples"] for row in rows_of(site, "level")} == {1}


def test_a_tib_kept_for_a_calendar_month_is_one_tib_month():
    with new_site() as site:
        rows = [kept(day, "ann", 1024) for day in range(1, 32)]
        rows += [{**kept(day, "ann", 2048), "dt": at(day, month=2)} for day in range(1, 15)]
        land_rows(site, "storage_usage", rows)
        build_site(site)
        meters = ["stored_tib_months", "stored_gib_hours"]
        january = ask(site, meters, date(2019, 1, 1), date(2019, 1, 31))
        both = ask(site, meters, date(2019, 1, 1), date(2019, 2, 28), by=["month"])
    assert january[("",)] == (Decimal("1.000000"), Decimal("761856.0000"))  # 1024 GiB x 744 h
    # 2 TiB for 14 of February's 28 days
    assert both[("2019-02",)] == (Decimal("1.000000"), Decimal("688128.0000"))


def test_use_of_quota_counts_only_where_there_is_one():
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 25, soft=100), kept(1, "bob", 500)])
        build_site(site)
        found = ask(site, ["quota_use_percent"], date(2019, 1, 1), date(2019, 1, 1), by=["user"])
        total = ask(site, ["quota_use_percent"], date(2019, 1, 1), date(2019, 1, 1))
    assert found == {("", "ann"): (Decimal("25.0000"),), ("", "bob"): (None,)}
    assert total == {("",): (Decimal("25.0000"),)}


def volume(volume_id: str, hour: int, size: int, status: str = "available", **more):
    return {
        "observed_at": at(1, hour), "created_at": at(1), "volume_id": volume_id, "name": volume_id,
        "project_id": "p1", "user_id": "u1", "status": status, "size_gib": size, "volume_type": "ssd", **more,
    }  # fmt: skip


def test_a_volume_counts_for_the_part_of_the_day_that_it_was_there():
    with new_site() as site:
        # 8 GiB from midnight until it is last seen at 12:00, by which it grew to 16 GiB
        rows = [volume("v1", 6, 8), volume("v1", 12, 16)]
        land_rows(site, "openstack_volume", rows)
        build_site(site)
        found = ask(site, stored(*MEASURES), date(2019, 1, 1), date(2019, 1, 1), by=["storage_class"])
    # 8 GiB for 12 of 24 hours; afterwards nothing is known of it, but nor has it gone
    assert found == {("", "ssd"): numbers(4, 16, 0, 16)}


def test_two_resources_are_each_averaged_over_their_own_days():
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 10), kept(2, "ann", 10)], resource="home")
        land_rows(site, "storage_usage", [kept(2, "ann", 6)], resource="scratch")
        build_site(site)
        found = ask(site, stored(*MEASURES), date(2019, 1, 1), date(2019, 1, 2))
        one = ask(site, stored("average"), date(2019, 1, 1), date(2019, 1, 2), filters={"resource": ["home"]})
    assert found == {("",): numbers(16, 16, 10, 16)}
    assert one == {("",): numbers(10)}


def test_levels_follow_a_late_sample_and_keep_other_days():
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(day, "ann", day) for day in (1, 3)])
        build_site(site)
        before = {
            row["day"]: row["total"] for row in rows_of(site, "level") if row["measure"] == "stored_bytes"
        }
        land_rows(site, "storage_usage", [kept(2, "ann", 2), kept(3, "ann", 5, hour=5)])
        assert build_site(site).way == "incremental"
        after = {
            row["day"]: row["total"] for row in rows_of(site, "level") if row["measure"] == "stored_bytes"
        }
    assert before == {date(2019, 1, 1): GIB, date(2019, 1, 3): 3 * GIB}
    assert after == {date(2019, 1, 1): GIB, date(2019, 1, 2): 2 * GIB, date(2019, 1, 3): 8 * GIB}


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", date(2019, 1, 1)), ("America/New_York", date(2018, 12, 31))]
)
def test_a_sample_belongs_to_the_site_day(zone, day):
    with new_site(zone) as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 1, hour=3)])
        build_site(site)
        assert {row["day"] for row in rows_of(site, "level")} == {day}
        assert {row["last_time"] for row in rows_of(site, "level")} == {at(1, 3)}
        assert timedelta(0) == at(1, 3).utcoffset()


def quota(name: str, in_use: int, limit: int, day: int = 1):
    return {
        "observed_at": at(day), "project_id": "p1", "service": "compute", "name": name, "in_use": in_use,
        "hard_limit": limit,
    }  # fmt: skip


def test_quotas_are_asked_one_by_one_and_none_is_no_share():
    with new_site() as site:
        land_rows(
            site,
            "openstack_quota",
            [quota("cores", 5, 20), quota("instances", 3, -1), quota("cores", 10, 20, 2)],
        )
        build_site(site)
        meters = ["in_use_last", "in_use_maximum", "use_percent"]
        found = ask(site, meters, date(2019, 1, 1), date(2019, 1, 3), by=["project", "quota"], realm="quotas")
    assert found == {
        ("", "p1", "compute.cores"): (Decimal(10), Decimal(10), Decimal("37.5000")),
        # listed on the first day only: on the last there were none
        ("", "p1", "compute.instances"): (Decimal(0), Decimal(3), None),
    }


@pytest.mark.parametrize("full", [True, False], ids=["full", "incremental"])
def test_files_have_the_columns_that_are_documented_in_that_order(full):
    with new_site() as site:
        land_rows(site, "storage_usage", [kept(1, "ann", 10)])
        land_rows(site, "openstack_volume", [volume("v1", 6, 8), volume("v2", 6, 8, status="error")])
        build_site(site)
        if not full:
            land_rows(site, "openstack_volume", [volume("v1", 9, 11, status="error")])
            assert build_site(site).way == "incremental"
        found = set()
        for table, (schema, _) in DERIVED_TABLES.items():
            for file in site.warehouse.view().files(table):
                # what a build needs to go on from a span stands beside it
                is_open = (table, file.partition) == ("span", "open")
                expected = DERIVED_TABLES["item_tail"][0] if is_open else schema
                assert pq.read_schema(file.path).names == expected.names
                found.add((table, is_open))
        assert {("span", True), ("daily", False), ("level", False)} <= found
        assert full or ("span", False) in found
