"""The Django app of collection."""

from __future__ import annotations

from django.apps import AppConfig


class CollectionConfig(AppConfig):
    """Keeps the cursors of sources in the register."""

    name = "meterhouse.operations.collection"
    label = "collection"
