"""Killed at any moment while it lands, builds and compacts, does a site open, and add up, and go on?"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from meterhouse.operations.demo.records import RESOURCE, write_records
from meterhouse.site import Site
from meterhouse.sources.file_formats import FILE_FORMATS
from meterhouse.usage.build import build, daily_usage
from strategies.sites import made_site

KILLS = int(os.environ.get("METERHOUSE_KILLS", "6"))
SEED = int(os.environ.get("METERHOUSE_SEED", "0")) or random.randrange(1, 10**6)
MOST_SECONDS = 1.2  # until the kill: about what a whole run takes
SETTINGS = f"""\
[site]
name = "Killed"
time_zone = "Europe/London"
[warehouse]
threads = 1
[[resources]]
name = "{RESOURCE}"
kind = "cloud"
"""
EVIDENCE = ("opened_batch", "opened_record", "closed_batch", "closed_record")

# Lands a file, builds, now and then compacts; says so after each. In any order of files.
WORK = """
import sys
from pathlib import Path
from meterhouse.site import Site
from meterhouse.sources.file_formats import FILE_FORMATS
from meterhouse.usage.build import build
site = Site.open(sys.argv[1])
site.warehouse.view()
print("ready", flush=True)
for number, path in enumerate(map(Path, sys.argv[3:])):
    site.warehouse.land(FILE_FORMATS["openstack-events"].read(path, sys.argv[2]))
    print("landed", path.name, flush=True)
    if number % 3 == 2:
        print(build(site.warehouse, site.engine, site.settings.site.time_zone).way, flush=True)
    if number % 10 == 9:
        site.warehouse.compact(every_small_file=True)
        print("compacted", flush=True)
build(site.warehouse, site.engine, site.settings.site.time_zone)
"""


def counted(site: Site, table: str) -> Counter[tuple[tuple[str, object], ...]]:
    view = site.warehouse.view()
    with site.engine() as engine, view.reading():
        sql = daily_usage(view) if table == "daily" else view.select(table)
        rows = engine.query(sql).to_pylist()
    return Counter(tuple((k, v) for k, v in row.items() if k not in EVIDENCE) for row in rows)


def assert_adds_up(site: Site) -> None:
    """Conservation: what daily usage holds is what the spans last."""
    view = site.warehouse.view()
    with site.engine() as engine, view.reading():
        of_spans = engine.query(
            f"""SELECT rules, state, SUM(CAST(EPOCH(DATE_TRUNC('second', "end")) AS BIGINT)
                - CAST(EPOCH(DATE_TRUNC('second', "start")) AS BIGINT)) AS seconds
            FROM ({view.select("span")}) GROUP BY rules, state ORDER BY ALL"""
        ).to_pylist()
        of_days = engine.query(
            f"""SELECT rules, state, SUM(wall_seconds) AS seconds FROM ({daily_usage(view)})
            GROUP BY rules, state ORDER BY ALL"""
        ).to_pylist()
    assert of_spans == of_days


def test_a_killed_site_opens_and_adds_up_and_the_run_can_be_repeated(tmp_path: Path) -> None:
    print(f"METERHOUSE_SEED={SEED} METERHOUSE_KILLS={KILLS}")
    chance = random.Random(SEED)
    write_records(tmp_path / "records")
    # days from all over the months: enough for every kind of step, more than once
    files = sorted((tmp_path / "records" / "events").iterdir())[::3]
    shuffled = [str(path) for path in chance.sample(files, len(files))]
    made_site(tmp_path / "site", SETTINGS).close()
    command = [sys.executable, "-c", WORK, str(tmp_path / "site"), RESOURCE, *shuffled]

    acknowledged: set[str] = set()
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, MOST_SECONDS))
            process.kill()
            acknowledged |= {line.split()[1] for line in process.stdout if line.startswith("landed ")}
        with Site.open(tmp_path / "site") as site:
            landed = {Path(batch.origin).name for batch in site.warehouse.view().batches()}
            assert acknowledged <= landed
            assert_adds_up(site)

    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made_site(tmp_path / "at once", SETTINGS).close()
    with Site.open(tmp_path / "site") as killed, Site.open(tmp_path / "at once") as whole:
        for path in files:
            whole.warehouse.land(FILE_FORMATS["openstack-events"].read(path, RESOURCE))
        build(whole.warehouse, whole.engine, whole.settings.site.time_zone)
        assert_adds_up(killed)
        assert len(killed.warehouse.view().batches()) == len(files)
        for table in ("span", "daily"):
            assert counted(killed, table) == counted(whole, table)
