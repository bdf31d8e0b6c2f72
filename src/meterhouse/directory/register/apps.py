"""How does Django know the directory's tables? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Institutions, people, projects and what ties them, since when."""

    name = "meterhouse.directory.register"
    label = "directory"
    default_auto_field = "django.db.models.BigAutoField"
