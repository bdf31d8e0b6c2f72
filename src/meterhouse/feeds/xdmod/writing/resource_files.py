"""Which resources does Open XDMoD know, and how large were they? resources.json and resource_specs.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.feeds.xdmod.resource_types import RESOURCE_TYPES
from meterhouse.feeds.xdmod.writing.out_files import Written, write_array
from meterhouse.feeds.xdmod.writing.stored_items import storage_resource
from meterhouse.usage.capacity import Capacities

if TYPE_CHECKING:
    from meterhouse.settings import Resource

_NO_NODES = "The number of nodes is not declared."


def write_resource_files(
    resources: Sequence[Resource],
    capacities: Capacities,
    folder: Path,
    written: Written,
    *,
    milli_cpu: Sequence[str] = (),
    storing: Collection[str] = (),
) -> None:
    """Write both files for all resources of the site: Open XDMoD reads them as a whole.

    `capacities` are those to use where nothing is declared. Those in `milli_cpu` count thousandths of a
    core. What those in `storing` store is another resource to Open XDMoD.
    """
    entries = [_resource(one) for one in resources]
    entries += [_storage_of(one) for one in resources if one.name in storing]
    written.files.append(write_array(folder / "resources.json", entries))
    specs = [
        spec for one in resources for spec in _specs(one, capacities, 1000 if one.name in milli_cpu else 1)
    ]
    written.files.append(write_array(folder / "resource_specs.json", specs))


def _resource(resource: Resource) -> dict[str, Any]:
    kind = RESOURCE_TYPES[resource.kind]
    entry = {
        "resource": resource.name,
        "name": resource.title or resource.name,
        "resource_type": kind.abbreviation,
        "resource_allocation_type": "CPUNode" if kind.abbreviation == "HPC" else "CPU",
        "timezone": resource.time_zone,
    }
    if resource.organization:
        entry["organization"] = resource.organization
    return entry


def _storage_of(resource: Resource) -> dict[str, Any]:
    return _resource(resource) | {
        "resource": storage_resource(resource.name),
        "name": f"{resource.title or resource.name} storage",
        "resource_type": RESOURCE_TYPES["filesystem"].abbreviation,
        "resource_allocation_type": "CPU",
    }


def _specs(resource: Resource, capacities: Capacities, factor: int) -> list[dict[str, Any]]:
    if not resource.capacity:
        return [
            {
                "resource": resource.name,
                "cpu_node_count": 0,
                "cpu_processor_count": one.cores * factor,
                "start_date": one.start.isoformat(),
                "end_date": (one.end - timedelta(days=1)).isoformat() if one.end else None,
                "comments": _NO_NODES,
            }
            for one in capacities.get(resource.name, ())
        ]
    specs = []
    for declared in resource.capacity:
        spec: dict[str, Any] = {
            "resource": resource.name,
            "cpu_node_count": declared.nodes or 0,
            "cpu_processor_count": declared.cores * factor,
            "start_date": declared.start.isoformat(),
            # Open XDMoD's last day is included
            "end_date": (declared.end - timedelta(days=1)).isoformat() if declared.end else None,
        }
        if declared.gpus is not None:
            spec["gpu_processor_count"] = declared.gpus
        if declared.nodes is None:
            spec["comments"] = _NO_NODES
        else:
            spec["cpu_ppn"] = _per_node(declared.cores * factor, declared.nodes)
        specs.append(spec)
    return specs


def _per_node(cores: int, nodes: int) -> int | float:
    if nodes == 0:
        return 0
    return cores // nodes if cores % nodes == 0 else cores / nodes
