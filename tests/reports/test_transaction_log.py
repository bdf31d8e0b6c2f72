"""The transaction log tells each change of an item once, in plain words, with the record that shows it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from syrupy.assertion import SnapshotAssertion

from meterhouse.reports.transaction_log import (
    LogFormat,
    describe,
    describe_end,
    log_lines,
    text_line,
    write_log,
)
from meterhouse.usage.tables import SPAN

Span = dict[str, Any]

# A span as the usage models make it: yerwa's VM x in project zealous.
VM: Span = {
    **dict.fromkeys(SPAN.names),
    "rules": "default", "resource": "openstack-a", "kind": "vm", "item": "vm-1", "name": "x",
    "project_ref": "p1", "project_name": "zealous", "user_ref": "u1", "user_name": "yerwa",
    "class": "c1.m4", "vcpus": 1, "memory_mib": 4096, "disk_gib": 20, "state": "active",
}  # fmt: skip
VOLUME: Span = {**VM, "kind": "volume", "item": "vol-1", "name": "data", "class": "ssd", "vcpus": None,
                "memory_mib": None, "disk_gib": 100, "state": "unattached"}  # fmt: skip
BIGGER: Span = {"class": "c2.m8", "vcpus": 2, "memory_mib": 8192}


def at(minute: int) -> datetime:
    return datetime(2018, 4, 18, 14, 58, tzinfo=UTC) + timedelta(minutes=minute)


def life(first: Span, *steps: tuple[str | None, Span]) -> list[Span]:
    """Spans of a minute each: each step is the event that closes one, and what the next has otherwise."""
    event, changed = steps[0]
    spans = [{**first, **changed, "opened_by": event, "start": at(0)}]
    for minute, (event, changed) in enumerate(steps[1:], start=1):
        spans[-1] |= {"end": at(minute), "closed_by": event}
        spans.append({**spans[-1], **changed, "opened_by": event, "start": at(minute), "closed_by": None})
    last = spans.pop()
    for span in spans:
        span |= {"opened_batch": "b", "opened_record": 1, "closed_batch": "b", "closed_record": 2}
    assert last["opened_by"] == spans[-1]["closed_by"]
    return spans


def actions(spans: list[Span]) -> list[str]:
    return [line.action for line in log_lines(spans)]


VM_EVENTS = "compute.instance."


def test_the_life_of_a_vm() -> None:
    spans = life(
        VM,
        (f"{VM_EVENTS}create.end", {}),
        (f"{VM_EVENTS}power_off.end", {"state": "inactive"}),
        (f"{VM_EVENTS}power_on.end", {"state": "active"}),
        (f"{VM_EVENTS}finish_resize.end", BIGGER),
        (f"{VM_EVENTS}shelve.end", {"state": "shelved"}),
        (f"{VM_EVENTS}unshelve.end", {"state": "active"}),
        (f"{VM_EVENTS}delete.end", {}),
    )
    assert actions(spans) == [
        "created VM x, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous",
        "stopped VM x",
        "started VM x",
        "resized VM x from c1.m4 (1 vCPU, 4 GiB) to c2.m8 (2 vCPU, 8 GiB)",
        "shelved VM x",
        "unshelved VM x",
        "deleted VM x",
    ]


def test_the_beginning_of_a_deed_and_its_failure_are_told_apart_from_the_deed() -> None:
    spans = life(
        VM,
        (f"{VM_EVENTS}create.start", {"state": "unknown"}),
        (f"{VM_EVENTS}create.error", {"state": "unknown"}),
        (f"{VM_EVENTS}delete.end", {}),
    )
    assert actions(spans) == [
        "began to create VM x, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous",
        "failed to create VM x, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous",
        "deleted VM x",
    ]


def test_a_vm_that_still_runs_was_last_seen_running() -> None:
    assert actions(life(VM, (f"{VM_EVENTS}create.end", {}), (None, {})))[-1] == (
        "VM x was last seen running (no end recorded)"
    )


def test_what_was_only_observed_is_said_to_be_seen() -> None:
    spans = life(VM, ("observed", {}), ("observed", {"state": "inactive"}), ("observed", {}))
    assert actions(spans) == [
        "VM x was first seen running, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous",
        "VM x was seen stopped",
        "VM x was found to be gone",
    ]


def test_a_gap_in_the_evidence_is_told_on_both_sides() -> None:
    before, after = life(VM, ("observed", {}), ("observed", {}), (None, {}))
    before |= {"closed_by": None}
    after |= {"start": at(30), "end": at(40)}
    assert actions([before, after]) == [
        "VM x was first seen running, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous",
        "VM x was last seen running",
        "VM x was seen again, running",
        "VM x was last seen running (no end recorded)",
    ]


def test_a_heartbeat_that_changed_nothing_is_no_line() -> None:
    spans = life(
        VM, (f"{VM_EVENTS}create.end", {}), (f"{VM_EVENTS}exists", {}), (f"{VM_EVENTS}delete.end", {})
    )
    assert len(actions(spans)) == 2


def test_a_change_of_project_or_name_is_told() -> None:
    moved = {"project_ref": "p2", "project_name": "astro", "name": "y"}
    assert actions(life(VM, ("observed", {}), ("observed", moved), (None, {})))[1:3] == [
        "moved VM y from project zealous to project astro",
        "renamed VM x to y",
    ]


def test_a_size_that_was_never_said_before_is_no_resize() -> None:
    unsaid = {"class": None, "vcpus": None, "memory_mib": None, "disk_gib": None}
    spans = life(VM, ("observed", unsaid), ("observed", {**BIGGER, "disk_gib": 20}), (None, {}))
    assert not [action for action in actions(spans) if "resized" in action]


def test_a_resize_of_the_disk_alone_names_the_disks() -> None:
    spans = life(VM, ("observed", {}), ("observed", {"disk_gib": 40}), (None, {}))
    assert actions(spans)[1] == (
        "resized VM x from c1.m4 (1 vCPU, 4 GiB, 20 GiB disk) to c1.m4 (1 vCPU, 4 GiB, 40 GiB disk)"
    )


def test_the_life_of_a_volume() -> None:
    spans = life(
        VOLUME,
        ("volume.create.end", {}),
        ("volume.attach.end", {"state": "attached"}),
        ("volume.resize.end", {"disk_gib": 200}),
        ("volume.detach.end", {"state": "unattached"}),
        ("volume.delete.end", {}),
    )
    assert actions(spans) == [
        "created volume data, type ssd, 100 GiB, in project zealous",
        "attached volume data",
        "resized volume data from ssd (100 GiB) to ssd (200 GiB)",
        "detached volume data",
        "deleted volume data",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "size", "made", "gone", "words"),
    [
        ("floating_ip", "192.0.2.7", {}, "floatingip.create.end", "floatingip.delete.end",
         ["allocated floating IP 192.0.2.7, in project zealous", "released floating IP 192.0.2.7"]),
        ("snapshot", "s", {"disk_gib": 5}, "snapshot.create.end", "snapshot.delete.end",
         ["created snapshot s, 5 GiB, in project zealous", "deleted snapshot s"]),
        ("image", "debian", {"space_bytes": 3 << 29}, "image.upload", "image.delete",
         ["uploaded image debian, 1.5 GiB, in project zealous", "deleted image debian"]),
        ("router", "r", {}, "router.create.end", "router.delete.end",
         ["created router r, in project zealous", "deleted router r"]),
    ],
)  # fmt: skip
def test_other_items_have_their_own_words(
    kind: str, name: str, size: Span, made: str, gone: str, words: list[str]
) -> None:
    item = {**VOLUME, "kind": kind, "name": name, "class": None, "disk_gib": None, "state": "active", **size}
    assert actions(life(item, (made, {}), (gone, {}))) == words


def test_an_item_without_a_name_goes_by_its_id() -> None:
    assert actions(life({**VM, "name": None}, ("observed", {}), (None, {})))[-1].startswith(
        "VM vm-1 was last"
    )


def test_lines_outside_the_period_are_left_out_but_known() -> None:
    spans = life(
        VM,
        (f"{VM_EVENTS}create.end", {}),
        (f"{VM_EVENTS}power_off.end", {"state": "inactive"}),
        (f"{VM_EVENTS}delete.end", {}),
    )
    # [start, end): the creation lies before, the deletion at the end
    assert [line.action for line in log_lines(spans, start=at(1), end=at(2))] == ["stopped VM x"]


def test_every_line_names_the_record_that_shows_it() -> None:
    lines = log_lines(life(VM, (f"{VM_EVENTS}create.end", {}), (f"{VM_EVENTS}delete.end", {})))
    assert [(line.batch, line.record) for line in lines] == [("b", 1), ("b", 2)]


def test_lines_of_several_items_stand_in_order_of_time() -> None:
    early, late = life(VM, ("observed", {}), (None, {})), life(VOLUME, ("observed", {}), (None, {}))
    late[0] |= {"start": at(-5)}
    assert [line.time for line in log_lines([*early, *late])] == [at(-5), at(0), at(1), at(1)]


def test_control_characters_in_a_name_cant_forge_a_line() -> None:
    forged = {**VM, "name": "x\n2018-04-18 15:00 | root | deleted VM y", "user_name": "yer\x1b[2Jwa"}
    text = [text_line(line) for line in log_lines(life(forged, (f"{VM_EVENTS}create.end", {}), (None, {})))]
    assert all("\n" not in line and "\x1b" not in line for line in text)
    assert text[0].startswith(r"2018-04-18 14:58 | yer\x1b[2Jwa | created VM x\x0a2018-04-18 15:00 |")


@pytest.mark.parametrize("format", ["text", "csv", "json"])
def test_the_formats_are_as_documented(format: LogFormat, snapshot: SnapshotAssertion) -> None:
    spans = life(VM, (f"{VM_EVENTS}create.end", {}), (f"{VM_EVENTS}delete.end", {}))
    out = StringIO()
    write_log(log_lines(spans), out, format, ZoneInfo("America/New_York"))
    assert out.getvalue() == snapshot


def test_csv_and_json_give_names_back_exactly(hostile_name: str) -> None:
    lines = log_lines(life({**VM, "user_name": hostile_name}, ("observed", {}), (None, {})))
    as_csv, as_json = StringIO(), StringIO()
    write_log(lines, as_csv, "csv")
    write_log(lines, as_json, "json")
    assert next(csv.DictReader(StringIO(as_csv.getvalue(), newline="")))["user"] == hostile_name
    assert json.loads(as_json.getvalue())[0]["user"] == hostile_name


def test_no_lines_are_still_a_document() -> None:
    out = StringIO()
    write_log([], out, "json")
    assert json.loads(out.getvalue()) == []


JOB: Span = {
    **VM, "kind": "job", "item": "77", "name": "train", "class": "gpu", "vcpus": 8, "cpu_millis": 8000,
    "gpus": 2, "gpu_model": "a100", "memory_mib": 32768, "disk_gib": None, "nodes": 2, "opened_by": "started",
    "closed_by": "timeout", "is_last": False,
}  # fmt: skip


def test_a_job_starts_with_its_size_and_ends_with_its_state():
    started = "started job train, queue gpu, 2 nodes, 8 cores, 32 GiB, 2 GPU (a100), in project zealous"
    assert describe(JOB, None) == [started]
    assert describe_end(JOB) == "job train ran into its time limit"


def test_a_running_job_was_last_seen_running():
    running = {**JOB, "closed_by": None, "is_last": True}
    assert describe_end(running) == "job train was last seen running (no end recorded)"


def test_a_pod_may_have_a_part_of_a_core():
    pod = {**JOB, "kind": "pod", "class": None, "vcpus": None, "cpu_millis": 250, "gpus": 0, "nodes": None,
           "opened_by": "seen", "closed_by": "gone"}  # fmt: skip
    assert describe(pod, None) == ["pod train was first seen running, 0.25 cores, 32 GiB, in project zealous"]
    assert describe_end(pod) == "pod train was found to be gone"
