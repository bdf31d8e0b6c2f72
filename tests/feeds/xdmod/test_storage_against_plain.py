"""Does every statistic and group-by of the realm Storage agree with a plain count of the same samples?"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from meterhouse.feeds.xdmod.query import Query
from meterhouse.feeds.xdmod.realms import find_realm
from meterhouse.feeds.xdmod.site_query import answer_site_queries
from meterhouse.operations.directory_import import import_csv
from meterhouse.sources.storage_usage import read_storage_usage
from strategies.plain_xdmod_jobs import Period, periods, seconds
from strategies.sites import made_site

SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "big-disk"
kind = "filesystem"
"""
CSV = {
    "names": "ada,Ada,Lovelace,north\ngrace,Grace,Hopper,south\n",
    "hierarchy": "sci,Science,\nphys,Physics,sci\noptics,Optics,phys\n",
    "group-to-hierarchy": "grace,optics\nlinus,phys\n",
}
NAMES = {"ada": ("Lovelace, Ada", "north"), "grace": ("Hopper, Grace", "south")}
FIELDS = {"grace": ("Optics", "Physics", "Science"), "linus": ("Physics", "Physics", "Science")}
DAYS = {
    "day": (date(2018, 12, 30), date(2019, 1, 2)),
    "month": (date(2018, 12, 30), date(2019, 2, 3)),
    "quarter": (date(2018, 12, 30), date(2019, 2, 3)),
    "year": (date(2018, 12, 30), date(2019, 2, 3)),
}
REALM = find_realm("Storage")
MEASURES = {
    "avg_file_count": "file_count",
    "avg_logical_usage": "logical_usage",
    "avg_physical_usage": "physical_usage",
    "avg_soft_threshold": "soft_threshold",
    "avg_hard_threshold": "hard_threshold",
}


def told(seed, count):
    """Samples with and without what may be missing; some moments have none of some keys."""
    random = Random(seed)
    samples = []
    for _ in range(count):
        sample = {
            "resource": "big-disk",
            "mountpoint": random.choice(["/home", "/data"]),
            "user": random.choice(["ada", "grace", "x1"]),
            "pi": random.choice(["grace", "linus", "nobody"]),
            "dt": f"{random.choice(['2018-12-30', '2018-12-31', '2019-01-01', '2019-01-02', '2019-02-03'])}"
            f"T{random.randrange(24):02d}:{random.randrange(60):02d}:00Z",
            "file_count": random.choice([0, 1, random.randrange(10**7)]),
            "logical_usage": random.choice([0, 7, random.randrange(10**14)]),
        }
        for name in ("physical_usage", "soft_threshold", "hard_threshold"):
            if random.random() < 0.7:
                sample[name] = random.choice([0, random.randrange(10**14)])
        samples.append(sample)
    unique = {tuple(one[name] for name in ("mountpoint", "user", "pi", "dt")): one for one in samples}
    return list(unique.values())


@pytest.fixture(scope="module")
def samples():
    return told(5, 150)


@pytest.fixture(scope="module")
def site(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("storage")
    # Open XDMoD takes numbers as text, too
    said = [{**one, "file_count": str(one["file_count"])} if n % 3 else one for n, one in enumerate(samples)]
    (folder / "storage.json").write_text(json.dumps([*said, said[0]]))
    with made_site(folder / "site", SETTINGS) as site:
        assert site.warehouse.land(read_storage_usage(folder / "storage.json", "big-disk")).rejections == 0
        for kind, text in CSV.items():
            (folder / f"{kind}.csv").write_text(text)
            import_csv(site, kind, folder / f"{kind}.csv")
        yield site


def label_of(group_by, user, pi, mountpoint):
    person, institution = NAMES.get(user, (user, "Unknown"))
    pi_person, pi_institution = NAMES.get(pi, (pi, "Unknown"))
    fields = FIELDS.get(pi, ("Unknown",) * 3)
    return {
        "none": "Our site",
        "resource": "big disk",
        "resource_type": "Disk storage resource",
        "mountpoint": mountpoint,
        "person": person,
        "username": user,
        "institution": institution,
        "pi": pi_person,
        "pi_institution": pi_institution,
        "fieldofscience": fields[0],
        "parentscience": fields[1],
        "nsfdirectorate": fields[2],
    }[group_by]


def rounded(value, places):
    return f"{Decimal(math.floor(value * 10**places + Fraction(1, 2))).scaleb(-places):f}"


def figure(statistic, table, series):
    """A statistic of the rows of a label: {period: [samples of a row]}."""
    rows = [row for of_period in table.values() for row in of_period]
    every = [sample for row in rows for sample in row]
    if statistic == "user_count":
        return str(len({sample["user"] for sample in every}))
    if statistic.startswith("sem_"):
        values = [sample.get(statistic.removeprefix("sem_")) or 0 for sample in every]
        mean = math.floor(Fraction(sum(values), len(values)) * 10**9) / 10**9
        variance = (float(sum(value**2 for value in values)) / len(values) - mean**2) / len(values)
        error = None if variance < 0 else math.sqrt(variance)
        return "" if error is None else repr(error) if error else "0"

    def total(name):
        averages = [Fraction(sum(sample.get(name) or 0 for sample in row), len(row)) for row in rows]
        return sum(math.floor(average + Fraction(1, 2)) for average in averages)

    if statistic == "avg_logical_utilization":
        soft = total("soft_threshold")
        return rounded(Fraction(100 * total("logical_usage"), soft) if soft else Fraction(0), 4)
    value = Fraction(total(MEASURES[statistic]), 1 if series else len(table))
    return rounded(value, 0 if series else 4)


def counted(samples, statistic, group_by, unit, mode):
    labels = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    spans: list[Period] = periods(unit, *DAYS[unit])
    for period, sample in product(spans, samples):
        if period.start <= seconds(sample["dt"].removesuffix("Z")) < period.end:
            key = sample["user"], sample["pi"], sample["mountpoint"]
            labels[label_of(group_by, *key)][period.label][key].append(sample)
    tables = {
        label: {period: list(rows.values()) for period, rows in of_label.items()}
        for label, of_label in labels.items()
    }
    if mode == "aggregate":
        return Counter(("", label, figure(statistic, table, False)) for label, table in tables.items())
    return Counter(
        (
            period.label,
            label,
            figure(statistic, {"": table[period.label]}, True) if period.label in table else "0",
        )
        for period in spans
        for label, table in tables.items()
    )


@pytest.mark.parametrize("statistic", REALM.statistics)
def test_each_statistic_in_every_way(site, samples, statistic):
    ways = product(("none", "mountpoint"), DAYS, ("timeseries", "aggregate"))
    check(site, samples, [(statistic, *way) for way in ways])


@pytest.mark.parametrize("statistic", ["avg_logical_usage", "user_count"])
def test_each_group_by(site, samples, statistic):
    check(site, samples, [(statistic, group_by, "month", "timeseries") for group_by in REALM.group_bys])


def check(site, samples, wanted):
    queries = [
        Query.ask(realm="Storage", statistic=statistic, group_by=group_by, unit=unit, mode=mode,
                  first=DAYS[unit][0], last=DAYS[unit][1])
        for statistic, group_by, unit, mode in wanted
    ]  # fmt: skip
    for one, rows in zip(wanted, answer_site_queries(site, queries), strict=True):
        found = Counter((row.period, row.label, row.value) for row in rows)
        assert found == counted(samples, *one), one
