"""How does a value stand in a file that other programs read? As plain JSON, and moments as UTC with a Z."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


def utc_text(moment: datetime) -> str:
    """`2018-04-18T14:58:45.774847Z`: ISO 8601, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: object) -> Any:
    """A value as JSON has it: exact decimals and moments as text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
