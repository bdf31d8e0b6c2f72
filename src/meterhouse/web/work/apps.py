"""How does Django know the tables of background work? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """Asked-for reports and exports, and schedules."""

    name = "meterhouse.web.work"
    label = "web_work"
    default_auto_field = "django.db.models.BigAutoField"
