"""What is correct? The rules of the default profile, one example each."""

from __future__ import annotations

import pytest

from strategies.event_streams import Event
from strategies.examples import EIGHT, NO_SIZE, ONE, TWO, at, hour, span_rows, starts_and_ends, vm
from strategies.examples import spans as spans_of


def spans(*events):
    return spans_of("default", *events)


def sized(*events):
    """(vCPUs, from hour, to hour) of each span."""
    return [(row["vcpus"], hour(row["start"]), hour(row["end"])) for row in span_rows("default", *events)]


def test_a_start_after_a_start_goes_on():
    assert spans(vm(1, "create.end"), vm(3, "power_on.end"), vm(4, "delete.end")) == [("active", 1, 4)]


def test_the_start_of_an_action_changes_nothing_yet():
    assert spans(vm(1, "create.end"), vm(3, "power_off.start"), vm(4, "power_off.end"), vm(6, "delete.start"),
                 vm(7, "delete.end")) == [("active", 1, 4), ("inactive", 4, 7)]  # fmt: skip


def test_stopped_and_shelved_are_apart():
    assert spans(vm(1, "create.end"), vm(2, "power_off.end"), vm(3, "power_on.end"), vm(4, "shelve.end"),
                 vm(5, "shelve_offload.end"), vm(8, "unshelve.end"), vm(9, "delete.end")) == [
        ("active", 1, 2), ("inactive", 2, 3), ("active", 3, 4), ("shelved", 4, 8), ("active", 8, 9),
    ]  # fmt: skip


def test_a_resize_bills_each_size_for_its_own_time():
    assert sized(vm(1, "create.end", flavor=ONE), vm(3, "finish_resize.end", flavor=TWO),
                 vm(4, "resize.confirm.end", flavor=TWO), vm(8, "delete.end", flavor=TWO)) == [
        (1, 1, 3), (2, 3, 8),
    ]  # fmt: skip


def test_a_reverted_resize_gives_the_old_size_back():
    assert sized(vm(1, "create.end", flavor=ONE), vm(3, "finish_resize.end", flavor=EIGHT),
                 vm(4, "resize.revert.end", flavor=ONE), vm(8, "delete.end", flavor=ONE)) == [
        (1, 1, 3), (8, 3, 4), (1, 4, 8),
    ]  # fmt: skip


def test_a_resize_of_a_stopped_vm_leaves_it_stopped():
    assert spans(vm(1, "power_off.end"), vm(3, "finish_resize.end", flavor=TWO), vm(5, "delete.end")) == [
        ("inactive", 1, 3),
        ("inactive", 3, 5),
    ]


def test_a_heartbeat_counts_with_the_state_that_it_says():
    assert spans(vm(1, "create.end"), vm(3, "exists", "stopped"), vm(5, "exists", "shelved_offloaded"),
                 vm(6, "update", "active"), vm(8, "exists", "deleted")) == [
        ("active", 1, 3), ("inactive", 3, 5), ("shelved", 5, 6), ("active", 6, 8),
    ]  # fmt: skip


def test_a_word_that_nobody_knows_proves_nothing():
    assert spans(vm(1, "create.end"), vm(3, "exists", "dancing"), vm(4, "exists", None)) == [("active", 1, 1)]


def test_an_open_vm_counts_until_it_was_last_heard_of_and_has_not_ended():
    events = [vm(1, "create.end"), vm(7, "exists")]
    assert spans(*events) == [("active", 1, 7)]
    assert starts_and_ends("default", *events) == (1, 0)
    assert starts_and_ends("xdmod", *events) == (1, 1)


def test_a_stop_ends_running_and_a_start_begins_it_again():
    events = [vm(1, "create.end"), vm(2, "power_off.end"), vm(3, "power_on.end"), vm(4, "delete.end")]
    assert starts_and_ends("default", *events) == (2, 2)


def test_a_resize_neither_begins_nor_ends_running():
    events = [vm(1, "create.end"), vm(2, "finish_resize.end", flavor=TWO), vm(4, "delete.end")]
    assert starts_and_ends("default", *events) == (1, 1)


def test_a_create_that_failed_never_runs():
    events = [
        vm(1, "create.start", "building"),
        vm(2, "create.error", "error"),
        vm(3, "delete.end", "deleted"),
    ]
    assert spans(*events) == [("unknown", 1, 3)]
    assert starts_and_ends("default", *events) == (0, 0)


def test_deleted_is_gone_until_it_is_seen_again():
    assert spans(vm(1, "delete.end"), vm(2, "exists", "deleted")) == []
    assert spans(vm(1, "create.end"), vm(2, "delete.end"), vm(4, "exists"), vm(5, "exists")) == [
        ("active", 1, 2),
        ("active", 4, 5),
    ]


def test_another_project_begins_a_new_span():
    assert spans(vm(1, "create.end"), vm(3, "exists", project=("p2", "other")), vm(5, "delete.end")) == [
        ("active", 1, 3),
        ("active", 3, 5),
    ]


def test_an_event_that_says_no_size_changes_none():
    assert sized(vm(1, "create.end", flavor=TWO), vm(2, "exists", flavor=NO_SIZE), vm(3, "delete.end")) == [
        (2, 1, 3)
    ]


def test_a_size_that_is_said_for_the_first_time_counts_from_then():
    # as polling sees a VM that was resized since: no size with the events before
    assert sized(
        vm(1, "create.end", flavor=NO_SIZE), vm(3, "finish_resize.end", flavor=TWO), vm(5, "delete.end")
    ) == [
        (None, 1, 3),
        (2, 3, 5),
    ]


def test_a_size_is_not_lost_behind_an_event_that_says_none():
    assert sized(vm(1, "create.end", flavor=ONE), vm(2, "update", flavor=NO_SIZE),
                 vm(3, "finish_resize.end", flavor=TWO), vm(5, "delete.end")) == [
        (1, 1, 3), (2, 3, 5),
    ]  # fmt: skip


def test_a_state_is_not_lost_behind_an_event_that_says_none():
    # the first thing heard is a resize: what it ran as is unknown until a heartbeat says so
    assert spans(
        vm(1, "finish_resize.end", flavor=ONE), vm(2, "exists", flavor=ONE), vm(5, "exists", flavor=ONE)
    ) == [
        ("unknown", 1, 2),
        ("active", 2, 5),
    ]


def test_told_twice_it_counts_as_the_first_telling_said():
    # batch b0 before b1; neither the order of the records nor of landing matters
    events = [
        vm(1, "create.end", flavor=TWO, batch=1),
        vm(1, "create.end", flavor=ONE),
        vm(4, "delete.end", flavor=ONE),
    ]
    assert sized(*events) == sized(*reversed(events)) == [(1, 1, 4)]


def test_a_heartbeat_counts_that_only_seems_to_repeat_a_telling_that_does_not_count():
    # at 2 o'clock the first telling (batch b0) counts, and nobody knows its word
    assert spans(vm(1, "create.end"), vm(2, "exists", "dancing"), vm(2, "exists", "deleted", batch=1),
                 vm(3, "exists", "deleted"), vm(4, "exists", "deleted")) == [("active", 1, 3)]  # fmt: skip


def test_contradicting_words_at_one_moment_end_in_the_highest_state():
    assert spans(vm(1, "exists", "stopped"), vm(1, "update", "active"), vm(3, "exists", "active")) == [
        ("inactive", 1, 1),
        ("active", 1, 3),
    ]


@pytest.mark.parametrize("delete_first", [True, False])
def test_order_of_the_records_does_not_matter(delete_first):
    events = [vm(1, "create.end"), vm(6, "delete.end")]
    assert spans(*(reversed(events) if delete_first else events)) == [("active", 1, 6)]


def test_volumes_are_attached_or_not_and_grow():
    def volume(hour, name, size):
        return Event("disk", at(hour), f"volume.{name}", None, size=size)

    changes = [(1, "create", 1), (2, "attach", 1), (5, "detach", 1), (6, "resize", 20), (8, "delete", 20)]
    rows = span_rows("default", *(volume(hour, f"{name}.end", size) for hour, name, size in changes))
    assert [
        (row["state"], hour(row["start"]), hour(row["end"]), row["space_bytes"] // 2**30) for row in rows
    ] == [
        ("unattached", 1, 2, 1),
        ("attached", 2, 5, 1),
        ("unattached", 5, 6, 1),
        ("unattached", 6, 8, 20),
    ]
    assert span_rows("xdmod", volume(1, "create.end", 1)) == []
