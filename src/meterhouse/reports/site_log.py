"""What does the transaction log of this site say for a period?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from meterhouse.reports.spans import read_spans
from meterhouse.reports.transaction_log import LogLine, log_lines
from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import find_grouping

if TYPE_CHECKING:
    from meterhouse.site import Site


def read_log(
    site: Site,
    first: date,
    last: date,
    *,
    filters: Mapping[str, list[str]] | None = None,
    items: list[str] | None = None,
    rules: str = "default",
    as_of: int | datetime | None = None,
) -> list[LogLine]:
    """The lines of the days `first` to `last`, both included; `filters` keep values of groupings."""
    zone = ZoneInfo(site.settings.site.time_zone)
    spans = read_spans(
        site,
        first,
        last,
        rules=rules,
        where={"item": items} if items else None,
        filters=tuple((find_grouping(name), tuple(values)) for name, values in (filters or {}).items()),
        whole_items=True,
        as_of=as_of,
    )
    return log_lines(spans, day_start(first, zone), day_start(last + timedelta(days=1), zone))
