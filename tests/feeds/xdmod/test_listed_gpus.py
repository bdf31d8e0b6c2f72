"""How many GPUs has a job of several models? All of them; to Open XDMoD those that AllocTRES lists first."""

from __future__ import annotations

from datetime import date

import pytest

from meterhouse.feeds.xdmod.query import Query
from meterhouse.feeds.xdmod.site_query import answer_site_query
from meterhouse.sources.slurm.job_files import read_slurm
from meterhouse.usage.build import build
from strategies.sites import made_site

SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "cluster"
kind = "cluster"
"""
# What AllocTRES says, the GPUs of the job, and those that Open XDMoD sees.
TOLD = [
    ("cpu=4,node=1", 0, 0),
    ("cpu=4,gres/gpu=2,node=1", 2, 2),
    ("cpu=4,gres/gpu:a100=4,gres/gpu=4,node=1", 4, 4),
    ("cpu=4,gres/gpu:a100=4,node=1", 4, 4),
    ("cpu=4,gres/gpu:a100=1,gres/gpu:v100=2,node=1", 3, 1),
    ("cpu=4,gres/gpu:a100=1,gres/gpu:v100=2,gres/gpu=3,node=1", 3, 1),
    ("cpu=4,gres/gpu=3,gres/gpu:a100=1,gres/gpu:v100=2,node=1", 3, 3),
    ("cpu=4,gres/gpu:a100=1,gres/gpu=3,node=1", 3, 1),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpus")
    lines = [
        f"{number}|{number}|c|gpu|normal|lab|grace|1|user{number}|1|2018-04-18T10:00:00|2018-04-18T10:00:00|"
        f"2018-04-18T10:00:00|2018-04-18T11:00:00|01:00:00|0:0|COMPLETED|1|4|4|8G||{said}|02:00:00|n1|train"
        for number, (said, *_) in enumerate(TOLD, start=1)
    ]
    (folder / "sacct.log").write_text("\n".join(lines) + "\n")
    with made_site(folder / "site", SETTINGS) as site:
        assert site.warehouse.land(read_slurm(folder / "sacct.log", "cluster")).rejections == 0
        build(site.warehouse, site.engine, "UTC")
        yield site


def by_user(site, statistic):
    day = date(2018, 4, 18)
    query = Query.ask(realm="Jobs", statistic=statistic, group_by="username", mode="aggregate",
                      first=day, last=day)  # fmt: skip
    return {row.label: row.value for row in answer_site_query(site, query)}


def test_all_gpus_are_used(site):
    with site.engine() as engine:
        spans = site.warehouse.view().select("span", ["user_name", "gpus"])
        rows = engine.query(spans).to_pylist()
    found = {row["user_name"]: row["gpus"] for row in rows}
    assert found == {f"user{number}": gpus for number, (_, gpus, _) in enumerate(TOLD, start=1)}


def test_open_xdmod_sees_the_first_number(site):
    listed = {f"user{number}": first for number, (*_, first) in enumerate(TOLD, start=1)}
    assert by_user(site, "total_gpu_hours") == {user: f"{gpus}.0000" for user, gpus in listed.items()}
    assert by_user(site, "avg_gpus") == {user: f"{gpus}.0000" for user, gpus in listed.items()}
