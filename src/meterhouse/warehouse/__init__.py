"""What do we have, exactly as it was said? Raw and derived tables, batches, coverage, snapshots.

register = open_register(site / "register.sqlite"); register.migrate()
with Warehouse(site / "warehouse", register) as warehouse:
    landed = warehouse.land(delivery)
    view = warehouse.view()                      # or as_of=<snapshot number or time>
    sql = view.select("openstack_event")         # for DuckDB
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meterhouse.warehouse.errors import (
        BuildConflict,
        FilesVanished,
        UnknownSnapshot,
        WarehouseError,
    )
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.landing import Landed
    from meterhouse.warehouse.publishing import NewFile
    from meterhouse.warehouse.store import Warehouse
    from meterhouse.warehouse.view import View

__all__ = [
    "BuildConflict",
    "FilesVanished",
    "Landed",
    "NewFile",
    "TableFile",
    "UnknownSnapshot",
    "View",
    "Warehouse",
    "WarehouseError",
]

# Imported when first used: Django and pyarrow take longer to load than most commands to run.
_HOMES = {
    "BuildConflict": "errors",
    "FilesVanished": "errors",
    "UnknownSnapshot": "errors",
    "WarehouseError": "errors",
    "Landed": "landing",
    "NewFile": "publishing",
    "Warehouse": "store",
    "TableFile": "landed",
    "View": "view",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
