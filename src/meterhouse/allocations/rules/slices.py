"""On which days was it used? A run is cut at the site's midnights, pro rata by time (rule R7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from meterhouse.allocations.rules.quantities import split


def slices(start: datetime, end: datetime, raw: Decimal, time_zone: str) -> list[tuple[date, Decimal]]:
    """The site days that `[start, end)` touches, each with its part of `raw`; the parts add up to it.

    Moments without a zone are the site's own clock. A run of no length is its day's alone.
    """
    zone = ZoneInfo(time_zone)
    start, end = (moment if moment.tzinfo else moment.replace(tzinfo=zone) for moment in (start, end))
    if end < start:
        raise ValueError(f"expected an end after {start.isoformat()}, found {end.isoformat()}")
    day = start.astimezone(zone).date()
    if start == end:
        return [(day, raw)]
    days: list[date] = []
    lengths: list[int] = []
    at = start.astimezone(UTC)
    while at < end:
        midnight = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
        until = min(midnight, end.astimezone(UTC))
        days.append(day)
        lengths.append(round((until - at) / timedelta(microseconds=1)))
        at, day = until, day + timedelta(days=1)
    return list(zip(days, split(raw, lengths), strict=True))
