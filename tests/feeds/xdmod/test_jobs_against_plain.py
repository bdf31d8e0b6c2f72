"""Does every statistic and group-by of the realm Jobs agree with a plain count of the same odd lines?"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import cycle, islice, pairwise

import pytest

from meterhouse.feeds.xdmod.checking.files import check_file
from meterhouse.feeds.xdmod.query import Query, SeenBy
from meterhouse.feeds.xdmod.realms import find_realm
from meterhouse.feeds.xdmod.site_query import answer_site_queries
from meterhouse.feeds.xdmod.writing.site_files import write_site_files
from meterhouse.operations.directory_import import import_csv
from meterhouse.sources.slurm.job_files import read_slurm
from meterhouse.usage.build import build
from strategies.odd_sacct_lines import odd_lines
from strategies.plain_xdmod_jobs import LONG_LABELS, Figures, cores_label, gpus_label, jobs_of, periods, rows
from strategies.sites import made_site

SEED, JOBS = 3, 160
CORES = 500
SETTINGS = f"""
[site]
name = "Our site"

[[resources]]
name = "big-cluster"
kind = "cluster"
organization = "Centre"
capacity = [{{ start = 2016-06-01, cores = {CORES} }}]
"""
NAMES = {"honbu": ("Buzzard, Honey", "screw"), "caste": ("Tern, Caspian", "wrench"),
         "taifl": ("Flycatcher", "screw")}  # fmt: skip
CSV = {
    "names": "honbu,Honey,Buzzard,screw\ncaste,Caspian,Tern,wrench\ntaifl,,Flycatcher,screw\n",
    "hierarchy": "eng,Engineering,\ncivil,Civil,eng\nroads,Roads,civil\n",
    "group-to-hierarchy": "taifl,roads\ncaste,civil\nchaff,eng\n",
}
FIELDS = {
    "taifl": ("Roads", "Civil", "Engineering"),
    "caste": ("Civil", "Civil", "Engineering"),
    "chaff": ("Engineering", "Engineering", "Engineering"),
}
RANGES = {
    "day": (date(2016, 12, 30), date(2017, 1, 2)),
    "month": (date(2016, 12, 15), date(2017, 3, 2)),
    "quarter": (date(2016, 12, 31), date(2017, 10, 1)),
    "year": (date(2016, 5, 1), date(2017, 1, 1)),
}


def label_of(group_by, job):
    """What tells rows apart, and what people read."""
    person, institution = NAMES.get(job.user, (job.user, "Unknown"))
    pi, pi_institution = NAMES.get(job.group, (job.group, "Unknown"))
    fields = FIELDS.get(job.group, ("Unknown",) * 3)
    labels = {
        "none": "Our site",
        "resource": "big cluster",
        "resource_type": "High-performance computing",
        "provider": "Centre",
        "queue": job.queue,
        "qos": job.qos,
        "nodecount": str(job.nodes),
        "jobsize": cores_label(job.cores),
        "gpucount": gpus_label(job.gpus),
        "jobwalltime": LONG_LABELS[
            sum(job.wall >= edge for edge in (1, 30, 1800, 3600, 18000, 36000, 64800))
        ],
        "jobwaittime": LONG_LABELS[
            sum(job.wait >= edge for edge in (1, 30, 1800, 3600, 18000, 36000, 64800))
        ],
        "person": person,
        "username": job.user,
        "institution": institution,
        "pi": pi,
        "pi_institution": pi_institution,
        "fieldofscience": fields[0],
        "parentscience": fields[1],
        "nsfdirectorate": fields[2],
    }
    return labels[group_by]


@pytest.fixture(scope="module")
def lines():
    # another seed finds other lines: METERHOUSE_SEED=7 pytest ...
    return odd_lines(int(os.environ.get("METERHOUSE_SEED", SEED)), JOBS)


@pytest.fixture(scope="module")
def site(lines, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "sacct.log").write_text("".join(line + "\n" for line in lines))
    with made_site(folder / "site", SETTINGS) as site:
        assert site.warehouse.land(read_slurm(folder / "sacct.log", "big-cluster")).rejections == 0
        for kind, text in CSV.items():
            (folder / f"{kind}.csv").write_text(text)
            import_csv(site, kind, folder / f"{kind}.csv")
        build(site.warehouse, site.engine, "UTC")
        yield site


@pytest.fixture(scope="module")
def plain(lines):
    """The rows of each period, by unit."""
    jobs = jobs_of(lines)
    return {
        unit: [(period, list(rows(jobs, period))) for period in periods(unit, *days)]
        for unit, days in RANGES.items()
    }


def counted(plain, statistic, group_by, unit, mode, sees=lambda job: True):
    """The plain figures: how often each (period, label, value) is there."""
    cells = [defaultdict(list) for _ in plain[unit]]
    for number, (_, of_period) in enumerate(plain[unit]):
        for job, facts in of_period:
            if sees(job):
                cells[number][label_of(group_by, job)].append((number, job, facts))
    labels = {label for cell in cells for label in cell}

    def printed(some, cell, series):
        # there is capacity from the first of June 2016 on
        first = max(some[0].start, 1464739200)
        return Figures(cell, series, CORES * (some[-1].end - first), CORES).printed(statistic)

    spans = [period for period, _ in plain[unit]]
    if mode == "aggregate":
        together = {label: [row for cell in cells for row in cell[label]] for label in labels}
        return Counter(("", label, printed(spans, cell, False)) for label, cell in together.items())
    return Counter(
        (period.label, label, printed([period], cell[label], True) if cell[label] else "0")
        for period, cell in zip(spans, cells, strict=True)
        for label in labels
    )


def asked(site, *wanted):
    """What the site answers to each (statistic, group-by, unit, mode) and perhaps role."""
    queries = [
        Query.ask(realm="Jobs", statistic=statistic, group_by=group_by, unit=unit, mode=mode,
                  first=RANGES[unit][0], last=RANGES[unit][1], seen_by=seen_by[0] if seen_by else None)
        for statistic, group_by, unit, mode, *seen_by in wanted
    ]  # fmt: skip
    answers = answer_site_queries(site, queries)
    return [Counter((row.period, row.label, row.value) for row in rows) for rows in answers]


REALM = find_realm("Jobs")
WAYS = [(unit, mode) for unit in RANGES for mode in ("timeseries", "aggregate")]


def test_lines_are_as_odd_as_they_should_be(lines, plain):
    said = [line.split("|") for line in lines]
    assert {"CANCELLED by 1001", "NODE_FAIL", "REQUEUED", "MAYBE_NEW_IN_27"} <= {one[16] for one in said}
    assert {"UNLIMITED", "Partition_Limit", "1-02:03:04", ""} <= {one[23] for one in said}
    assert {"4000Mc", "31000Mn", "2Tn", "512Kc", ""} <= {one[20] for one in said}
    assert {"[", "+", ".", "_"} <= {mark for one in said for mark in one[0]}
    assert "None assigned" in {one[24] for one in said}
    assert any(one[12] > one[13] for one in said)
    assert all(of_period for period, of_period in plain["month"])


@pytest.mark.parametrize("statistic", REALM.statistics)
def test_each_statistic_by_every_unit(site, plain, statistic):
    # modes and group-bys take turns
    number = list(REALM.statistics).index(statistic)
    modes = cycle(("timeseries", "aggregate") if number % 2 else ("aggregate", "timeseries"))
    group_bys = islice(cycle(REALM.group_bys), number, None)
    wanted = [(statistic, next(group_bys), unit, next(modes)) for unit in RANGES]
    for one, answer in zip(wanted, asked(site, *wanted), strict=True):
        assert answer == counted(plain, *one), one


@pytest.mark.parametrize("statistic", ["job_count", "expansion_factor"])
def test_each_group_by(site, plain, statistic):
    wanted = [(statistic, group_by, "month", "timeseries") for group_by in REALM.group_bys]
    for one, answer in zip(wanted, asked(site, *wanted), strict=True):
        assert answer == counted(plain, *one), one


@pytest.mark.parametrize("role", ["user", "pi"])
def test_what_a_role_sees(site, plain, role):
    def sees(job):
        return job.user == "caste" or (role == "pi" and job.group == "caste")

    wanted = ("total_cpu_hours", "username", "month", "timeseries")
    (answer,) = asked(site, (*wanted, SeenBy(role, "caste")))
    assert answer == counted(plain, *wanted, sees)


def test_what_is_written_of_odd_jobs_is_read_back_as_the_same_jobs(site, tmp_path):
    first, last = date(2016, 12, 28), date(2017, 1, 3)
    done = write_site_files(site, "big-cluster", first, last, tmp_path / "out", partial=True)
    assert {"MAYBE_NEW_IN_27" in told for told in done.left_out} == {True}
    with made_site(tmp_path / "again", SETTINGS) as again:
        for file in done.files:
            assert check_file(file.path).faults == []
            if file.path.parent.name == "slurm":
                assert again.warehouse.land(read_slurm(file.path, "big-cluster")).rejections == 0
        build(again.warehouse, again.engine, "UTC")
        ended = jobs_ended(again, first, last)
        assert ended == jobs_ended(site, first, last)
        assert sum(ended.values()) > 20


def jobs_ended(site, first, last):
    """All that spans say of jobs, but for ids: parts of heterogeneous jobs go by their raw ids in files."""
    with site.engine() as engine:
        rows = engine.query(
            "SELECT * EXCLUDE (item, opened_batch, opened_record, closed_batch, closed_record) "
            f"FROM ({site.warehouse.view().select('span')}) "
            f"""WHERE NOT is_last AND CAST("end" AS DATE) BETWEEN DATE '{first}' AND DATE '{last}'
                AND closed_by <> 'maybe_new_in_27'"""
        )
    return Counter(tuple(row.items()) for row in rows.to_pylist())


def test_periods_of_the_plain_count_lie_end_to_end():
    for unit, days in RANGES.items():
        found = periods(unit, *days)
        assert all(one.end == other.start for one, other in pairwise(found))
        assert found[-1].end >= periods("day", days[1], days[1])[0].start + timedelta(days=1).total_seconds()
