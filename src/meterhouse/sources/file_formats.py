"""Which kinds of file can be read? Our own, and those that installed packages add.

A package adds a kind by an entry point in the group `meterhouse.file_formats`; its name is the kind,
its value a function `read(path, resource) -> Delivery`:

    [project.entry-points."meterhouse.file_formats"]
    our-cloud-log = "our_package.cloud_log:read_cloud_log"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.errors import QuestionError

if TYPE_CHECKING:  # it brings pyarrow, which a list of kinds doesn't need
    from meterhouse.sources.delivery import Delivery

ENTRY_POINTS = "meterhouse.file_formats"

Reader = Callable[..., "Delivery"]  # of a path and a resource


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of file: its name, where its reader is ("module:function"), and what it holds."""

    kind: str
    target: str
    doc: str

    def reader(self) -> Reader:
        """The function that reads it, imported now: it brings heavy libraries with it."""
        reader: Reader = EntryPoint(self.kind, self.target, ENTRY_POINTS).load()
        return reader

    def read(self, path: Path, resource: str, **how: str) -> Delivery:
        """The delivery of one file for `resource`; `how` are the options that this kind has."""
        return self.reader()(path, resource, **how)


FILE_FORMATS: dict[str, FileFormat] = {
    file_format.kind: file_format
    for file_format in (
        FileFormat(
            "openstack-events",
            "meterhouse.sources.openstack.event_files:read_openstack_events",
            "OpenStack events as Open XDMoD's openstack format has them: a JSON array a file",
        ),
        FileFormat(
            "openstack-listings",
            "meterhouse.sources.openstack.listing_files:read_openstack_listings",
            "Saved answers of OpenStack's APIs: projects, users, servers, volumes ... as JSON",
        ),
        FileFormat(
            "generic-cloud",
            "meterhouse.sources.generic_cloud:read_generic_cloud",
            "Cloud events as Open XDMoD's genericcloud format has them: a JSON object a line",
        ),
        FileFormat(
            "kubernetes-metrics",
            "meterhouse.sources.kubernetes.metrics_file:read_kubernetes_metrics",
            "Requests of OpenShift's pods, as NERC's collector records them: metrics-YYYY-MM-DD.json",
        ),
        FileFormat(
            "hypervisor-facts",
            "meterhouse.sources.hypervisor_facts:read_hypervisor_facts",
            "Capacity of each hypervisor as Open XDMoD's cloudresourcespecs format has it",
        ),
        FileFormat(
            "slurm",
            "meterhouse.sources.slurm.job_files:read_slurm",
            "Jobs of a cluster as Slurm's accounting says them: lines of sacct, sacct --json, slurmrestd",
        ),
        FileFormat(
            "storage-usage",
            "meterhouse.sources.storage_usage:read_storage_usage",
            "What each user keeps on each mountpoint, as Open XDMoD's storage format has it",
        ),
        FileFormat(
            "scan",
            "meterhouse.sources.filesystem.scans:read_scan_file",
            "Scans of a volume: mpistat, wrstat, find -printf, GPFS policy lists, GUFI traces (--volume)",
        ),
        FileFormat(
            "quota",
            "meterhouse.sources.filesystem.quotas:read_quota_file",
            "Quotas of a volume: lfs quota, mmrepquota -Y, repquota -O csv, zfs userspace, CSV (--volume)",
        ),
    )
}


def file_formats() -> dict[str, FileFormat]:
    """All kinds by name, those of installed packages after our own, which they can't replace."""
    kinds = dict(FILE_FORMATS)
    for entry_point in entry_points(group=ENTRY_POINTS):
        package = entry_point.dist.name if entry_point.dist else entry_point.module
        kinds.setdefault(
            entry_point.name, FileFormat(entry_point.name, entry_point.value, f"From the package {package}")
        )
    return kinds


def files_below(paths: Iterable[Path], command: str) -> list[Path]:
    """The files that `paths` name, and those in the folders among them, but for hidden ones.

    Raises QuestionError, in the name of `command`, for what is neither.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise QuestionError(f"{command}: expected a file or folder, found {path}")
    return found
