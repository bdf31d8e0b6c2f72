"""Which tables does the ledger keep? All of them, as Django wants them: in one module of the app."""

from __future__ import annotations

from meterhouse.allocations.register.decided import (
    Alert,
    AlertDelivery,
    AllocationDraw,
    PoolStatement,
    PostedUsage,
    SuspendedUsage,
    UsageAdjustment,
    UsageCharge,
)
from meterhouse.allocations.register.grants import (
    Allocation,
    AllocationPeriod,
    AllocationPolicy,
    AllocationPool,
    Grant,
    ProjectCap,
    Scheme,
)
from meterhouse.allocations.register.groups import OwnedGroup
from meterhouse.allocations.register.resources import (
    Machine,
    PeriodCalendar,
    Resource,
    ResourcePool,
    ResourceRate,
)

__all__ = [
    "Alert",
    "AlertDelivery",
    "Allocation",
    "AllocationDraw",
    "AllocationPeriod",
    "AllocationPolicy",
    "AllocationPool",
    "Grant",
    "Machine",
    "OwnedGroup",
    "PeriodCalendar",
    "PoolStatement",
    "PostedUsage",
    "ProjectCap",
    "Resource",
    "ResourcePool",
    "ResourceRate",
    "Scheme",
    "SuspendedUsage",
    "UsageAdjustment",
    "UsageCharge",
]
