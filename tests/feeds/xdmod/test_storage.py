"""What does each statistic of the realm Storage count? Few samples with figures that a person can check."""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from itertools import permutations

import pytest

from meterhouse.feeds.xdmod.query import Query
from meterhouse.feeds.xdmod.site_query import answer_site_query
from meterhouse.operations.directory_import import import_csv
from meterhouse.sources.storage_usage import read_storage_usage
from services.reference_input import REFERENCE_INPUT
from strategies.sites import made_site

DATA = REFERENCE_INPUT / "data/xdmod"


@pytest.fixture
def value(figure):
    return partial(figure, realm="Storage")


@pytest.fixture
def by_day(series):
    return partial(series, realm="Storage")


@pytest.fixture
def rows(ask):
    return partial(ask, realm="Storage")


def test_a_row_averages_the_samples_that_there_are_rounded_half_up(by_day, make_sample):
    samples = [
        make_sample("18 01:00", logical_usage=1, file_count=1),
        make_sample("18 02:00", logical_usage=2, file_count=1),
        make_sample("20 02:00", logical_usage=7, file_count=2),
    ]
    assert by_day(samples, "avg_logical_usage") == ["2", "0", "7"]
    assert by_day(samples, "avg_file_count") == ["1", "0", "2"]
    month = by_day(samples, "avg_logical_usage", unit="month")
    assert month == ["3"]  # 10 / 3, over samples and not over days


def test_rows_are_by_user_pi_and_mountpoint_and_add_up(by_day, make_sample):
    samples = [
        make_sample("18 01:00", logical_usage=1),
        make_sample("18 02:00", logical_usage=2),
        make_sample("18 01:00", logical_usage=1, user="bob"),
        make_sample("18 02:00", logical_usage=2, user="bob"),
        make_sample("18 01:00", logical_usage=10, pi="linus"),
        make_sample("18 01:00", logical_usage=100, mountpoint="/data"),
    ]
    assert by_day(samples, "avg_logical_usage", last=date(2018, 4, 18)) == ["114"]  # 2 + 2 + 10 + 100


def test_an_aggregate_is_by_the_periods_that_have_samples(value, make_sample):
    samples = [
        make_sample("18 01:00", logical_usage=100),
        make_sample("20 01:00", logical_usage=201),
    ]
    assert value(samples, "avg_logical_usage") == "150.5000"
    assert value(samples, "avg_logical_usage", unit="year") == "151.0000"


def test_physical_bytes_that_were_not_said_are_none(value, make_sample):
    samples = [
        make_sample("18 01:00", physical_usage=300),
        make_sample("18 02:00", physical_usage=None),
    ]
    assert value(samples, "avg_physical_usage") == "150.0000"


def test_quotas_and_what_part_of_them_is_used(value, by_day, make_sample):
    samples = [
        make_sample("18 01:00", logical_usage=1000, soft_threshold=4000, hard_threshold=5000),
        make_sample("18 01:00", logical_usage=2000, soft_threshold=None, hard_threshold=0, user="bob"),
    ]
    assert value(samples, "avg_soft_threshold") == "4000.0000"
    assert by_day(samples, "avg_hard_threshold", last=date(2018, 4, 18)) == ["5000"]
    assert value(samples, "avg_logical_utilization") == "75.0000"
    assert value(samples[1:], "avg_logical_utilization") == "0.0000"


def test_users_count_once(value, rows, make_sample):
    samples = [
        make_sample("18 01:00"),
        make_sample("19 01:00", mountpoint="/data"),
        make_sample("19 01:00", user="bob"),
    ]
    assert value(samples, "user_count") == "2"
    found = rows(samples, "user_count", group_by="mountpoint", mode="timeseries", last=date(2018, 4, 19))
    assert found == [
        ("2018-04-18", "/home", "1"),
        ("2018-04-18", "/data", "0"),
        ("2018-04-19", "/home", "1"),
        ("2018-04-19", "/data", "1"),
    ]


def test_a_sample_told_twice_counts_once_whatever_was_read_last(value, make_sample):
    tellings = [make_sample("18 01:00", logical_usage=n, batch_id=str(n)) for n in (5, 7, 6)]
    found = {value(list(order), "avg_logical_usage") for order in permutations(tellings)}
    assert found == {"7.0000"}


def test_bytes_of_many_digits_are_exact(value, make_sample):
    most = (1 << 63) - 1
    samples = [
        make_sample(f"18 {hour:02d}:00", logical_usage=most, user=user)
        for hour in range(24)
        for user in ("ada", "bob")
    ]
    assert value(samples, "avg_logical_usage") == f"{2 * most}.0000"


@pytest.mark.parametrize(
    ("group_by", "label"),
    [
        ("none", "Our site"),
        ("resource", "big disk"),
        ("resource_type", "Disk storage resource"),
        ("mountpoint", "/home"),
        ("person", "Lovelace, Ada"),
        ("username", "ada"),
        ("institution", "north"),
        ("pi", "Hopper, Grace"),
        ("pi_institution", "south"),
        ("fieldofscience", "Optics"),
        ("parentscience", "Physics"),
        ("nsfdirectorate", "Science"),
    ],
)
def test_labels_follow_the_users_person_and_the_pi_of_the_record(
    rows, make_sample, make_dimensions, group_by, label
):
    dimensions = make_dimensions(
        person_dimension=[{"user_name": "ada", "person": "Lovelace, Ada", "institution": "north"}],
        group_dimension=[
            {
                "group_name": "grace",
                "pi": "Hopper, Grace",
                "pi_institution": "south",
                "field": "Optics",
                "parent_field": "Physics",
                "directorate": "Science",
            }
        ],
    )
    found = rows(
        [make_sample("18 01:00", resource="big-disk")],
        "avg_file_count",
        group_by=group_by,
        dimensions=dimensions,
        types={"big-disk": "Disk storage resource"},
    )
    assert found == [("", label, "10.0000")]


SETTINGS = """
[site]
name = "Screwdriver"

[[resources]]
name = "recex"
kind = "filesystem"

[[resources]]
name = "torx"
kind = "filesystem"
"""


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs Open XDMoD's reference records in {DATA}")
def test_reference_files_agree_with_a_count_by_hand_on_every_day_and_in_both_years(tmp_path):
    stored: dict[tuple[str, str, str, str, str], list[int]] = {}
    with made_site(tmp_path / "site", SETTINGS) as site:
        for path in sorted((DATA / "storage").glob("*/*.json")):
            site.warehouse.land(read_storage_usage(path, path.parent.name))
            for said in json.loads(path.read_text()):
                key = tuple(said[name] for name in ("resource", "mountpoint", "user", "pi"))
                stored.setdefault((said["dt"][:10], *key), []).append(said["logical_usage"])
        import_csv(site, "names", DATA / "names.csv")
        import_csv(site, "hierarchy", DATA / "hierarchy.csv")
        import_csv(site, "group-to-hierarchy", DATA / "group-to-hierarchy.csv")

        def asked(statistic, **options):
            query = Query.ask(
                realm="Storage",
                statistic=statistic,
                first=date(2018, 12, 27),
                last=date(2019, 1, 5),
                **options,
            )
            return [(row.period, row.label, row.value) for row in answer_site_query(site, query)]

        by_day: dict[str, int] = {}
        for (day, *_), values in stored.items():
            assert len(values) == 1
            by_day[day] = by_day.get(day, 0) + values[0]
        assert asked("avg_logical_usage") == [(d, "Screwdriver", str(v)) for d, v in sorted(by_day.items())]
        assert asked("user_count", mode="aggregate") == [
            ("", "Screwdriver", str(len({key[3] for key in stored})))
        ]
        years = dict.fromkeys(("2018", "2019"), 0)
        by_row: dict[tuple[str, ...], list[int]] = {}
        for (day, *key), values in stored.items():
            by_row.setdefault((day[:4], *key), []).extend(values)
        for (year, *_), values in by_row.items():
            years[year] += (2 * sum(values) + len(values)) // (2 * len(values))
        assert asked("avg_logical_usage", unit="year") == [
            (year, "Screwdriver", str(total)) for year, total in years.items()
        ]
        total = sum(years.values())
        assert asked("avg_logical_usage", unit="year", mode="aggregate") == [
            ("", "Screwdriver", f"{total // 2}.{'50' if total % 2 else '00'}00")
        ]
        # A group on the middle level of the hierarchy stands on the bottom level, too.
        bottom = {label for _, label, _ in asked("user_count", group_by="fieldofscience", mode="aggregate")}
        middle = {label for _, label, _ in asked("user_count", group_by="parentscience", mode="aggregate")}
        top = {label for _, label, _ in asked("user_count", group_by="nsfdirectorate", mode="aggregate")}
        assert "Arts" in bottom & middle
        assert "Humanities/Arts" in top - middle
