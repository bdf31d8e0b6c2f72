"""How does Django know the tables of reports on file systems? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class StorageReportsConfig(AppConfig):
    """Group reports by date, and people's decisions about directories."""

    name = "meterhouse.reports.storage.register"
    label = "storage_reports"
    default_auto_field = "django.db.models.BigAutoField"
