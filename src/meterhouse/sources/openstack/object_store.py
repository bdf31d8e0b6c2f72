"""Which containers does each project keep in the object store, and how much is in them?"""

from __future__ import annotations

from meterhouse.sources.openstack.cloud import Answer, CallFailed, Cloud, Refused
from meterhouse.sources.openstack.identity import project_ids
from meterhouse.sources.openstack.reading import Call, Reading
from meterhouse.sources.openstack.said import Columns, column, integer, time

CONTAINER: Columns = {
    "name": column("name", required=True),
    "objects": column("count", convert=integer),
    "size_bytes": column("bytes", convert=integer, required=True),
    "storage_policy": column("storage_policy"),
    "updated_at": column("last_modified", convert=time),
}


def read(cloud: Cloud, reading: Reading) -> None:
    """One listing a project, so as often as everything is listed. A cloud without an object store is fine."""
    name = "object_store.containers"
    if not cloud.has("object_store") or not reading.is_due(name, reading.habits.full_listing):
        return
    with reading.call(name) as call:
        endpoint, own = cloud.endpoint("object_store").rstrip("/"), cloud.own_project_id()
        # Swift's account of a project is its endpoint with that project's id: reading others' needs the
        # reseller role. An endpoint without the id (some Ceph gateways) has only the caller's account.
        for project_id in project_ids(cloud) if own in endpoint else [own]:
            try:
                _read_account(cloud, call, endpoint.replace(own, project_id), project_id)
            except CallFailed as failure:
                call.part_failed(failure)


def _read_account(cloud: Cloud, call: Call, account: str, project_id: str) -> None:
    page_size, marker = cloud.patience.page_size, ""
    while True:
        params = {"format": "json", "limit": page_size, **({"marker": marker} if marker else {})}
        try:
            page = cloud.get("object_store", account, params)
        except Refused as refused:
            if refused.status == 404 and not marker:  # Swift makes an account when it is first written to
                return
            raise
        if not isinstance(page.said, list):
            raise CallFailed(f"containers of project {project_id}: expected a list")
        before = marker
        for said in page.said:
            row = call.take(
                "openstack_container",
                CONTAINER,
                Answer(said, page.observed_at),
                complete=lambda row: row.update(container_id=f"{row['project_id']}/{row['name']}"),
                project_id=project_id,
            )
            if row is not None:
                marker = row["name"]
        if len(page.said) < page_size:
            return
        if marker == before:
            raise CallFailed(f"containers of project {project_id}: the next page begins where this one did")
