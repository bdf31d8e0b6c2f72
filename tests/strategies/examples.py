"""How is a rule written down as an example? A few events by the hour in, spans by the hour out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from meterhouse.operations.verify.spans import span_row
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.event_streams import FLAVORS, Event, raw_events
from strategies.models import modelled, walked, with_batches

DAY = datetime(2018, 4, 18, tzinfo=UTC)
ONE, TWO, EIGHT = FLAVORS[:3]  # 1, 2 and 8 vCPUs
NO_SIZE = FLAVORS[4]

Span = tuple[str, float, float]


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def vm(hour: float, name: str, state: str | None = "active", **more: Any) -> Event:
    """An event of a VM at that hour of 18 April 2018; `name` without its prefix."""
    return Event(more.pop("item", "vm"), at(hour), f"compute.instance.{name}", state, **more)


def span_rows(rules: str, *events: Event) -> list[dict[str, Any]]:
    """The spans by the models, in order; the walk has to agree."""
    raw = {"openstack_event": with_batches(raw_events(list(events)), [f"b{event.batch}" for event in events])}
    with DuckDBEngine(threads=1) as engine:
        rows = [row for row in modelled(engine, raw) if row["rules"] == rules]
    rows.sort(key=lambda row: (row["item"], row["start"], row["end"]))
    by_walk = [span_row(session) for session, _, _ in walked(raw) if session.rules == rules]
    by_walk.sort(key=lambda row: (row["item"], row["start"], row["end"]))
    assert rows == by_walk
    return rows


def spans(rules: str, *events: Event) -> list[Span]:
    """(state, from hour, to hour) of each span."""
    return [(row["state"], hour(row["start"]), hour(row["end"])) for row in span_rows(rules, *events)]


def hour(moment: datetime) -> float:
    return (moment - DAY) / timedelta(hours=1)


def starts_and_ends(rules: str, *events: Event) -> tuple[int, int]:
    """How often running began and ceased."""
    rows = span_rows(rules, *events)
    return sum(row["begins"] for row in rows), sum(row["ceases"] for row in rows)
