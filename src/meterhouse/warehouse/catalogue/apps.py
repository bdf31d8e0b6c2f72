"""What is the catalogue called in Django? The app `catalogue`."""

from __future__ import annotations

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "meterhouse.warehouse.catalogue"
    label = "catalogue"
    default_auto_field = "django.db.models.BigAutoField"
