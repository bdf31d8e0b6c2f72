"""Generic cloud events: nested sizes and devices become columns, everything else stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from file_reading import read

from meterhouse.sources.generic_cloud import read_generic_cloud

GOOD = {"event_type": "START", "event_time": "2026-11-01T08:00:00Z", "instance_id": "i-1"}


def test_a_line_becomes_a_typed_row(samples):
    reading = read(read_generic_cloud(samples / "acct.json", "cloud"))
    assert reading.rejections == []
    start, stop = reading.rows
    assert (start["record"], start["resource"], start["event_type"]) == (1, "cloud", "START")
    assert start["event_time"] == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert (start["instance_type"], start["cpu"], start["memory"], start["disk"]) == ("m1.small", 2, 4096, 20)
    assert start["user"] == "ada"  # the first device names none
    assert [device["id"] for device in json.loads(start["block_devices"])] == ["vol-1", "vol-2"]
    assert start["extra"] == '{"instance_type":{"networkInterfaces":1}}'
    assert start["public_ip"] is None
    assert (stop["record"], stop["event_type"], stop["cpu"], stop["user"]) == (2, "STOP", None, None)


def test_it_covers_the_times_of_its_records(samples):
    coverage = read(read_generic_cloud(samples / "acct.json", "cloud")).coverage
    assert (coverage.call, coverage.outcome, coverage.records) == ("generic-cloud", "ok", 2)
    assert coverage.start == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert coverage.end == datetime(2026, 11, 1, 9, 30, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "said", "named"),
    [
        ("instance_type", "m1.small", "instance_type"),
        ("instance_type", {"cpu": -1}, "instance_type.cpu"),
        ("instance_type", {"name": 7}, "instance_type.name"),
        ("block_devices", {"id": 1}, "block_devices"),
        ("block_devices", ["vol-1"], "block_devices"),
        ("block_devices", [{"user": 7}], "user"),
        ("block_devices", [{"id": "v" * 70_000}], "block_devices"),
        ("event_data", "e" * 70_000, "event_data"),
        ("event_time", None, "event_time"),
    ],
)
def test_a_wrong_value_costs_its_record_and_names_its_field(read_text, field, said, named):
    lines = [GOOD, {**GOOD, field: said}, GOOD]
    reading = read_text(read_generic_cloud, "\n".join(json.dumps(line) for line in lines))
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, named)


def test_a_broken_line_costs_only_itself(read_text):
    lines = [json.dumps(GOOD), json.dumps(GOOD)[:-1], "", "garbage", json.dumps(GOOD)]
    reading = read_text(read_generic_cloud, "\n".join(lines) + "\n")
    assert reading.column("record") == [1, 4]
    assert [rejection.record for rejection in reading.rejections] == [2, 3]
    assert reading.coverage.outcome == "ok"


def test_a_last_line_that_is_cut_short_is_a_failed_reading(read_text):
    reading = read_text(read_generic_cloud, json.dumps(GOOD) + "\n" + json.dumps(GOOD)[:-5])
    assert reading.column("record") == [1]
    assert reading.coverage.outcome == "failed"
