"""Which servers, flavors and hypervisors does Nova have, and what was done to the servers?

Deleted servers come with the changes, so that one that lived between two readings is seen, too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from meterhouse.sources.openstack import quotas
from meterhouse.sources.openstack.cloud import Answer, CallFailed, Cloud
from meterhouse.sources.openstack.reading import Reading, Row
from meterhouse.sources.openstack.said import (
    Columns,
    boolean,
    column,
    decimal_text,
    integer,
    name_or_number,
    time,
)
from meterhouse.sources.openstack.server_actions import read_actions

VERSION = (2, 84)  # 2.47: the flavor as it was when the server was made; 2.84: details of failed events
HYPERVISOR_VERSION = (2, 53)  # 2.88 no longer says what a hypervisor has
FULL_LISTING = "compute.servers"
CHANGES = "compute.server_changes"
ACTIONS = "compute.server_actions"

FLAVOR: Columns = {
    "flavor_id": column("id", required=True),
    "name": column("name"),
    "vcpus": column("vcpus", convert=integer),
    "memory_mb": column("ram", convert=integer),
    "root_gb": column("disk", convert=integer),
    "ephemeral_gb": column("OS-FLV-EXT-DATA:ephemeral", convert=integer),
    "is_public": column("os-flavor-access:is_public", convert=boolean),
}
SERVER: Columns = {
    "server_id": column("id", required=True),
    "name": column("name"),
    "project_id": column("tenant_id"),
    "user_id": column("user_id"),
    "status": column("status", required=True),
    "vm_state": column("OS-EXT-STS:vm_state"),
    "task_state": column("OS-EXT-STS:task_state"),
    "power_state": column("OS-EXT-STS:power_state", convert=integer),
    "host": column("OS-EXT-SRV-ATTR:host"),
    "availability_zone": column("OS-EXT-AZ:availability_zone"),
    "flavor_id": column("flavor", "id"),  # before 2.47
    "flavor_name": column("flavor", "original_name"),  # from 2.47
    "vcpus": column("flavor", "vcpus", convert=integer),
    "memory_mb": column("flavor", "ram", convert=integer),
    "root_gb": column("flavor", "disk", convert=integer),
    "ephemeral_gb": column("flavor", "ephemeral", convert=integer),
    "image_id": column("image", "id"),
    "created_at": column("created", convert=time),
    "updated_at": column("updated", convert=time),
    "launched_at": column("OS-SRV-USG:launched_at", convert=time),
    "terminated_at": column("OS-SRV-USG:terminated_at", convert=time),
}
HYPERVISOR: Columns = {
    "hypervisor_id": column("id", convert=name_or_number, required=True),
    "hostname": column("hypervisor_hostname"),
    "vcpus": column("vcpus", convert=integer),
    "memory_mb": column("memory_mb", convert=integer),
    "disk_gb": column("local_gb", convert=integer),
    "state": column("state"),
    "status": column("status"),
}
TENANT_USAGE: Columns = {
    "project_id": column("tenant_id", required=True),
    "server_id": column("instance_id", required=True),
    "name": column("name"),
    "flavor_name": column("flavor"),
    "vcpus": column("vcpus", convert=integer),
    "memory_mb": column("memory_mb", convert=integer),
    "started_at": column("started_at", convert=time),
    "ended_at": column("ended_at", convert=time),
    "state": column("state"),
    "hours": column("hours", convert=decimal_text),
}


class Flavors:
    """The flavors that Nova still lists, by id and by name."""

    def __init__(self) -> None:
        self._by_id: dict[str, Row] = {}
        self._by_name: dict[str, Row] = {}

    def add(self, row: Row) -> None:
        self._by_id[row["flavor_id"]] = row
        self._by_name[row["name"]] = row

    def complete(self, server: Row) -> None:
        """Give a server the id that goes with its flavor's name, or the name and sizes that go with its id.

        What the server itself says stays: its flavor may have been deleted or made anew since.
        """
        if server["flavor_name"] is not None:
            listed = self._by_name.get(server["flavor_name"])
            server["flavor_id"] = server["flavor_id"] or (listed["flavor_id"] if listed else None)
        elif server["flavor_id"] is not None:
            listed = self._by_id.get(server["flavor_id"])
            server["flavor_name"] = listed["name"] if listed else f"Unknown flavor ({server['flavor_id']})"
            for size in ("vcpus", "memory_mb", "root_gb", "ephemeral_gb"):
                server[size] = listed[size] if listed else None


def read(cloud: Cloud, reading: Reading) -> None:
    flavors = _read_flavors(cloud, reading)
    changed = _read_changes(cloud, reading, flavors)
    if reading.is_due(FULL_LISTING, reading.habits.full_listing):
        _read_everything(cloud, reading, flavors)
    read_actions(cloud, reading, ACTIONS, VERSION, changed, _changes_since(reading))
    if reading.is_due("compute.hypervisors", reading.habits.full_listing):
        _read_hypervisors(cloud, reading)
    if reading.is_due("compute.tenant_usage", reading.habits.full_listing):
        _read_tenant_usage(cloud, reading)
    quotas.read(cloud, reading, "compute", _quota_question)


def _quota_question(project_id: str) -> tuple[str, dict[str, str], str]:
    return f"/os-quota-sets/{project_id}/detail", {}, "quota_set"


def _read_flavors(cloud: Cloud, reading: Reading) -> Flavors:
    flavors = Flavors()
    with reading.call("compute.flavors") as call:
        version = cloud.microversion("compute", VERSION)
        # is_public=None is Nova's way to say: those of every project, too
        for answer in cloud.listing("compute", "/flavors/detail", "flavors", {"is_public": "None"}, version):
            row = call.take("openstack_flavor", FLAVOR, answer)
            if row is not None:
                flavors.add(row)
    return flavors


def _changes_since(reading: Reading) -> datetime:
    """From when on changes must be read: from where servers or their actions were last, and some more."""
    cursor = reading.cursor
    last = [cursor.until(call) for call in (CHANGES, ACTIONS)]
    known = [moment for moment in last if moment is not None]
    if len(known) < len(last):
        return reading.habits.history_since
    return max(min(known) - reading.habits.overlap, reading.habits.history_since)


def _read_changes(cloud: Cloud, reading: Reading, flavors: Flavors) -> list[Row]:
    """Servers that changed, deleted ones included."""
    since = _changes_since(reading)
    changed = []
    with reading.call(CHANGES, start=since) as call:
        version = cloud.microversion("compute", VERSION)
        params = {"all_tenants": "True", "changes-since": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for answer in cloud.listing("compute", "/servers/detail", "servers", params, version):
            row = call.take(
                "openstack_server", SERVER, answer, complete=_completed(flavors), full_listing=False
            )
            if row is not None:
                changed.append(row)
    return changed


def _read_everything(cloud: Cloud, reading: Reading, flavors: Flavors) -> None:
    """Every server that exists: what is missing here, once this call succeeded, is gone."""
    with reading.call(FULL_LISTING) as call:
        version = cloud.microversion("compute", VERSION)
        for answer in cloud.listing(
            "compute", "/servers/detail", "servers", {"all_tenants": "True"}, version
        ):
            call.take("openstack_server", SERVER, answer, complete=_completed(flavors), full_listing=True)


def _completed(flavors: Flavors) -> Any:
    def complete(server: Row) -> None:
        server["deleted"] = server["status"] == "DELETED" or server["vm_state"] == "deleted"
        flavors.complete(server)

    return complete


def _read_hypervisors(cloud: Cloud, reading: Reading) -> None:
    with reading.call("compute.hypervisors") as call:
        version = cloud.microversion("compute", HYPERVISOR_VERSION)
        paged = version >= (2, 33)
        for answer in cloud.listing(
            "compute", "/os-hypervisors/detail", "hypervisors", version=version, paged=paged
        ):
            call.take("hypervisor", HYPERVISOR, answer)


def _read_tenant_usage(cloud: Cloud, reading: Reading) -> None:
    """Nova's own figures for today, and for each day that ended since they were last read."""
    last = reading.cursor.until("compute.tenant_usage") or reading.now
    first_day = _day(last)
    with reading.call("compute.tenant_usage", start=first_day) as call:
        version = cloud.microversion("compute", (2, 40))
        day = first_day
        while day < reading.now:
            end = min(day + timedelta(days=1), reading.now)
            for answer in _server_usages(cloud, day, end, version):
                call.take("openstack_tenant_usage", TENANT_USAGE, answer, period_start=day, period_end=end)
            day += timedelta(days=1)


def _server_usages(cloud: Cloud, start: datetime, end: datetime, version: tuple[int, int]) -> list[Answer]:
    params = {
        "detailed": "1",
        "start": start.strftime("%Y-%m-%dT%H:%M:%S"),
        "end": end.strftime("%Y-%m-%dT%H:%M:%S"),
    }
    usages: list[Answer] = []
    # A project's servers may be spread over pages, so the same project comes again: none is skipped.
    for project in cloud.listing(
        "compute",
        "/os-simple-tenant-usage",
        "tenant_usages",
        params,
        version,
        identify=lambda _: None,
        paged=version >= (2, 40),
    ):
        servers = project.said.get("server_usages") if isinstance(project.said, dict) else None
        if not isinstance(servers, list):
            raise CallFailed("GET compute /os-simple-tenant-usage: expected a list called server_usages")
        usages.extend(Answer(server, project.observed_at) for server in servers)
    return usages


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
