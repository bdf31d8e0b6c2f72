"""Do the invariants of usage hold (design.md: Conservation, Idempotence, Order, Split, As of, Evidence)?"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from strategies.event_streams import ZONES, Event, batches_of, many_streams
from strategies.profiles import sites
from strategies.sites import build_site, counted, land, new_site, rows_of, usage_of

zones = st.sampled_from(ZONES)
a_lot = many_streams(each=8, count=60)
WHOLE_SECOND = timedelta(seconds=1)


@sites(3)
@given(
    events=a_lot,
    zone=zones,
    order=st.permutations(range(4)),
    builds=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_order_batches_may_land_in_any_order_with_builds_in_between(events, zone, order, builds):
    batches = batches_of(events)
    with new_site(zone) as at_once, new_site(zone) as piecemeal:
        for number, batch in enumerate(batches):
            land(at_once, batch, str(number))
        assert build_site(at_once).way == "full"
        expected = usage_of(at_once)

        for number, builds_now in zip([n for n in order if n < len(batches)], builds, strict=False):
            land(piecemeal, batches[number], str(number))
            if builds_now:
                build_site(piecemeal)
        build_site(piecemeal)
        assert_same(usage_of(piecemeal), expected)
        # After a full build, evidence is the same, too: nothing depends on when it was recorded.
        build_site(piecemeal, full=True)
        assert_same((counted(rows_of(piecemeal, "span")), counted(rows_of(piecemeal, "daily"))),
                    (counted(rows_of(at_once, "span")), counted(rows_of(at_once, "daily"))))  # fmt: skip


@sites(3)
@given(events=a_lot, zone=zones)
def test_split_building_day_by_day_equals_building_at_once(events, zone):
    by_day: dict[object, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.time):
        by_day.setdefault(event.time.date(), []).append(event)
    with new_site(zone) as at_once, new_site(zone) as daily:
        for day, of_day in by_day.items():
            land(at_once, of_day, str(day))
            land(daily, of_day, str(day))
            build_site(daily)
        build_site(at_once)
        assert_same(usage_of(daily), usage_of(at_once))


@sites(3)
@given(events=a_lot)
def test_idempotence_landing_and_building_again_changes_nothing(events):
    with new_site() as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
        build_site(site)
        before = counted(rows_of(site, "span")), counted(rows_of(site, "daily"))
        for number, batch in enumerate(batches_of(events)):
            assert not land(site, batch, str(number))
        assert build_site(site).way == "nothing new"
        assert_same((counted(rows_of(site, "span")), counted(rows_of(site, "daily"))), before)


@sites(3)
@given(events=a_lot)
def test_idempotence_saying_the_same_again_in_other_batches_changes_no_usage(events):
    """Evidence may name the other record that says the very same. Tellings that contradict each other at
    one moment are left out: which of them counts hangs on their batches (and not on the order of landing)."""
    events = without_contradictions(events)
    with new_site() as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
        build_site(site)
        before = usage_of(site)
        for number, batch in enumerate(batches_of(events)):
            assert land(site, random.Random(number).sample(batch, len(batch)), f"again {number}")
        build_site(site)
        assert_same(usage_of(site), before)
        build_site(site, full=True)
        assert_same(usage_of(site), before)


@sites(2)
@given(events=a_lot, zone=zones)
def test_as_of_a_past_snapshot_is_what_it_was_however_much_came_since(events, zone):
    with new_site(zone) as site:
        known = []
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
            build_site(site)
            known.append((site.warehouse.view().snapshot, everything(site)))
        site.warehouse.compact(every_small_file=True)
        build_site(site, full=True)
        site.warehouse.collect_garbage()
        for snapshot, expected in known:
            assert_same(everything(site, snapshot), expected)


@sites(3)
@given(events=a_lot, zone=zones)
def test_conservation_splitting_by_day_loses_no_second(events, zone):
    with new_site(zone) as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
            build_site(site)
        by_spans: Counter[tuple[object, ...]] = Counter()
        for span in rows_of(site, "span"):
            group = tuple(span[name] for name in GROUP)
            by_spans[*group, "seconds"] += seconds(span["start"], span["end"])
            by_spans[*group, "begun"] += span["begins"]
            by_spans[*group, "ceased"] += span["ceases"]
        by_days: Counter[tuple[object, ...]] = Counter()
        for day in rows_of(site, "daily"):
            group = tuple(day[name] for name in GROUP)
            by_days[*group, "seconds"] += day["wall_seconds"]
            by_days[*group, "begun"] += day["begun"]
            by_days[*group, "ceased"] += day["ceased"]
            assert day["wall_seconds"] >= 0
            assert day["spans"] > 0
        assert +by_days == +by_spans


@sites(3)
@given(events=a_lot)
def test_evidence_each_span_names_records_that_opened_and_closed_it(events):
    with new_site() as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
            build_site(site)
        raw = {(row["batch_id"], row["record"]): row for row in rows_of(site, "openstack_event")}
        for span in rows_of(site, "span"):
            opened = raw[span["opened_batch"], span["opened_record"]]
            assert (opened["instance_id"], opened["event_type"]) == (span["item"], span["opened_by"])
            assert opened["generated"] == span["start"]
            closed = raw[span["closed_batch"], span["closed_record"]]
            assert (closed["instance_id"], closed["generated"]) == (span["item"], span["end"])
            assert span["closed_by"] in (None, closed["event_type"])
            for column, said in (("host", "host"), ("project_ref", "project_id")):
                assert opened[said] == span[column]
            # where it names no size, the one before it holds
            assert opened["vcpus"] in (None, span["vcpus"])


GROUP = (
    "rules",
    "resource",
    "kind",
    "state",
    "project_ref",
    "user_ref",
    "class",
    "vcpus",
    "memory_mib",
    "disk_gib",
)


def seconds(start, end):
    """Whole seconds between the whole seconds of both ends."""
    return (end.replace(microsecond=0) - start.replace(microsecond=0)) // WHOLE_SECOND


def everything(site, snapshot=None):
    view = site.warehouse.view(snapshot)
    return tuple(
        counted(rows_of(site, table, view)) for table in ("openstack_event", "span", "item_tail", "daily")
    )


def without_contradictions(events):
    """Of tellings of one event only those that agree with the first."""
    first: dict[object, Event] = {}
    return [
        event
        for event in events
        if replace(first.setdefault((event.item, event.time, event.event, event.host), event), batch=0)
        == replace(event, batch=0)
    ]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        if one != other:
            surplus, missing = (dict(next(iter(rows), ())) for rows in (one - other, other - one))
            raise AssertionError(f"found {surplus}, expected {missing}")
