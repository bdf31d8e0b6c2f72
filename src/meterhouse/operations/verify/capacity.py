"""Were more cores in use than there were? Running VMs against what the hypervisors had at that moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import groupby
from typing import TYPE_CHECKING

from meterhouse.operations.verify.findings import Finding

if TYPE_CHECKING:
    from meterhouse.settings import Settings
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

# A reading names all hypervisors; its pages may lie some seconds apart.
_READINGS = """
SELECT resource, MIN(observed_at) AS moment, CAST(SUM(vcpus) AS BIGINT) AS cores
FROM ({raw}) GROUP BY resource, batch_id, date_trunc('minute', observed_at) ORDER BY resource, moment"""

_CHANGES = """
SELECT resource, moment, CAST(SUM(cores) AS BIGINT) AS cores
FROM (
    SELECT resource, "start" AS moment, vcpus AS cores FROM running
    UNION ALL
    SELECT resource, "end" AS moment, -vcpus AS cores FROM running
)
GROUP BY resource, moment ORDER BY resource, moment"""


@dataclass(frozen=True, slots=True)
class _Capacity:
    """How many cores there were from each moment on."""

    moments: list[datetime]
    cores: list[int]

    def at(self, moment: datetime) -> int | None:
        """None before the first that is known."""
        position = bisect_right(self.moments, moment)
        return self.cores[position - 1] if position else None


def capacity_exceeded(view: View, engine: DuckDBEngine, settings: Settings) -> Iterator[Finding]:
    """Where more cores were in use than there were (as overcommitting clouds do): the most, and how often."""
    known = _capacities(view, engine, settings)
    if not known:
        return
    engine.relation(
        "running",
        f"SELECT * FROM ({view.select('span')}) WHERE rules = 'default' AND kind = 'vm' AND state = 'active' "
        "AND vcpus IS NOT NULL",
    )
    changes = (row for batch in engine.reader(_CHANGES) for row in batch.to_pylist())
    for resource, of_resource in groupby(changes, key=lambda row: str(row["resource"])):
        capacity = known.get(resource)
        if capacity is None:
            continue
        in_use, times, worst = 0, 0, (0, 0, 0, datetime.min.replace(tzinfo=UTC))
        was_exceeded = False
        for change in of_resource:
            in_use += change["cores"]
            there = capacity.at(change["moment"])
            exceeded = there is not None and in_use > there
            times += exceeded and not was_exceeded
            was_exceeded = exceeded
            if exceeded and there is not None and in_use - there > worst[0]:
                worst = (in_use - there, in_use, there, change["moment"])
        if times:
            _, in_use, there, moment = worst
            yield Finding(
                "capacity", "warning", "more cores in use than the hypervisors had", f"at most {there} cores",
                f"{in_use} cores at {moment:%Y-%m-%d %H:%M:%S}; more than there were {times} times in all",
                resource,
            )  # fmt: skip


def _capacities(view: View, engine: DuckDBEngine, settings: Settings) -> dict[str, _Capacity]:
    found: dict[str, _Capacity] = {}
    for resource in settings.resources:
        if resource.capacity:
            moments = [datetime.combine(period.start, time.min, UTC) for period in resource.capacity]
            found[resource.name] = _Capacity(moments, [period.cores for period in resource.capacity])
    if view.files("hypervisor"):
        readings = engine.query(_READINGS.format(raw=view.select("hypervisor"))).to_pylist()
        for name, of_resource in groupby(readings, key=lambda row: str(row["resource"])):
            rows = [row for row in of_resource if row["cores"] is not None]
            if rows:
                found[name] = _Capacity([row["moment"] for row in rows], [row["cores"] for row in rows])
    return found
