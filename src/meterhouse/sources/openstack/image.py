"""Which images does Glance store?"""

from __future__ import annotations

from meterhouse.sources.openstack.cloud import Cloud
from meterhouse.sources.openstack.reading import Reading
from meterhouse.sources.openstack.said import Columns, column, integer, time

IMAGE: Columns = {
    "image_id": column("id", required=True),
    "name": column("name"),
    "project_id": column("owner"),
    "user_id": column("user_id"),  # snapshots of servers say who made them
    "status": column("status"),
    "size_bytes": column("size", convert=integer),
    "visibility": column("visibility"),
    "disk_format": column("disk_format"),
    "image_type": column("image_type"),
    "created_at": column("created_at", convert=time),
    "updated_at": column("updated_at", convert=time),
}


def read(cloud: Cloud, reading: Reading) -> None:
    """An administrator's plain listing has every project's images; hidden ones are a listing of their own."""
    for name, params in (("image.images", {}), ("image.hidden_images", {"os_hidden": "true"})):
        with reading.call(name) as call:
            for answer in cloud.listing("image", "/images", "images", params):
                call.take("openstack_image", IMAGE, answer)
