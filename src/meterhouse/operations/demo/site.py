"""How does a site work from end to end? An example one is made, fed, built and reported on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from meterhouse.errors import ConfigurationError
from meterhouse.operations.allocations.site_ledger import load_file, rebuild_ledger
from meterhouse.operations.demo.jobs import CLUSTER, CLUSTER_CORES
from meterhouse.operations.demo.pods import CONTAINERS
from meterhouse.operations.demo.records import CORES, FIRST, LAST, RESOURCE, write_records
from meterhouse.operations.demo.stored import FILES
from meterhouse.operations.directory_import import import_csv
from meterhouse.reports.questions import answer_question
from meterhouse.reports.site_month import site_month
from meterhouse.reports.write import write_monthly
from meterhouse.settings import SETTINGS_FILE
from meterhouse.site import Site
from meterhouse.sources.file_formats import FILE_FORMATS
from meterhouse.usage.answer import Answer
from meterhouse.usage.build import build
from meterhouse.usage.question import Question

_MARK = "# The example site of `meterhouse demo`."
_SETTINGS = f"""\
{_MARK} It is made anew at every run.

[site]
name = "Northfield Research Computing (example)"
time_zone = "Europe/London"

[[resources]]
name = "{RESOURCE}"
kind = "cloud"
title = "Northfield research cloud"
time_zone = "Europe/London"
capacity = [{{ start = {FIRST}, cores = {CORES} }}]

[[resources]]
name = "{CLUSTER}"
kind = "cluster"
title = "Northfield cluster"
time_zone = "Europe/London"
capacity = [{{ start = {FIRST}, cores = {CLUSTER_CORES} }}]

[[resources]]
name = "{CONTAINERS}"
kind = "cluster"
title = "Northfield containers"

[[resources]]
name = "{FILES}"
kind = "filesystem"
title = "Northfield home and project directories"
"""
# Kind of file, resource, and where the example's records of it are.
_RECORDS = (
    ("openstack-events", RESOURCE, "events/*"),
    ("openstack-listings", RESOURCE, "keystone.json"),
    ("hypervisor-facts", RESOURCE, "hypervisor_*"),
    ("slurm", CLUSTER, "jobs.log"),
    ("kubernetes-metrics", CONTAINERS, "pods/*"),
    ("storage-usage", FILES, "stored/*"),
)
_WHO = "demo"
_CSV = ("names", "hierarchy", "group-to-hierarchy", "cloud-project-to-pi")


def run_demo(folder: Path, say: Callable[[str], None]) -> tuple[list[Path], Answer]:
    """Make the example site in `folder`; returns the reports' files and who used what in the last month.

    A folder that holds anything else than an earlier example is refused.
    """
    folder = folder.resolve()
    _clear(folder)
    records = folder / "records"
    write_records(records)
    say(f"Wrote the records of an example cloud, cluster, OpenShift and file system to {records}")
    with Site.init(folder / "site", settings_text=_SETTINGS) as site:
        count = 0
        for kind, resource, pattern in _RECORDS:
            for path in sorted(records.glob(pattern)):
                count += sum(site.warehouse.land(FILE_FORMATS[kind].read(path, resource)).rows.values())
        for name in _CSV:
            count += sum(import_csv(site, name, records / f"{name}.csv").rows.values())
        say(f"Read {count:,} records into {site.path}")
        report = build(site.warehouse, site.engine, site.settings.site.time_zone)
        say(f"Built {report.rows['span']:,} spans and {report.rows['daily']:,} rows of daily usage")
        loaded = load_file(site, records / "ledger.json", who=_WHO, dry_run=False)
        rebuild_ledger(site, who=_WHO)
        say(f"Entered {len(loaded.differences):,} people, projects, allocations and ties between them")
        month = date(LAST.year, LAST.month, 1)
        paths = write_monthly(site_month(site, month, with_log=True), folder / "reports")
        everything = site_month(site, month, realm="compute")
        paths += write_monthly(everything, folder / "reports", ("pdf", "html"))
        question = Question.ask(
            realm="compute",
            meters=["core_hours", "gpu_hours", "memory_gib_hours", "running"],
            first=month,
            last=LAST,
            by=["institution", "person", "resource"],
        )
        return paths, answer_question(site, question)


def _clear(folder: Path) -> None:
    settings = folder / "site" / SETTINGS_FILE
    if settings.is_file() and settings.read_text(encoding="utf-8").startswith(_MARK):
        for name in ("site", "records", "reports"):
            shutil.rmtree(folder / name, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder}: expected a new folder or an earlier example, found other files")
