"""Does a build that goes on from the last give what a build of everything gives?"""

from __future__ import annotations

import pytest

from strategies.event_streams import Event
from strategies.examples import EIGHT, NO_SIZE, ONE, TWO, vm
from strategies.sites import build_site, land, new_site, usage_of


def assert_the_same_in_steps(*steps: list[Event], zone: str = "UTC") -> None:
    """Land and build step by step; then everything anew."""
    with new_site(zone) as site:
        for number, step in enumerate(steps):
            land(site, step, f"step {number}")
            assert build_site(site).way == ("incremental" if number else "full")
        in_steps = usage_of(site)
        build_site(site, full=True)
        assert in_steps == usage_of(site)


def test_late_under_one_rule_set_and_not_under_the_other():
    # For Open XDMoD nothing was heard after 1 o'clock, so its open span grows over two site days.
    assert_the_same_in_steps(
        [vm(1, "resize.confirm.end"), vm(30, "restore.end")],
        [vm(19, "power_on.start")],
        zone="America/Havana",
    )


def test_an_event_at_the_very_moment_of_the_last_one():
    assert_the_same_in_steps(
        [vm(1, "create.end"), vm(4, "exists")], [vm(4, "power_off.end")], [vm(4, "update", "active")]
    )


@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_event_told_in_contradicting_ways_in_any_order(first):
    tellings = [
        [vm(3, "power_off.start", flavor=flavor, batch=n)] for n, flavor in enumerate((ONE, TWO, EIGHT))
    ]
    order = [*tellings[first:], *tellings[:first]]
    assert_the_same_in_steps([vm(1, "create.end")], *order, [vm(5, "exists")])


def test_a_retelling_that_says_what_lost_before():
    one, two = vm(3, "create.end", flavor=ONE), vm(3, "create.end", flavor=TWO)
    for steps in ([[two], [one], [two, vm(9, "update", "building")], [one]], [[one, two], [two], [one]]):
        assert_the_same_in_steps(*steps, [vm(5, "exists", flavor=TWO)])


def test_the_last_that_was_heard_said_no_size():
    assert_the_same_in_steps(
        [vm(1, "create.end", flavor=ONE), vm(2, "exists", flavor=NO_SIZE)],
        [vm(3, "exists", flavor=ONE), vm(4, "exists", flavor=TWO)],
    )


def test_two_heartbeats_at_one_moment_at_the_end_of_a_build():
    for hosts in ((None, "h"), ("h", None), ("a", "b")):
        one, other = vm(3, "exists", host=hosts[0]), vm(3, "update", host=hosts[1])
        assert_the_same_in_steps([vm(1, "create.end"), one, other], [vm(5, "exists"), vm(6, "power_off.end")])


def test_a_stop_told_twice_at_the_end_of_a_build_and_a_heartbeat_after_it():
    stop = vm(3, "power_off.end", "stopped")
    assert_the_same_in_steps([vm(1, "create.end"), stop, stop], [vm(6, "exists")])


def test_events_before_a_delete_that_come_late():
    assert_the_same_in_steps(
        [vm(1, "create.end"), vm(40, "delete.end", "deleted")],
        [vm(10, "power_off.end", "stopped")],
        [vm(5, "finish_resize.end", flavor=TWO), vm(6, "resize.confirm.end", flavor=TWO)],
        [vm(0.5, "create.start", "building")],
    )


def test_running_goes_on_over_a_build_without_beginning_again():
    assert_the_same_in_steps(
        [vm(1, "create.end", flavor=ONE), vm(2, "finish_resize.end", flavor=TWO)],
        [vm(3, "exists", flavor=TWO)],
        [vm(4, "resize.confirm.end", flavor=TWO), vm(30, "exists", flavor=TWO)],
        [vm(31, "power_off.end", flavor=TWO), vm(32, "power_on.end", flavor=TWO)],
    )


def test_what_was_deleted_and_is_seen_again():
    assert_the_same_in_steps(
        [vm(1, "create.end"), vm(2, "delete.end")],
        [vm(4, "exists")],
        [vm(5, "resize.confirm.end")],
        [vm(6, "exists")],
    )
    assert_the_same_in_steps([vm(2, "delete.end")], [vm(3, "resize.confirm.end")], [vm(6, "exists")])
