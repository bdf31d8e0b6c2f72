"""What does it cost to keep what is there for a year? Bytes times a rate per TiB-year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.amounts import TIB, rounded
from meterhouse.reports.storage.grouped import GROUPINGS, grouping_sql
from meterhouse.reports.storage.question import Asked

EVERY_VOLUME = ""


@dataclass(frozen=True, slots=True)
class CostRow:
    """What is kept on a volume, and its cost for a year at `rate` per TiB, rounded once."""

    volume: str
    what: str
    bytes: int
    rate: Decimal
    cost_per_year: Decimal


def rates_of(texts: list[str]) -> dict[str, Decimal]:
    """Rates by volume, of `RATE` (for every volume) or `VOLUME=RATE`. Raises QuestionError."""
    rates: dict[str, Decimal] = {}
    for text in texts:
        volume, _, amount = text.rpartition("=")
        try:
            rate = Decimal(amount)
        except InvalidOperation:
            rate = Decimal(-1)
        if not rate.is_finite() or rate < 0:
            raise QuestionError(f"rate: expected RATE or VOLUME=RATE, a number from 0 on, found {text!r}")
        rates[volume] = rate
    return rates


def cost_of_keeping(asked: Asked, rates: Mapping[str, Decimal], by: str = "group") -> list[CostRow]:
    """What everything costs by volume and `by`, the most expensive first. No volume is free by omission."""
    if by not in GROUPINGS:
        raise QuestionError(f"by: expected one of {', '.join(GROUPINGS)}, found {by!r}")
    unpriced = [scan.volume for scan in asked.scans if not {scan.volume, EVERY_VOLUME} & rates.keys()]
    if unpriced:
        raise QuestionError(f"rate: expected one for volume {', '.join(unpriced)}, found none")
    rows = []
    for scan in asked.each_scan():
        rate = rates.get(scan.volume, rates.get(EVERY_VOLUME, Decimal(0)))
        found = asked.engine.query(
            f"""SELECT {grouping_sql(by)} AS what, COALESCE(SUM({asked.bytes}), 0) AS bytes
                FROM ({asked.rows("filesystem_usage", [scan])}) GROUP BY 1""",
            name="cost of keeping",
        )
        for row in found.to_pylist():
            cost = rounded(int(row["bytes"]) * rate, TIB, 2)
            rows.append(CostRow(scan.volume, row["what"], int(row["bytes"]), rate, cost))
    return sorted(rows, key=lambda row: (-row.cost_per_year, -row.bytes, row.volume, row.what))
