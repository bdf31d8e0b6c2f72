"""Which raw tables are there? Those of every source, each declared beside the source that reads it."""

from __future__ import annotations

from meterhouse.sources import generic_cloud_tables, storage_tables, xdmod_tables
from meterhouse.sources.directory import tables as directory_tables
from meterhouse.sources.filesystem import tables as filesystem_tables
from meterhouse.sources.kubernetes import tables as kubernetes_tables
from meterhouse.sources.openstack import tables as openstack_tables
from meterhouse.sources.raw_table import RawTable
from meterhouse.sources.slurm import tables as slurm_tables

# A source adds the module that declares its tables, as TABLES.
TABLE_MODULES = (
    openstack_tables,
    generic_cloud_tables,
    slurm_tables,
    kubernetes_tables,
    storage_tables,
    filesystem_tables,
    xdmod_tables,
    directory_tables,
)

RAW_TABLES: dict[str, RawTable] = {table.name: table for module in TABLE_MODULES for table in module.TABLES}
