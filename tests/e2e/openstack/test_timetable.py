"""A real OpenStack, a timetable, and two ways of collecting: both give the timetable's hours.

A step happened between the moment it was asked for and the moment it was seen done, and Nova shows a new
state a moment before it says that it has ended. A notification carries its own moment to the microsecond;
Nova's actions and the others' times are cut to the second.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from reference_walk import Stretch, stretches_by_item
from said_events import item_events

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.openstack.cloud import Patience
from meterhouse.sources.openstack.collector import collect
from meterhouse.sources.openstack.reading import Habits

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="session")
def polled(played) -> dict[str, list[Stretch]]:
    return stretches_by_item(item_events("openstack_observation", played.polls))


@pytest.fixture(scope="session")
def notified(played) -> dict[str, list[Stretch]]:
    return stretches_by_item(item_events("openstack_event", played.notifications))


def expected_stretches(steps, item):
    """The item's states and sizes by the timetable, each with the bracket of its start."""
    stretches = []
    for step in (step for step in steps if step.item == item):
        if not stretches or (stretches[-1].state, stretches[-1].size) != (step.state, step.size):
            stretches.append(step)
    return stretches


def items(steps, *kinds):
    return {step.item: step.name for step in steps if step.kind in kinds}


def starts(stretches: list[Stretch]) -> list[tuple[str, str, datetime]]:
    """Each state and size with when it began, and `gone` with when the last ended."""
    said = [(one.state, one.size, one.start) for one in stretches]
    last = stretches[-1]
    return said + ([("gone", last.size, last.end)] if last.end else [])


def assert_agree(stretches, steps, item, cut_to_the_second):
    expected = [step for step in expected_stretches(steps, item) if step.state != "unknown"]
    told = starts(stretches)
    assert [(state, size) for state, size, _ in told] == [(step.state, step.size) for step in expected]
    for (_, _, began), step in zip(told, expected, strict=True):
        earliest = step.asked - (SECOND if cut_to_the_second else timedelta(0))
        assert earliest <= began <= step.done + SECOND, step


RAN = ("every-state", "every-size", "brief", "stays")


@pytest.mark.parametrize("name", RAN)
def test_notifications_put_each_step_of_a_server_where_it_happened(played, notified, name):
    item = next(step.item for step in played.steps if step.name == name)
    assert_agree(notified[item], played.steps, item, cut_to_the_second=False)


@pytest.mark.parametrize("name", RAN)
def test_polls_put_each_step_of_a_server_where_it_happened_to_the_second(played, polled, name):
    item = next(step.item for step in played.steps if step.name == name)
    assert_agree(polled[item], played.steps, item, cut_to_the_second=True)


@pytest.mark.parametrize("kind", ["volume", "snapshot", "floating_ip", "router", "network", "image"])
def test_notifications_put_each_step_of_other_things_where_it_happened(played, notified, kind):
    for item in items(played.steps, kind):
        if kind in ("volume", "snapshot", "image"):
            assert_agree(notified[item], played.steps, item, cut_to_the_second=False)
        else:
            steps = [step for step in played.steps if step.item == item]
            (life,) = notified[item]
            assert steps[0].asked <= life.start <= steps[0].done
            assert steps[-1].asked <= life.end <= steps[-1].done


def test_both_ways_give_the_same_hours_in_each_state_and_size(played, polled, notified):
    """To the second at both ends, for every server that ran; a shelve and a delete end a little later
    or earlier in Nova's actions, within what the timetable brackets."""
    for item, name in items(played.steps, "vm").items():
        by_poll, by_note = hours(polled.get(item, [])), hours(notified.get(item, []))
        assert by_poll.keys() == by_note.keys(), name
        for state_and_size, seconds in by_note.items():
            stretches = sum((one.state, one.size) == state_and_size for one in notified[item])
            slack = sum(
                (step.done - step.asked).total_seconds() for step in played.steps if step.item == item
            )
            assert abs(by_poll[state_and_size] - seconds) <= min(2.0 * stretches + 1.0, slack), (
                name,
                state_and_size,
            )


def hours(stretches: list[Stretch]) -> dict[tuple[str, str], float]:
    """Seconds in each state and size, of the stretches that have ended."""
    total: dict[tuple[str, str], float] = defaultdict(float)
    for one in stretches:
        if one.end is not None:
            total[one.state, one.size] += (one.end - one.start).total_seconds()
    return dict(total)


def test_a_server_that_never_ran_has_no_hours(played, polled, notified):
    never_ran = [step for step in played.steps if step.name in ("broken", "nowhere")]
    assert {step.name for step in never_ran} == {"broken", "nowhere"}
    for step in never_ran:
        assert polled.get(step.item, []) == []
        assert notified.get(step.item, []) == []


def test_a_server_that_lived_between_two_polls_is_seen(played, polled):
    """`brief` was gone before the poll after next; a poll that saw it alive would make this test idle."""
    create, delete = (step for step in played.steps if step.name == "brief")
    (life,) = polled[create.item]
    assert (life.state, life.size) == ("active", "large")
    assert create.asked - SECOND <= life.start <= create.done + SECOND
    assert delete.asked - SECOND <= life.end <= delete.done + SECOND


def test_polls_see_the_steps_of_a_volume_that_they_found(played, polled):
    for item in items(played.steps, "volume"):
        last = expected_stretches([step for step in played.steps if step.state != "gone"], item)[-1]
        assert polled[item][-1].size == last.size


def test_every_step_was_told_in_both_formats_and_counts_once(played):
    events = [
        row["event_type"]
        for rows in played.notifications
        if isinstance(rows, Rows)
        for row in rows.records.to_pylist()
        if row["display_name"] == "every-state"
    ]
    assert events.count("compute.instance.power_off.end") == 1
    assert events.count("instance.power_off.end") == 1


def test_every_call_succeeded_every_record_was_taken_and_every_action_is_known(played):
    said = played.polls + played.notifications
    assert [one for one in said if isinstance(one, Rejection)] == []
    coverage = [one for one in said if isinstance(one, Coverage)]
    assert [one for one in coverage if one.outcome == "failed" or one.detail] == []


def test_the_smallest_pages_of_the_real_services_give_all_that_large_ones_give(played, connect):
    ids = {"openstack_server": "server_id", "openstack_image": "image_id", "openstack_port": "port_id"}
    ids |= {"openstack_tenant_usage": "server_id", "openstack_server_action": "request_id"}

    def read(page_size):
        habits = Habits(patience=Patience(page_size=page_size))
        (collected,) = collect(connect(), "testcloud", None, datetime.now(UTC), habits)
        said = list(collected.delivery.stream)
        assert [one for one in said if isinstance(one, Coverage) and one.outcome == "failed"] == []
        rows = [(one.table, row) for one in said if isinstance(one, Rows) for row in one.records.to_pylist()]
        return sorted((table, row[ids[table]]) for table, row in rows if table in ids)

    assert read(page_size=1) == read(page_size=1000)


def test_the_bus_was_covered_without_a_gap(played):
    windows = [one for one in played.notifications if isinstance(one, Coverage)]
    assert all(before.end == after.start for before, after in pairwise(windows))


def test_no_secret_is_kept(played):
    for rows in played.polls + played.notifications:
        if isinstance(rows, Rows):
            text = str(rows.records.to_pylist())
            assert "auth_token" not in text
            assert "gAAAA" not in text  # how Keystone's tokens begin
