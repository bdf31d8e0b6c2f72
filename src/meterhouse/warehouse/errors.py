"""What can go wrong with the warehouse, and what can the caller do about it?"""

from __future__ import annotations

from meterhouse.errors import MeterhouseError


class WarehouseError(MeterhouseError):
    """Anything that the warehouse refuses."""


class UnknownTable(WarehouseError):
    """No raw table has that name, and no derived table was declared under it."""


class UnknownSnapshot(WarehouseError):
    """There is no such snapshot: after the newest, or before the first."""


class SnapshotNotKept(WarehouseError):
    """The derived tables of that snapshot were given up by retention; raw tables still answer for it."""


class DeliveryRefused(WarehouseError):
    """A delivery breaks its contract; nothing of it has landed."""


class BuildConflict(WarehouseError):
    """Another build was published since this one began. Begin again from a new view."""


class FilesVanished(WarehouseError):
    """Files of a view were superseded and deleted while it was being read.

    Nothing is lost: take a new view (of the same snapshot, if need be) and read again.
    """
