"""Does Nova count the same hours? Its os-simple-tenant-usage, server by server, beside our spans.

Nova counts a server from `started_at`, which it sets anew when a server is unshelved or resized: what
came before is gone from its figures. Such a difference is explained, and not adopted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from meterhouse.operations.verify.days import whole_seconds
from meterhouse.operations.verify.findings import Finding

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Row = dict[str, Any]

# Nova writes whole seconds, and reads its clock again between what it does and what it notes.
TOLERANCE = timedelta(seconds=5)
# Within it, a change of ours and a restart of Nova's clock are the same thing.
SAME_MOMENT = timedelta(seconds=60)

_COLUMNS = "resource server_id period_start period_end observed_at started_at ended_at hours state"

# The newest word on each server and period.
_USAGE = """
SELECT * FROM (
    SELECT *, ROW_NUMBER() OVER (
        PARTITION BY resource, server_id, period_start
        ORDER BY period_end DESC, observed_at DESC, batch_id, record
    ) AS newest
    FROM ({raw})
)
WHERE newest = 1 AND hours IS NOT NULL AND started_at IS NOT NULL
ORDER BY resource, server_id, period_start"""

_SPANS = """
SELECT s.* FROM ({spans}) AS s
WHERE s.rules = 'default' AND s.kind = 'vm' AND EXISTS (
    SELECT 1 FROM ({raw}) AS u WHERE u.resource = s.resource AND u.server_id = s.item)
ORDER BY resource, item, "start", "end" """


@dataclass(frozen=True, slots=True)
class _Ours:
    """A server's spans from when it was first known to run: before that, Nova doesn't count it either."""

    spans: list[Row]

    @classmethod
    def of(cls, spans: list[Row]) -> _Ours:
        built = [number for number, span in enumerate(spans) if span["state"] != "unknown"]
        return cls(spans[built[0] :] if built else [])

    def seconds(self, start: datetime, end: datetime) -> int:
        """How long the server existed within `[start, end)`."""
        parts = [(max(span["start"], start), min(span["end"], end)) for span in self.spans]
        return sum(whole_seconds(end) - whole_seconds(start) for start, end in parts if start < end)

    def heard_until(self) -> datetime | None:
        return self.spans[-1]["end"] if self.spans else None

    def is_open(self) -> bool:
        return bool(self.spans) and bool(self.spans[-1]["is_last"])

    def change_at(self, moment: datetime) -> tuple[Row, Row] | None:
        """The spans before and after a change at about that moment, where the server had existed before."""
        for before, after in zip(self.spans, self.spans[1:], strict=False):
            if abs(after["start"] - moment) <= SAME_MOMENT:
                return before, after
        return None


def compare_with_nova(
    raw: View,
    built: View,
    engine: DuckDBEngine,
    spans_engine: DuckDBEngine,
    start: datetime | None,
    end: datetime | None,
) -> Iterator[Finding]:
    """Servers of which Nova counts other hours than we do; a note where its clock restarted."""
    if not raw.files("openstack_tenant_usage"):
        return
    text = raw.select("openstack_tenant_usage")
    spans = spans_engine.query(_SPANS.format(spans=built.select("span"), raw=text)).to_pylist()
    ours = {
        key: _Ours.of(list(rows))
        for key, rows in groupby(spans, key=lambda row: (row["resource"], row["item"]))
    }
    for batch in engine.reader(_USAGE.format(raw=text)):
        for row in batch.to_pylist():
            if (start and row["period_end"] <= start) or (end and row["period_start"] >= end):
                continue
            yield from _compare(row, ours.get((row["resource"], row["server_id"]), _Ours([])))


def _compare(row: Row, ours: _Ours) -> Iterator[Finding]:
    first, last = row["period_start"], row["period_end"]
    theirs = timedelta(seconds=int((Decimal(row["hours"]) * 3600).to_integral_value()))
    where = f"{row['resource']} vm {row['server_id']}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"

    def finding(severity: Any, what: str, counted: timedelta) -> Finding:
        return Finding("nova", severity, what, f"Nova: {theirs}", f"Meterhouse: {counted}", where)

    counted = timedelta(seconds=ours.seconds(first, last))
    if _same(counted, theirs):
        return
    # Nova goes on counting what it doesn't know to be gone; we count what we heard of.
    heard = ours.heard_until()
    unheard = timedelta(0)
    if heard is not None and ours.is_open() and row["ended_at"] is None and heard < last:
        unheard = last - max(heard, first)
        if _same(counted + unheard, theirs):
            yield finding(
                "note", f"Nova counts on after {heard:%Y-%m-%d %H:%M:%S}, when it was last heard of", counted
            )
            return
    change = ours.change_at(row["started_at"])
    since = timedelta(seconds=ours.seconds(max(first, row["started_at"]), last))
    if change is not None and (_same(since, theirs) or _same(since + unheard, theirs)):
        before, after = change
        why = (
            "the server was unshelved"
            if before["state"] == "shelved"
            else f"{after['opened_by']} set its clock anew"
        )
        what = f"Nova counts only from {row['started_at']:%Y-%m-%d %H:%M:%S}, when {why}"
        yield finding("note", what, counted)
        return
    yield finding("error", "Nova counts other hours for a server", counted)


def _same(one: timedelta, other: timedelta) -> bool:
    return abs(one - other) <= TOLERANCE
