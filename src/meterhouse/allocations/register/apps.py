"""How does Django know the ledger's tables? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class AllocationsConfig(AppConfig):
    """Resource pools, grants, allocations, and what was decided about usage."""

    name = "meterhouse.allocations.register"
    label = "allocations"
    default_auto_field = "django.db.models.BigAutoField"
