"""A site that a person can check by hand: two institutions, three projects, one VM each and one of nobody.

Every VM runs from 1 to 20 March 2026, 480 hours; its cores are 1, 2, 4 and 8. Tides stands below Ocean;
Waves is funded 60 % by Harbour and 40 % by Northfield.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from meterhouse.operations.allocations.site_ledger import close, load_file, rebuild_ledger
from meterhouse.operations.directory_import import import_statement
from meterhouse.site import Site
from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Statement,
)
from meterhouse.sources.openstack.event_files import read_openstack_events
from meterhouse.usage.build import build

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 20)
PERIOD = {"from": str(FIRST), "to": str(LAST)}
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
SETTINGS = """\
[site]
name = "Two institutions"
[warehouse]
threads = 1
[[resources]]
name = "cloud"
kind = "cloud"
[web]
public = {public}
requests_per_minute = 1000000
unknown_requests_per_minute = 1000000
"""
# The ledger: Ocean used 480 of 2000 core hours, Waves 1920 of 1000. The period is closed.
LEDGER = """\
machines = [{ name = "cloud" }]
resource_pools = [{ name = "Core hours", units = "core hours", function = "sum" }]
resources = [{ machine = "cloud", resource_pool = "Core hours", realm = "cloud", meter = "core_hours" }]
schemes = [{ name = "Merit", opened = 2026-01-01 }]
grants = [
    { id = 1, project = "ocean", scheme = "Merit", begins = 2026-01-01, expires = 2026-12-31 },
    { id = 2, project = "waves", scheme = "Merit", begins = 2026-01-01, expires = 2026-12-31 },
]
periods = [{ name = "2026Q1", start = 2026-01-01, end = 2026-03-31 }]
allocation_pools = [
    { id = 1, name = "pool-ocean", project = "ocean", period = "2026Q1", resource_pool = "Core hours" },
    { id = 2, name = "pool-waves", project = "waves", period = "2026Q1", resource_pool = "Core hours" },
]
allocations = [
    { id = 1, grant = 1, allocation_pool = 1, quantity = 2000 },
    { id = 2, grant = 2, allocation_pool = 2, quantity = 1000 },
]
"""
# item: name, project id, user id, cores
VMS = {
    "vm-ocean": ("tidal pool", "p1", "u1", 1),
    "vm-tides": (SCRIPT, "p2", "u3", 2),
    "vm-waves": (FORMULA, "p3", "u2", 4),
    "vm-nobody": ("stray", "p9", "u9", 8),
}


def make_site(folder: Path, public: bool = False, register: str = "") -> Site:
    """The site, built, its register at that address; close it when it is done with."""
    text = SETTINGS.format(public=str(public).lower())
    site = Site.init(folder, settings_text=text + (f'[register]\nurl = "{register}"\n' if register else ""))
    import_statement(site, _directory())
    events = [
        {
            "event_type": f"compute.instance.{event}",
            "generated": f"{day}T00:00:00",
            "instance_id": item,
            "display_name": name,
            "instance_type": "m1",
            "vcpus": str(cores),
            "memory_mb": "1024",
            "disk_gb": "0",
            "state": "active" if event == "create.end" else "deleted",
            "project_id": project,
            "project_name": f"{project}-name",
            "user_id": user,
            "user_name": f"{user}-name",
        }
        for item, (name, project, user, cores) in VMS.items()
        for event, day in (("create.end", FIRST), ("delete.end", LAST + timedelta(days=1)))
    ]
    path = folder / "2026-03-01T00:00:00_2026-03-22T00:00:00.json"
    path.write_text(json.dumps(events))
    site.warehouse.land(read_openstack_events(path, "cloud"))
    build(site.warehouse, site.engine, "UTC")
    allocations = folder / "allocations.toml"
    allocations.write_text(LEDGER)
    load_file(site, allocations, who="test", dry_run=False)
    rebuild_ledger(site, who="test")
    close(site, "2026Q1", who="test")
    return site


def _directory() -> Statement:
    return Statement(
        "portal",
        institutions=[SaidInstitution("n", "Northfield"), SaidInstitution("h", "Harbour")],
        people=[
            SaidPerson("ada", "ada", "Ada", "Oka", institution="n"),
            SaidPerson("bea", "bea", "Bea", "Ruiz", institution="h"),
            SaidPerson("cyd", "cyd", "Cyd", "Park", institution="n"),
        ],
        projects=[
            SaidProject("1", "Ocean", code="ocean", shares=(("n", 1_000_000),)),
            SaidProject("2", "Tides", code="tides", parent="1", shares=(("n", 1_000_000),)),
            SaidProject("3", "Waves", code="waves", shares=(("h", 600_000), ("n", 400_000))),
        ],
        members=[
            SaidMember("1", "ada", leader=True, primary_contact=True),
            SaidMember("3", "bea", leader=True, primary_contact=True),
            SaidMember("2", "cyd"),
        ],
        references=[SaidReference(str(n), "cloud", "cloud_project", f"p{n}") for n in (1, 2, 3)],
        accounts=[
            SaidAccount("ada", "cloud", "u1", "id"),
            SaidAccount("bea", "cloud", "u2", "id"),
            SaidAccount("cyd", "cloud", "u3", "id"),
        ],
    )
