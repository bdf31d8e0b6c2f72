"""Where does the next reading of a source begin, and how is that remembered for certain?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import meterhouse.register.configured  # noqa: F401
from meterhouse.operations.collection.models import SourceCursor
from meterhouse.register.transactions import asked, committed


def read_cursor(alias: str, source: str, resource: str) -> dict[str, Any] | None:
    """The cursor that the last landed reading gave; None before the first."""
    found = asked(alias, SourceCursor.objects.using(alias).filter(source=source, resource=resource).first)
    return found.cursor if found else None


def keep_cursor(alias: str, source: str, resource: str, cursor: dict[str, Any], batch_id: str) -> None:
    """Remember `cursor`. To be called after the batch that it came with has landed, never before."""

    def keep() -> None:
        SourceCursor.objects.using(alias).update_or_create(
            source=source,
            resource=resource,
            defaults={"cursor": cursor, "batch_id": batch_id, "updated_at": datetime.now(UTC)},
        )

    committed(alias, keep)
