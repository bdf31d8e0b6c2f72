"""Which floating IPs, routers, networks, subnets and ports does Neutron hold?"""

from __future__ import annotations

from collections.abc import Callable

from meterhouse.sources.openstack import quotas
from meterhouse.sources.openstack.cloud import Cloud
from meterhouse.sources.openstack.reading import Reading
from meterhouse.sources.openstack.said import Columns, Unfit, column, text, time


def _addresses(value: object) -> str | None:
    """A port's fixed addresses as one text."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unfit("a list of addresses", value)
    return ",".join(str(one.get("ip_address")) for one in value) or None


def _kind(
    kind: str,
    address: str = "",
    network: str = "",
    device: str = "",
    as_address: Callable[[object], str | None] = text,
) -> Columns:
    columns = {
        f"{kind}_id": column("id", required=True),
        "name": column("name"),
        "project_id": column("project_id"),
        "status": column("status"),
        "created_at": column("created_at", convert=time),
        "updated_at": column("updated_at", convert=time),
    }
    if address:
        columns["address"] = column(address, convert=as_address)
    if network:
        columns["network_id"] = column(network)
    if device:
        columns["device_id"] = column(device)
    if kind == "port":
        columns["device_owner"] = column("device_owner")
    return columns


LISTINGS: list[tuple[str, str, Columns]] = [
    (
        "floatingips",
        "floating_ip",
        _kind("floating_ip", "floating_ip_address", "floating_network_id", "port_id"),
    ),
    ("routers", "router", _kind("router")),
    ("networks", "network", _kind("network")),
    ("subnets", "subnet", _kind("subnet", "cidr", "network_id")),
    ("ports", "port", _kind("port", "fixed_ips", "network_id", "device_id", _addresses)),
]


def read(cloud: Cloud, reading: Reading) -> None:
    for key, kind, columns in LISTINGS:
        with reading.call(f"network.{kind}s") as call:
            for answer in cloud.listing("network", f"/{key}", key):
                call.take(f"openstack_{kind}", columns, answer)
    quotas.read(cloud, reading, "network", _quota_question)


def _quota_question(project_id: str) -> tuple[str, dict[str, str], str]:
    return f"/quotas/{project_id}/details.json", {}, "quota"
