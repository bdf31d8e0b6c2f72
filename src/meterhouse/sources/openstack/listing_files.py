"""What did OpenStack's APIs answer, as saved in files? Listings as one JSON object a file.

A file holds what `GET /v3/projects` and the like answer: an object whose keys name the listings
(`projects`, `users`, `domains`, `flavors`, `servers`, `volumes`, `snapshots`, `images`,
`hypervisors`), and may say `observed_at`; without it, the file's last change is when it was said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.file_content import FileContent, file_content
from meterhouse.sources.openstack import block_storage, compute, identity, image
from meterhouse.sources.openstack.said import Columns, Unfit, shown, time, typed
from meterhouse.sources.tables import RAW_TABLES

SOURCE = "openstack-listings"

LISTINGS: dict[str, tuple[str, Columns]] = {
    "projects": ("openstack_project", identity.PROJECT),
    "users": ("openstack_user", identity.USER),
    "domains": ("openstack_domain", identity.DOMAIN),
    "flavors": ("openstack_flavor", compute.FLAVOR),
    "servers": ("openstack_server", compute.SERVER),
    "volumes": ("openstack_volume", block_storage.VOLUME),
    "snapshots": ("openstack_volume_snapshot", block_storage.SNAPSHOT),
    "images": ("openstack_image", image.IMAGE),
    "hypervisors": ("hypervisor", compute.HYPERVISOR),
}


def read_openstack_listings(path: str | Path, resource: str) -> Delivery:
    """The delivery of one file of listings."""
    content = file_content(path, SOURCE, resource)
    return Delivery(SOURCE, resource, content.origin, content.content_key, _records(content, resource))


def _records(content: FileContent, resource: str) -> Iterator[Rows | Rejection | Coverage]:
    with content.open() as file:
        raw = file.read()
    content.check_unchanged()
    observed_at: datetime | None = content.changed_at
    try:
        said = json.loads(raw)
        if not isinstance(said, dict):
            raise Unfit("a JSON object of listings", said)
        observed_at = time(said.get("observed_at")) or content.changed_at
    except Unfit as error:
        yield Rejection(content.origin, 0, "observed_at", error.expected, error.found)
        yield Coverage("listings", content.changed_at, content.changed_at, "failed")
        return
    except (ValueError, RecursionError) as error:
        yield Rejection(content.origin, 0, "", "a JSON object of listings", type(error).__name__)
        yield Coverage("listings", content.changed_at, content.changed_at, "failed")
        return
    end = observed_at + timedelta(microseconds=1)
    for key, value in said.items():
        if key not in LISTINGS:
            continue
        table, columns = LISTINGS[key]
        if not isinstance(value, list):
            yield Rejection(content.origin, 0, key, "a list", shown(value))
            yield Coverage(key, observed_at, end, "failed")
            continue
        schema = RAW_TABLES[table].schema
        good = []
        for number, one in enumerate(value, start=1):
            row = typed(one, columns, f"{content.origin} {key}", number)
            if isinstance(row, Rejection):
                yield row
            else:
                row.update(resource=resource, record=number, observed_at=observed_at)
                good.append({name: row.get(name) for name in schema.names})
        if good:
            yield Rows(table, pa.RecordBatch.from_pylist(good, schema=schema))
        yield Coverage(key, observed_at, end, "ok" if good else "empty", len(good))
