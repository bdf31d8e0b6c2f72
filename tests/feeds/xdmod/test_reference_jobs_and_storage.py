"""Do the reference jobs and samples give the figures that Open XDMoD itself gives?

The figures are facts from Open XDMoD's regression tests (22 December 2016 to 1 January 2017, and 27 December
2018 to 5 January 2019): those of the resources phillips, recex and torx.
"""

from __future__ import annotations

from datetime import date

import pytest

from meterhouse.feeds.xdmod.query import Query
from meterhouse.feeds.xdmod.site_query import answer_site_query
from meterhouse.sources.slurm.job_files import read_slurm
from meterhouse.sources.storage_usage import read_storage_usage
from meterhouse.usage.build import build
from services.reference_input import REFERENCE_INPUT
from strategies.sites import made_site

DATA = REFERENCE_INPUT / "data/xdmod"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs Open XDMoD's reference records in {DATA}")

SETTINGS = """
[site]
name = "Screwdriver"

[[resources]]
name = "phillips"
kind = "cluster"
capacity = [{ start = 2016-12-22, end = 2020-01-02, cores = 4000 }]

[[resources]]
name = "recex"
kind = "filesystem"

[[resources]]
name = "torx"
kind = "filesystem"
"""
DAYS = {
    "Jobs": (date(2016, 12, 22), date(2017, 1, 1)),
    "Storage": (date(2018, 12, 27), date(2019, 1, 5)),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "site"
    with made_site(path, SETTINGS) as site:
        site.warehouse.land(read_slurm(DATA / "slurm" / "phillips.log", "phillips"))
        for file in sorted((DATA / "storage").glob("*/*.json")):
            site.warehouse.land(read_storage_usage(file, file.parent.name))
        build(site.warehouse, site.engine, "UTC")
        yield site


def asked(site, realm, statistic, unit, mode="aggregate"):
    first, last = DAYS[realm]
    query = Query.ask(realm=realm, statistic=statistic, group_by="resource", unit=unit, mode=mode,
                      first=first, last=last)  # fmt: skip
    return [(row.period, row.label, row.value) for row in answer_site_query(site, query)]


@pytest.mark.parametrize(
    ("statistic", "unit", "value"),
    [
        ("avg_processors", "day", "8.1614"),
        ("avg_cpu_hours", "day", "2.90854877"),
        ("avg_cpu_hours", "year", "2.90854877"),
        ("avg_gpu_hours", "day", "0.12528739"),
        ("avg_node_hours", "day", "0.33239461"),
        ("avg_waitduration_hours", "year", "4.65396173"),
        ("avg_eligible_waitduration_hours", "quarter", "4.65396166"),
        ("avg_wallduration_hours", "day", "0.10845780"),
        ("expansion_factor", "month", "15.0013"),
        ("normalized_avg_processors", "quarter", "0.204034849"),
        ("sem_avg_processors", "day", "0.042682930132102684"),
        ("sem_avg_cpu_hours", "day", "0.8586643406314756"),
        ("sem_avg_cpu_hours", "year", "1.7543541236119438"),
        ("sem_avg_gpu_hours", "day", "0.03789588347023339"),
        ("sem_avg_node_hours", "day", "0.10524107017931526"),
        ("sem_avg_waitduration_hours", "year", "0.0640574830554861"),
        ("sem_avg_eligible_waitduration_hours", "quarter", "0.06405748302677304"),
        ("sem_avg_wallduration_hours", "day", "0.022957300184446187"),
        ("sem_avg_wallduration_hours", "month", "0.06300129128425758"),
    ],
)
def test_jobs_as_a_whole(site, statistic, unit, value):
    assert asked(site, "Jobs", statistic, unit) == [("", "phillips", value)]


def test_jobs_by_period(site):
    assert asked(site, "Jobs", "avg_processors", "month", "timeseries") == [
        ("2016-12", "phillips", "8.1449"),
        ("2017-01", "phillips", "8.4037"),
    ]
    by_day = [value for *_, value in asked(site, "Jobs", "normalized_avg_processors", "day", "timeseries")]
    assert by_day[:5] == ["0.300000000"] * 5
    assert by_day[8:] == ["0.205213270", "0.203547230", "0.210092213"]


def test_storage(site):
    assert asked(site, "Storage", "avg_file_count", "quarter") == [
        ("", "torx", "122754984.5000"),
        ("", "recex", "110334701.0000"),
    ]
    assert asked(site, "Storage", "avg_physical_usage", "day") == [
        ("", "recex", "0.0000"),
        ("", "torx", "0.0000"),
    ]
    assert asked(site, "Storage", "avg_logical_usage", "year", "timeseries") == [
        ("2018", "torx", "721652704930133"),
        ("2018", "recex", "79482625587200"),
        ("2019", "torx", "700168617907200"),
        ("2019", "recex", "79334460339200"),
    ]
