"""Until when has each source been read? A cursor, kept only after what it covers has landed."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint


class SourceCursor(models.Model):
    """Where the next reading of a source begins: what that source's collector gave, as JSON."""

    source = models.CharField(max_length=200)
    resource = models.CharField(max_length=200)
    cursor = models.JSONField()
    batch_id = models.CharField(max_length=64)  # the landing that it was given with
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(name="source_cursor_is_one_a_source", fields=["source", "resource"]),
            CheckConstraint(name="source_cursor_names_its_source", condition=~Q(source="")),
        ]

    def __str__(self) -> str:
        return f"{self.source} of {self.resource}"
