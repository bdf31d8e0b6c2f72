"""How much could a resource have given? Dated core counts, from declarations or from hypervisor listings.

A capacity that nobody stated is unknown, never zero: a percentage of it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol, get_args
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

CapacitySource = Literal["auto", "declared", "hypervisors"]
CAPACITY_SOURCES: tuple[str, ...] = get_args(CapacitySource)

# Calls that list every hypervisor of a cloud; a file of the first may hold several listings.
_FACTS_FILE = "hypervisor-facts"
_LISTING_CALLS = (_FACTS_FILE, "compute.hypervisors")


@dataclass(frozen=True, slots=True)
class DatedCapacity:
    """`cores` from day `start` until before day `end` (for good when None), in the site's days."""

    start: date
    end: date | None
    cores: int


Capacities = Mapping[str, Sequence[DatedCapacity]]


class _Period(Protocol):
    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date | None: ...
    @property
    def cores(self) -> int: ...


class _Resource(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def capacity(self) -> Sequence[_Period]: ...


def declared_capacities(resources: Iterable[_Resource]) -> dict[str, tuple[DatedCapacity, ...]]:
    """What the site's settings say of each resource; one without a declaration isn't there."""
    return {
        resource.name: tuple(DatedCapacity(one.start, one.end, one.cores) for one in resource.capacity)
        for resource in resources
        if resource.capacity
    }


def hypervisor_capacities(
    view: View, engine: DuckDBEngine, time_zone: str
) -> dict[str, tuple[DatedCapacity, ...]]:
    """What the hypervisor listings of each resource say.

    A listing names every hypervisor: one that a later listing leaves out is gone from that day on. The last
    listing of a site day holds for the whole day, and until the next. A listing that was not read to its end,
    or in which a hypervisor does not say its vCPUs, is no listing.
    """
    failed = [
        window.batch_id
        for call in _LISTING_CALLS
        for window in view.coverage(call=call, outcome="failed")
        if window.outcome == "failed" and window.call in _LISTING_CALLS
    ]
    files = [batch.id for batch in view.batches(source=_FACTS_FILE)]
    engine.relation("hypervisor_failed", pa.table({"batch_id": pa.array(failed, pa.string())}))
    engine.relation("hypervisor_file", pa.table({"batch_id": pa.array(files, pa.string())}))
    listings = engine.query(
        f"""
        WITH host AS (
            SELECT h.resource, h.batch_id, CASE WHEN f.batch_id IS NOT NULL THEN h.observed_at END AS told_at,
                COALESCE(h.hostname, h.hypervisor_id) AS host,
                MAX(h.observed_at) AS moment, ARG_MAX(h.vcpus, h.record) AS vcpus,
                BOOL_OR(h.vcpus IS NULL) AS is_unsaid
            FROM ({view.select("hypervisor")}) AS h
            LEFT JOIN hypervisor_file AS f ON f.batch_id = h.batch_id
            WHERE NOT EXISTS (SELECT 1 FROM hypervisor_failed AS x WHERE x.batch_id = h.batch_id)
            GROUP BY ALL
        )
        SELECT resource, MAX(moment) AS moment, CAST(SUM(vcpus) AS BIGINT) AS cores
        FROM host GROUP BY resource, batch_id, told_at
        HAVING NOT BOOL_OR(is_unsaid)
        ORDER BY resource, moment, cores""",
        name="hypervisor capacity",
    ).to_pylist()
    zone = ZoneInfo(time_zone)
    by_day: dict[str, dict[date, int]] = {}
    for listing in listings:
        moment: datetime = listing["moment"]
        by_day.setdefault(listing["resource"], {})[moment.astimezone(zone).date()] = listing["cores"]
    return {resource: _dated(days) for resource, days in by_day.items()}


def _dated(by_day: dict[date, int]) -> tuple[DatedCapacity, ...]:
    changes: list[tuple[date, int]] = []
    for day, cores in sorted(by_day.items()):
        if not changes or changes[-1][1] != cores:
            changes.append((day, cores))
    ends: list[date | None] = [*(day for day, _ in changes[1:]), None]
    return tuple(DatedCapacity(day, end, cores) for (day, cores), end in zip(changes, ends, strict=True))


def chosen_capacities(
    source: CapacitySource,
    declared: Mapping[str, tuple[DatedCapacity, ...]],
    view: View,
    engine: DuckDBEngine,
    time_zone: str,
) -> dict[str, tuple[DatedCapacity, ...]]:
    """The capacities from `source`; "auto" takes what is declared, and listings where nothing is."""
    if source == "declared":
        return dict(declared)
    listed = hypervisor_capacities(view, engine, time_zone)
    return listed if source == "hypervisors" else {**listed, **declared}


def capacity_core_seconds(capacity: Sequence[DatedCapacity], first: date, last: date, time_zone: str) -> int:
    """Cores times seconds on the site days `first` to `last`, both included; 0 where nothing is known."""
    zone = ZoneInfo(time_zone)
    after = last + timedelta(days=1)
    total = 0
    for one in capacity:
        start, end = max(one.start, first), min(one.end or after, after)
        if start < end:
            seconds = day_start(end, zone) - day_start(start, zone)
            total += one.cores * (seconds.days * 86400 + seconds.seconds)
    return total


def known_core_seconds(
    capacities: Capacities, resources: Iterable[str], first: date, last: date, time_zone: str
) -> int:
    """Cores times seconds of all `resources` on the days `first` to `last`.

    Raises QuestionError for a resource of which no capacity is known on any of these days.
    """
    total = 0
    for resource in sorted(resources):
        found = capacity_core_seconds(capacities.get(resource, ()), first, last, time_zone)
        if found == 0:
            days = f"on {first}" if first == last else f"between {first} and {last}"
            raise _unknown(resource, days)
        total += found
    return total


def _unknown(resource: str, days: str) -> QuestionError:
    return QuestionError(
        f"capacity: expected one of resource {resource!r} {days}, declared in meterhouse.toml "
        "(resources.capacity) or from hypervisor listings, found none"
    )


def known_cores(capacities: Capacities, resources: Iterable[str], day: date) -> int:
    """Cores of all `resources` on `day`. Raises QuestionError for one of which none are known that day."""
    total = 0
    for resource in sorted(resources):
        cores = sum(
            one.cores
            for one in capacities.get(resource, ())
            if one.start <= day and (one.end is None or day < one.end)
        )
        if cores == 0:
            raise _unknown(resource, f"on {day}")
        total += cores
    return total


def core_utilisation_percent(
    core_seconds: int | Fraction,
    capacities: Capacities,
    resources: Iterable[str],
    first: date,
    last: date,
    time_zone: str,
    decimals: int = 4,
) -> Decimal:
    """Used core seconds in percent of what `resources` had on the days `first` to `last`, rounded half up.

    Raises QuestionError where no capacity is known.
    """
    had = known_core_seconds(capacities, resources, first, last, time_zone)
    return rounded(Fraction(100 * core_seconds, had), decimals)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """An exact value, rounded once, half up (away from zero), to `decimals`."""
    return rounded_ratio(value.numerator, value.denominator, decimals)


def rounded_ratio(numerator: int, denominator: int, decimals: int) -> Decimal:
    """As `rounded`, of two integers, the second positive."""
    units = (2 * abs(numerator) * 10**decimals + denominator) // (2 * denominator)
    # from text: exact, whatever the precision of the decimal context
    return Decimal(f"{units if numerator >= 0 else -units}E-{decimals}")
