"""Run as a program: make the example site up to yesterday, with a directory, a ledger, a scan and accounts.

`meterhouse demo` stands still at 2026's autumn and has no ledger; pictures of pages want this month.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from meterhouse.operations.demo import records
from meterhouse.operations.demo import site as demo
from meterhouse.operations.demo.jobs import CLUSTER
from meterhouse.operations.demo.people import PEOPLE, PROJECTS
from meterhouse.operations.demo.pods import CONTAINERS

RESOURCES = (records.RESOURCE, CLUSTER, CONTAINERS)
INSTITUTIONS = sorted({one.institution for one in PEOPLE if one.institution})
# Project: core hours that it got this quarter; some have hardly any left, and one has used more.
ALLOCATED = {"genomics": 60_000, "ocean-models": 90_000, "tide-forecast": 40_000, "medieval-corpus": 40_000}
VOLUME = "/projects"
MORE_SETTINGS = f"""
[[volumes]]
name = "projects"
resource = "home"
path = "{VOLUME}"
group_file = "group"
passwd_file = "passwd"

[web]
url = "http://127.0.0.1:8000"
"""


def make(folder: Path) -> Path:
    """Everything but the accounts; the folder of the site."""
    today = datetime.now(UTC).date()
    first = (today.replace(day=1) - timedelta(days=40)).replace(day=1)
    for module in (records, demo):
        module.FIRST, module.LAST = first, today - timedelta(days=1)
    demo._SETTINGS = demo._SETTINGS.replace("2026-09-01", str(first)) + MORE_SETTINGS
    demo.run_demo(folder, lambda said: None)
    site = folder / "site"
    from typer.testing import CliRunner

    from meterhouse.cli.main import app

    def run(*arguments: object) -> None:
        done = CliRunner().invoke(app, ["--site", str(site), *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    ledger = folder / "ledger.json"
    ledger.write_text(json.dumps(_ledger(today)))
    run("allocations", "load", ledger)
    run("allocations", "rebuild")
    users = {one.username: 1000 + number for number, one in enumerate(PEOPLE)}
    groups = {one.name: 2000 + number for number, one in enumerate(PROJECTS)}
    (site / "passwd").write_text("".join(f"{name}:x:{n}:100::/:/bin/sh\n" for name, n in users.items()))
    (site / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in groups.items()))
    scan = folder / "scan.dat"
    moment = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(hours=3)
    scan.write_bytes(b"\n".join(_scan(users, groups, int(moment.timestamp()))) + b"\n")
    run("ingest", "scan", "--volume", "projects", "--scanned-at", moment.isoformat(), scan)
    return site


def _ledger(today: date) -> dict[str, list[dict[str, object]]]:
    start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    end = date(start.year + start.month // 10, (start.month + 2) % 12 + 1, 1) - timedelta(days=1)
    quarter = f"{start.year}-Q{(start.month + 2) // 3}"
    name_of = {one.id: one.name for one in PROJECTS}
    institution_of = {one.username: one.institution for one in PEOPLE}
    kinds = {records.RESOURCE: "cloud_project", CLUSTER: "slurm_account", CONTAINERS: "namespace"}
    return {
        "institutes": [{"name": name} for name in INSTITUTIONS],
        "persons": [
            {
                "username": one.username,
                "full_name": f"{one.first} {one.last}".strip(),
                **({"institute": one.institution} if one.institution else {}),
            }
            for one in PEOPLE
        ],
        "accounts": [{"username": one.username, "person": one.username} for one in PEOPLE],
        "projects": [
            {
                "pid": one.name,
                "name": one.name.replace("-", " ").capitalize(),
                **({"parent": name_of[one.parent]} if one.parent else {}),
                "institute": institution_of[one.pi],
                "references": [
                    {
                        "resource": resource,
                        "ref": one.id if kind == "cloud_project" else one.name,
                        "kind": kind,
                    }
                    for resource, kind in kinds.items()
                ]
                + [{"resource": "home", "ref": one.name, "kind": "unix_group", "matches": "name"}],
            }
            for one in PROJECTS
        ],
        "memberships": [
            {
                "person": person,
                "project": one.name,
                "is_project_leader": person == one.pi,
                "is_primary_contact": person == one.pi,
            }
            for one in PROJECTS
            for person in dict.fromkeys((one.pi, *one.members))
        ],
        "machines": [{"name": name} for name in (records.RESOURCE, CLUSTER)],
        "resource_pools": [{"name": "Core hours", "units": "core hours", "function": "sum"}],
        "resources": [
            {"machine": name, "resource_pool": "Core hours", "realm": realm, "meter": "core_hours"}
            for name, realm in ((records.RESOURCE, "cloud"), (CLUSTER, "jobs"))
        ],
        "schemes": [{"name": "Merit", "opened": str(start.replace(year=start.year - 1))}],
        "grants": [
            {"id": f"g-{name}", "project": name, "scheme": "Merit", "begins": str(start), "expires": str(end)}
            for name in ALLOCATED
        ],
        "periods": [{"name": quarter, "start": str(start), "end": str(end)}],
        "allocation_pools": [
            {"id": f"p-{name}", "project": name, "period": quarter, "resource_pool": "Core hours"}
            for name in ALLOCATED
        ],
        "allocations": [
            {"id": f"a-{name}", "grant": f"g-{name}", "allocation_pool": f"p-{name}", "quantity": quantity}
            for name, quantity in ALLOCATED.items()
        ],
    }


def _scan(users: dict[str, int], groups: dict[str, int], now: int) -> list[bytes]:
    chance = random.Random(20261101)
    found, inode = [], 1

    def line(path: str, size: int, uid: int, gid: int, age: int, kind: str) -> None:
        nonlocal inode
        inode += 1
        fields = (size, uid, gid, now - age, now - age, now - age)
        found.append(
            b"\t".join(
                [
                    base64.b64encode(path.encode()),
                    *(str(one).encode() for one in fields),
                    kind.encode(),
                    *(str(one).encode() for one in (inode, 1, 5)),
                ]
            )
        )

    line(VOLUME, 4096, 0, 0, 0, "d")
    for project in PROJECTS:
        gid = groups[project.name]
        line(f"{VOLUME}/{project.name}", 4096, users[project.pi], gid, 86_400, "d")
        for part in ("raw", "results", "scratch", "software")[: chance.randint(2, 4)]:
            line(f"{VOLUME}/{project.name}/{part}", 4096, users[project.pi], gid, 86_400, "d")
            for number in range(chance.randint(5, 60)):
                ending = chance.choice(("bam", "cram", "fastq.gz", "vcf.gz", "txt", "tmp", "sif", "csv"))
                owner = users[chance.choice(project.members)]
                path = f"{VOLUME}/{project.name}/{part}/{part}-{number:03d}.{ending}"
                line(path, chance.randint(1, 900) << 30, owner, gid, chance.randint(1, 1500) * 86_400, "f")
    return found


if __name__ == "__main__":
    made = make(Path(sys.argv[1]))
    accounts = Path(__file__).with_name("demonstration_accounts.py")
    subprocess.run([sys.executable, str(accounts), str(made)], check=True)  # a process serves one site
    print(made)
