"""Which volumes and snapshots does Cinder keep, attached or not?"""

from __future__ import annotations

from collections.abc import Iterator

from meterhouse.sources.openstack import quotas
from meterhouse.sources.openstack.cloud import Answer, Cloud
from meterhouse.sources.openstack.reading import Reading
from meterhouse.sources.openstack.said import Columns, Unfit, boolean, column, integer, time

# 3.64 says the encryption key; nothing beyond 3.59 says more about sizes or owners.
VERSION = (3, 59)


def _servers(attachments: object) -> str | None:
    """The servers that a volume is attached to, as one text."""
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise Unfit("a list of attachments", attachments)
    servers = sorted(str(one["server_id"]) for one in attachments if one.get("server_id"))
    return ",".join(servers) or None


VOLUME: Columns = {
    "volume_id": column("id", required=True),
    "name": column("name"),
    "project_id": column("os-vol-tenant-attr:tenant_id"),
    "user_id": column("user_id"),
    "status": column("status"),
    "size_gib": column("size", convert=integer, required=True),
    "volume_type": column("volume_type"),
    "availability_zone": column("availability_zone"),
    "attached_to": column("attachments", convert=_servers),
    "bootable": column("bootable", convert=boolean),
    "created_at": column("created_at", convert=time),
    "updated_at": column("updated_at", convert=time),
}
SNAPSHOT: Columns = {
    "snapshot_id": column("id", required=True),
    "name": column("name"),
    "project_id": column("os-extended-snapshot-attributes:project_id"),
    "user_id": column("user_id"),
    "status": column("status"),
    "size_gib": column("size", convert=integer, required=True),
    "volume_id": column("volume_id"),
    "created_at": column("created_at", convert=time),
    "updated_at": column("updated_at", convert=time),
}


def read(cloud: Cloud, reading: Reading) -> None:
    with reading.call("block_storage.volumes") as call:
        for answer in _all_projects(cloud, "/volumes/detail", "volumes"):
            call.take("openstack_volume", VOLUME, answer)
    with reading.call("block_storage.snapshots") as call:
        for answer in _all_projects(cloud, "/snapshots/detail", "snapshots"):
            call.take("openstack_volume_snapshot", SNAPSHOT, answer)
    quotas.read(cloud, reading, "block_storage", _quota_question)


def _all_projects(cloud: Cloud, path: str, key: str) -> Iterator[Answer]:
    version = cloud.microversion("block_storage", VERSION)
    return cloud.listing("block_storage", path, key, {"all_tenants": "True"}, version)


def _quota_question(project_id: str) -> tuple[str, dict[str, str], str]:
    return f"/os-quota-sets/{project_id}", {"usage": "True"}, "quota_set"
