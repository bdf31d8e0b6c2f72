"""Small worlds for the ledger: an institute, a lab in it, a sub-project; CPU hours, disk; two quarters."""

from __future__ import annotations

from typing import Any

Q1, Q2 = "2100Q1", "2100Q2"
CPU, DISK = "CPU Hours", "Disk Space"
FIRST, LAST = "2100-01-01", "2100-12-31"


def project(pid: str, parent: str | None = None, mode: str = "private", **more: Any) -> dict[str, Any]:
    return {"pid": pid, "parent": parent, "allocation_mode": mode, **more}


def grant(
    id_: str, project_: str, begins: str = FIRST, expires: str = LAST, scheme: str = "ET"
) -> dict[str, Any]:
    return {"id": id_, "project": project_, "scheme": scheme, "begins": begins, "expires": expires}


def pool(id_: str, project_: str, resource_pool: str = CPU, period: str = Q1) -> dict[str, Any]:
    return {"id": id_, "project": project_, "period": period, "resource_pool": resource_pool}


def line(id_: str, grant_: str, pool_: str, quantity: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "grant": grant_, "allocation_pool": pool_, "quantity": quantity, **more}


def use(
    id_: str, day: str, project_: str | None, raw: str, resource: str = "cpu", **more: Any
) -> dict[str, Any]:
    said = {"id": id_, "date": day, "account": "u1", "submitted_project": project_}
    return {**said, "resource": resource, "raw": raw, **more}


def run(start: str, end: str, raw: str) -> dict[str, Any]:
    """A job of the institute."""
    said = {"id": "j", "account": "u1", "submitted_project": "Inst", "resource": "cpu"}
    return {**said, "raw": raw, "start": start, "end": end}


def entities(**given: Any) -> dict[str, Any]:
    """A world: what isn't given is as in the first line of this file."""
    function = given.pop("function", "maximum")
    base: dict[str, Any] = {
        "institutes": [{"name": "North"}, {"name": "South"}],
        "persons": [
            {"username": "u1", "affiliations": [{"institute": "North", "career_level": "PhD"}]},
            {"username": "u2", "affiliations": [{"institute": "South", "career_level": "Staff"}]},
        ],
        "accounts": [{"username": "u1", "person": "u1"}, {"username": "u2", "person": "u2"}],
        "projects": [project("Inst"), project("Lab", "Inst", "shared"), project("Sub", "Lab", "shared")],
        "schemes": [{"name": "ET", "opened": FIRST}, {"name": "Elliott", "opened": FIRST}],
        "periods": [
            {"name": Q1, "start": "2100-01-01", "end": "2100-03-31"},
            {"name": Q2, "start": "2100-04-01", "end": "2100-06-30"},
        ],
        "resource_pools": [
            {"name": CPU, "units": "CPU Hours", "function": "sum"},
            {"name": DISK, "units": "KB", "function": function},
        ],
        "resources": [
            {"id": "cpu", "machine": "tango", "resource_pool": CPU, "resource_name": "cpu"},
            {"id": "home", "machine": "tango", "resource_pool": DISK, "resource_name": "home"},
            {"id": "scratch", "machine": "tango", "resource_pool": DISK, "resource_name": "scratch"},
        ],
    }
    return {**base, **given}


def funded(project_: str = "Inst", quantity: str = "100", resource_pool: str = CPU) -> dict[str, Any]:
    """A grant, a pool `p` and a line `a` for one project in the first quarter."""
    return {
        "grants": [grant("g", project_)],
        "allocation_pools": [pool("p", project_, resource_pool)],
        "allocations": [line("a", "g", "p", quantity)],
    }
