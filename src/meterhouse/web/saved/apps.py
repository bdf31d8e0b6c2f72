"""How does Django know the tables of saved questions? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class SavedConfig(AppConfig):
    """Saved questions, and dashboards made of them."""

    name = "meterhouse.web.saved"
    label = "web_saved"
    default_auto_field = "django.db.models.BigAutoField"
