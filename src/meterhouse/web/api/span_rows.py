"""Which spans may somebody see? Rows for the API and for exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from meterhouse.reports.spans import read_spans
from meterhouse.site import Site
from meterhouse.usage.tables import SPAN
from meterhouse.web.asking import filters_of
from meterhouse.web.rights import Right

SPAN_COLUMN_TYPES: dict[str, pa.DataType] = {field.name: field.type for field in SPAN}


def span_rows(
    site: Site, first: date, last: date, where: Sequence[str], profile: str, right: Right, snapshot: int
) -> Iterable[Mapping[str, Any]]:
    """Those of a period, with SPAN_COLUMN_TYPES; `where` are columns with their values."""
    return read_spans(
        site,
        first,
        last,
        rules=profile,
        where=filters_of(where),
        filters=right.filters,
        as_of=snapshot,
    )
