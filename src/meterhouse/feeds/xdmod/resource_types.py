"""What does Open XDMoD call a kind of resource? Its abbreviation, in resources.json, and its description."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resource as Open XDMoD's resource_types.json has it."""

    abbreviation: str
    description: str


# By kind of resource in meterhouse.toml. Buckets are disks to Open XDMoD: its realm Storage holds both.
RESOURCE_TYPES: dict[str, ResourceType] = {
    "cloud": ResourceType("Cloud", "Cloud resource"),
    "cluster": ResourceType("HPC", "High-performance computing"),
    "filesystem": ResourceType("Disk", "Disk storage resource"),
    "objectstore": ResourceType("Disk", "Disk storage resource"),
}
