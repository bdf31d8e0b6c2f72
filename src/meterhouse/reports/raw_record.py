"""What exactly did the source say? A raw record, found by its batch and number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from meterhouse.register.transactions import asked
from meterhouse.warehouse.catalogue.models import Batch

if TYPE_CHECKING:
    from meterhouse.site import Site


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A row of a raw table, by column, and the batch in which it came; of one record there may be several."""

    table: str
    values: dict[str, Any]
    source: str
    resource: str
    origin: str
    recorded_at: datetime


def raw_records(site: Site, batch_id: str, record: int) -> list[RawRecord]:
    """What that record of that batch said; empty when there is none, or it isn't kept any more."""
    alias = site.register.alias
    batch = asked(alias, Batch.objects.using(alias).filter(id=batch_id).first)
    if batch is None:
        return []
    view = site.warehouse.view()
    window = None
    if batch.min_time is not None and batch.max_time is not None:
        window = (batch.min_time, batch.max_time + timedelta(microseconds=1))
    found = []
    with site.engine() as engine, view.reading():
        for table in sorted(batch.rows_by_table):
            rows = engine.query(
                f"SELECT * FROM ({view.select(table, overlapping=window)}) WHERE batch_id = ? AND record = ?",
                [batch_id, record],
                name=f"raw record of {table}",
            )
            found += [
                RawRecord(table, values, batch.source, batch.resource, batch.origin, batch.recorded_at)
                for values in rows.to_pylist()
            ]
    return found
