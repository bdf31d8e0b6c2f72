"""How is Django set up without a project folder? With these settings, and no default database."""

from __future__ import annotations

# Every folder of Meterhouse that keeps tables in the register stands here by name.
INSTALLED_APPS = [
    "meterhouse.warehouse.catalogue",
    "meterhouse.operations.collection",
    "meterhouse.directory.register",
    "meterhouse.allocations.register",
    "meterhouse.reports.storage.register",
]
DATABASES: dict[str, dict[str, object]] = {}  # added as sites are opened
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None  # logging belongs to the program that runs, not to its database
