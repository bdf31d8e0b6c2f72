"""Who is who at the example centre, and who may use how much? What `meterhouse allocations load` takes."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from meterhouse.operations.demo.jobs import CLUSTER
from meterhouse.operations.demo.people import PEOPLE, PROJECTS
from meterhouse.operations.demo.pods import CONTAINERS
from meterhouse.operations.demo.stored import FILES

CORE_HOURS = "Core hours"
# Project: core hours of this quarter. Some have hardly any left, and one has used more.
_ALLOCATED = {"genomics": 150_000, "ocean-models": 90_000, "tide-forecast": 40_000, "medieval-corpus": 40_000}
# Whose use also counts against what the project above them has.
_SHARING = ("genome-assembly", "variant-calling")


def write_ledger(path: Path, cloud: str, last: date) -> None:
    """Write people, projects and their names on all resources, and allocations of the quarter of `last`."""
    path.write_text(json.dumps(_ledger(cloud, last), indent=1, ensure_ascii=False), encoding="utf-8")


def _ledger(cloud: str, last: date) -> dict[str, list[dict[str, object]]]:
    start = date(last.year, (last.month - 1) // 3 * 3 + 1, 1)
    end = date(start.year + start.month // 10, (start.month + 2) % 12 + 1, 1) - timedelta(days=1)
    quarter = f"{start.year}-Q{(start.month + 2) // 3}"
    name_of = {one.id: one.name for one in PROJECTS}
    institution_of = {one.username: one.institution for one in PEOPLE}
    return {
        "institutes": [{"name": name} for name in sorted({*institution_of.values()} - {""})],
        "persons": [
            {
                "username": one.username,
                **({"full_name": f"{one.first} {one.last}"} if one.first else {}),
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
                "allocation_mode": "shared" if one.name in _SHARING else "private",
                "references": [
                    {"resource": cloud, "ref": one.id, "kind": "cloud_project"},
                    {"resource": CLUSTER, "ref": one.name, "kind": "slurm_account"},
                    {"resource": CONTAINERS, "ref": one.name, "kind": "namespace"},
                    {"resource": FILES, "ref": one.name, "kind": "unix_group", "matches": "name"},
                ],
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
        "machines": [{"name": name} for name in (cloud, CLUSTER)],
        "resource_pools": [{"name": CORE_HOURS, "units": "core hours", "function": "sum"}],
        "resources": [
            {"machine": name, "resource_pool": CORE_HOURS, "realm": realm, "meter": "core_hours"}
            for name, realm in ((cloud, "cloud"), (CLUSTER, "jobs"))
        ],
        "schemes": [{"name": "Merit", "opened": str(start.replace(year=start.year - 1))}],
        "grants": [
            {"id": f"g-{name}", "project": name, "scheme": "Merit", "begins": str(start), "expires": str(end)}
            for name in _ALLOCATED
        ],
        "periods": [{"name": quarter, "start": str(start), "end": str(end)}],
        "allocation_pools": [
            {"id": f"p-{name}", "project": name, "period": quarter, "resource_pool": CORE_HOURS}
            for name in _ALLOCATED
        ],
        "allocations": [
            {"id": f"a-{name}", "grant": f"g-{name}", "allocation_pool": f"p-{name}", "quantity": quantity}
            for name, quantity in _ALLOCATED.items()
        ],
    }
