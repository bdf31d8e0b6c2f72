"""What does a reading of a file give? Read to the end and laid out for a test to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.tables import RAW_TABLES


@dataclass
class Reading:
    """Everything that a delivery's stream gave."""

    delivery: Delivery
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)

    @property
    def coverage(self) -> Coverage:
        (coverage,) = self.coverages
        return coverage

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


def read(delivery: Delivery) -> Reading:
    reading = Reading(delivery)
    for item in delivery.stream:
        if isinstance(item, Rows):
            assert item.records.schema == RAW_TABLES[item.table].schema
            reading.rows += item.records.to_pylist()
        elif isinstance(item, Rejection):
            reading.rejections.append(item)
        else:
            reading.coverages.append(item)
    return reading
