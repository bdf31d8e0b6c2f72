"""When does each site day begin and end, in UTC? From zoneinfo, clock changes included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa

CALENDAR = pa.schema(
    [
        ("day", pa.date32()),
        ("day_start", pa.timestamp("us", tz="UTC")),
        ("day_end", pa.timestamp("us", tz="UTC")),
        ("month", pa.string()),  # 2018-04
        ("quarter", pa.string()),  # 2018-Q2
        ("year", pa.string()),  # 2018
    ]
)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of `day` in `zone`, as UTC: the first midnight where it comes twice, and the
    moment of the jump where clocks skip it."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=64)  # tables never change
def calendar_table(first: date, last: date, time_zone: str) -> pa.Table:
    """The days `first` to `last`, both included: schema CALENDAR, without gap or overlap.

    A day that a zone left out (Samoa had no 30 December 2011) isn't there.
    """
    zone = ZoneInfo(time_zone)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    bounds = [day_start(day, zone) for day in [*days, last + timedelta(days=1)]]
    lasting = [n for n in range(len(days)) if bounds[n] < bounds[n + 1]]
    return pa.table(
        {
            "day": [days[n] for n in lasting],
            "day_start": [bounds[n] for n in lasting],
            "day_end": [bounds[n + 1] for n in lasting],
            "month": [f"{days[n]:%Y-%m}" for n in lasting],
            "quarter": [f"{days[n].year}-Q{(days[n].month + 2) // 3}" for n in lasting],
            "year": [f"{days[n].year}" for n in lasting],
        },
        schema=CALENDAR,
    )
