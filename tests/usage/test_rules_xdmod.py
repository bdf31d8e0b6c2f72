"""How does Open XDMoD count? Its session rules, one example each (reference: "Session rules")."""

from __future__ import annotations

import pytest

from strategies.examples import EIGHT, NO_SIZE, ONE, TWO, span_rows, starts_and_ends, vm
from strategies.examples import spans as spans_of


def spans(*events):
    return spans_of("xdmod", *events)


def test_a_session_is_what_lies_between_two_changes_of_state():
    assert spans(vm(1, "create.start"), vm(2, "create.end"), vm(5, "power_off.end"), vm(9, "delete.end")) == [
        ("unknown", 1, 2),
        ("active", 2, 5),
        ("inactive", 5, 9),
    ]


def test_a_start_after_a_start_splits():
    assert spans(vm(1, "create.end"), vm(3, "power_on.end"), vm(4, "delete.end")) == [
        ("active", 1, 3),
        ("active", 3, 4),
    ]


def test_a_heartbeat_extends():
    assert spans(vm(1, "create.end"), vm(2, "exists"), vm(6, "exists")) == [("active", 1, 6)]


@pytest.mark.parametrize(
    "stop", ["shutdown.end", "suspend.end", "shelve_offload.end", "power_off.end", "pause.end"]
)
def test_a_heartbeat_after_a_stop_reopens(stop):
    state = "shelved" if "shelve" in stop else "inactive"
    assert spans(vm(1, stop), vm(4, "exists"), vm(6, "exists")) == [(state, 1, 4), ("active", 4, 6)]


@pytest.mark.parametrize("event", ["power_off.start", "shutdown.start", "pause.start", "unshelve.start"])
def test_a_heartbeat_after_the_start_of_a_stop_only_extends(event):
    state = "unknown" if event == "shutdown.start" else "inactive"
    assert spans(vm(1, event), vm(4, "exists"), vm(6, "exists")) == [(state, 1, 6)]


def test_only_a_heartbeat_that_says_active_counts():
    said = [
        vm(hour, "exists", state)
        for hour, state in enumerate(["stopped", "deleted", "error", "resized", None], 2)
    ]
    assert spans(vm(1, "create.end"), *said) == [("active", 1, 1)]
    assert spans(vm(1, "create.end"), vm(9, "exists", "ACTIVE")) == [("active", 1, 9)]


def test_without_an_end_a_session_lasts_until_the_last_heartbeat_and_is_counted_as_ended():
    events = [vm(1, "create.end"), vm(7, "exists")]
    assert spans(*events) == [("active", 1, 7)]
    assert starts_and_ends("xdmod", *events) == (1, 1)
    assert spans(vm(1, "create.end")) == [("active", 1, 1)]


def test_a_delete_that_comes_first_is_ignored_and_a_delete_never_opens():
    assert spans(vm(1, "delete.end")) == []
    assert spans(vm(1, "delete.end"), vm(2, "create.end"), vm(3, "delete.end")) == [("active", 2, 3)]


def test_what_is_seen_active_after_a_delete_is_a_new_session():
    assert spans(vm(1, "create.end"), vm(2, "delete.end"), vm(4, "exists"), vm(5, "exists")) == [
        ("active", 1, 2),
        ("active", 4, 5),
    ]


def test_a_create_that_failed_never_runs():
    events = [
        vm(1, "create.start", "building"),
        vm(2, "create.error", "error"),
        vm(3, "delete.end", "deleted"),
    ]
    assert spans(*events) == [("unknown", 1, 3)]
    assert starts_and_ends("xdmod", *events) == (0, 0)


def test_a_confirmed_resize_copies_the_state_and_is_no_start():
    events = [
        vm(1, "create.end", flavor=ONE),
        vm(3, "resize.confirm.end", flavor=TWO),
        vm(7, "delete.end", flavor=TWO),
    ]
    assert spans(*events) == [("active", 1, 3), ("active", 3, 7)]
    assert [row["vcpus"] for row in span_rows("xdmod", *events)] == [1, 2]
    # one start, at 1; one end, at 7: neither counts where the resize lies between
    assert [(row["begins"], row["ceases"]) for row in span_rows("xdmod", *events)] == [(1, 0), (0, 1)]
    stopped = [vm(1, "power_off.end"), vm(3, "resize.confirm.end"), vm(7, "delete.end")]
    assert spans(*stopped) == [("inactive", 1, 3), ("inactive", 3, 7)]


def test_a_confirmed_resize_with_nothing_before_it_is_unknown():
    assert spans(vm(1, "resize.confirm.end"), vm(2, "exists")) == [("unknown", 1, 2)]
    assert spans(
        vm(1, "create.end"), vm(2, "delete.end"), vm(3, "resize.confirm.end"), vm(4, "delete.end")
    ) == [
        ("active", 1, 2),
        ("unknown", 3, 4),
    ]


def test_only_a_confirmed_resize_takes_effect():
    resize = [
        vm(2, "resize.start", flavor=ONE),
        vm(3, "finish_resize.end", flavor=TWO),
        vm(4, "exists", flavor=TWO),
    ]
    rows = span_rows("xdmod", vm(1, "create.end", flavor=ONE), *resize, vm(5, "delete.end", flavor=TWO))
    assert [(row["start"].hour, row["end"].hour, row["vcpus"]) for row in rows] == [(1, 5, 1)]


def test_what_happens_at_one_moment_goes_by_event_number_the_highest_first():
    # create.end is 2, power_off.end 45: the stop comes first, then the start
    assert spans(vm(1, "create.end"), vm(1, "power_off.end"), vm(3, "delete.end")) == [
        ("inactive", 1, 1),
        ("active", 1, 3),
    ]
    # exists is 16, delete.end 6: the heartbeat comes first, and the VM is gone
    assert spans(vm(0, "create.end"), vm(1, "delete.end"), vm(1, "exists")) == [("active", 0, 1)]


def test_the_same_event_is_told_once_but_on_two_hosts_it_is_two():
    assert spans(vm(1, "create.end"), vm(1, "create.end", batch=1), vm(2, "delete.end")) == [("active", 1, 2)]
    assert spans(vm(1, "create.end", host="a"), vm(1, "create.end", host="b"), vm(2, "delete.end")) == [
        ("active", 1, 1),
        ("active", 1, 2),
    ]


def test_without_cores_or_a_known_flavor_it_is_unknown():
    for flavor in (NO_SIZE, (None, 2, 1024, 1), ("m", 2, None, 1), ("m0", 0, 512, 1)):
        assert spans(vm(1, "create.end", flavor=flavor), vm(2, "delete.end")) == [("unknown", 1, 2)]
    assert spans(vm(1, "create.end", flavor=EIGHT), vm(2, "delete.end")) == [("active", 1, 2)]


def test_events_that_it_does_not_map_change_nothing():
    unmapped = [
        vm(2, "reboot.end"),
        vm(3, "shelve.end"),
        vm(4, "update", "stopped"),
        vm(5, "live_migration._post.end"),
    ]
    assert spans(vm(1, "create.end"), *unmapped, vm(9, "delete.end")) == [("active", 1, 9)]
