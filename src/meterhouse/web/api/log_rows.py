"""Which lines of the transaction log may somebody see? Those of the spans that they may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.reports.spans import read_spans
from meterhouse.reports.transaction_log import COLUMNS, log_lines
from meterhouse.site import Site
from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import find_grouping
from meterhouse.web.asking import filters_of
from meterhouse.web.rights import Right

_TYPES: dict[str, pa.DataType] = {"time": pa.timestamp("us", tz="UTC"), "record": pa.int64()}
LOG_COLUMN_TYPES: dict[str, pa.DataType] = {name: _TYPES.get(name, pa.string()) for name in COLUMNS}


def log_rows(
    site: Site,
    first: date,
    last: date,
    where: Iterable[str],
    items: Sequence[str],
    profile: str,
    right: Right,
    snapshot: int,
) -> list[dict[str, Any]]:
    """The lines of a period, in order of time; `where` keeps grouping=value, `items` some items only."""
    zone = ZoneInfo(site.settings.site.time_zone)
    kept = tuple((find_grouping(name), tuple(values)) for name, values in filters_of(where).items())
    found = read_spans(
        site,
        first,
        last,
        rules=profile,
        where={"item": list(items)} if items else None,
        filters=(*kept, *right.filters),
        whole_items=True,
        as_of=snapshot,
    )
    lines = log_lines(found, day_start(first, zone), day_start(last + timedelta(days=1), zone))
    return [{name: getattr(line, name) for name in COLUMNS} for line in lines]
