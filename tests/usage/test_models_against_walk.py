"""Do the SQL models do what the rules say? They are compared with a walk that knows no SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.operations.verify.days import GROUP, DayTotal, DayTotals, SiteDays
from meterhouse.operations.verify.spans import span_row
from meterhouse.usage.build import model_text
from meterhouse.usage.building.steps import COUNTED_AS_A_WHOLE
from meterhouse.usage.calendar import calendar_table
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.event_streams import ZONES, Event, many_streams, raw_events
from strategies.models import Row, modelled, walked, with_batches
from strategies.profiles import examples


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


def sorted_rows(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted((name, str(value)) for name, value in row.items())) for row in rows)


def agree(engine: DuckDBEngine, events: list[Event]) -> int:
    """Compare item by item; returns how many spans there were."""
    batches = [f"batch-{event.batch}" for event in events]
    raw = {"openstack_event": with_batches(raw_events(events), batches)}
    by_item: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    by_models = modelled(engine, raw)
    for row in by_models:
        by_item[row["item"]][0].append(row)
    for session, opened, closed in walked(raw):
        row = span_row(session)
        # with all records and nothing built before, the first telling is the evidence
        assert (row["opened_batch"], row["opened_record"]) in opened
        assert (row["closed_batch"], row["closed_record"]) in closed
        by_item[row["item"]][1].append(row)
    for item, (models, walk) in by_item.items():
        assert sorted_rows(models) == sorted_rows(walk), [e for e in events if e.item == item]
    return len(by_models)


def day_parts(engine: DuckDBEngine, zone: str) -> dict[tuple[object, ...], DayTotal]:
    """Daily usage of `event_span` by the models, by the walk's groups."""
    engine.relation("signed_span", f"SELECT *, {COUNTED_AS_A_WHOLE} FROM event_span")
    engine.relation("calendar", calendar_table(date(2018, 10, 26), date(2018, 10, 31), zone))
    totals: dict[tuple[object, ...], DayTotal] = {}
    for row in engine.query(model_text("daily_part")).to_pylist():
        total = totals.setdefault(tuple(row[name] for name in GROUP), DayTotal())
        total.seconds += row["wall_seconds"]
        total.begun += row["begun"]
        total.ceased += row["ceased"]
        total.spans += row["spans"]
    return totals


@examples(4)
@given(events=many_streams(), zone=st.sampled_from(ZONES))
def test_the_models_and_the_walk_count_the_same_seconds_a_day(engine, events, zone):
    raw = {"openstack_event": with_batches(raw_events(events), ["b"] * len(events))}
    modelled(engine, raw)
    by_walk = DayTotals(SiteDays(zone))
    by_walk.add(session for session, _, _ in walked(raw))
    assert day_parts(engine, zone) == by_walk.by_group


@examples(25)
@given(events=many_streams())
def test_the_models_and_the_walk_make_the_same_spans(engine, events):
    agree(engine, events)
