"""Hypervisor facts: capacity of the whole cloud at one moment, or a failed reading."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from file_reading import read

from meterhouse.sources.hypervisor_facts import read_hypervisor_facts
from services.reference_input import REFERENCE_INPUT

REFERENCE = REFERENCE_INPUT / "data/xdmod/hypervisor_facts"
HOST = {"hypervisor_hostname": "node-1", "id": 1, "vcpus": 64, "memory_mb": 262144}
MOMENT = datetime(2026, 11, 1, 6, tzinfo=UTC)


def facts(*hypervisors, ts="2026-11-01T06:00:00Z"):
    return json.dumps({"ts": ts, "hypervisors": list(hypervisors)})


def test_each_hypervisor_becomes_a_row_at_the_moment_of_the_file(samples):
    reading = read(read_hypervisor_facts(samples / "hypervisor_facts_2026-11-01T06.00.00.json", "cloud"))
    assert reading.rejections == []
    assert reading.column("record") == [1, 2]
    assert reading.column("observed_at") == [MOMENT] * 2
    assert reading.column("hostname") == ["node-1", "node-2"]
    assert reading.column("hypervisor_id") == ["1", "9f1c"]
    assert reading.column("vcpus") == [64, 32]
    assert reading.column("memory_mb") == [262144, 131072]
    assert reading.column("extra") == [None, '{"rack":"B"}']
    assert (reading.coverage.outcome, reading.coverage.start) == ("ok", MOMENT)


@pytest.mark.parametrize("key", ["hypervisor_hostname", "vcpus", "memory_mb"])
def test_a_hypervisor_that_cannot_be_read_fails_the_reading_it_has_not_gone_away(read_text, key):
    reading = read_text(read_hypervisor_facts, facts(HOST, {**HOST, key: None}, HOST))
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, key)
    assert reading.coverage.outcome == "failed"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (facts(HOST, ts="2026-13-01T00:00:00Z"), "ts"),
        (facts(HOST, ts=None), "ts"),
        ('{"ts": "2026-11-01T06:00:00Z"}', "hypervisors"),
        ('{"ts": "2026-11-01T06:00:00Z", "hypervisors": {}}', "hypervisors"),
        ('{"ts": "2026-11-01T06:00:00Z", "hypervisors": ["node-1"]}', "hypervisors"),
        (facts(HOST)[:-9], ""),
        ("garbage", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_failed(read_text, content, field):
    reading = read_text(read_hypervisor_facts, content)
    assert reading.rows == []
    (rejection,) = reading.rejections
    assert rejection.field == field
    assert reading.coverage.outcome == "failed"


def test_a_cloud_without_hypervisors_is_empty(read_text):
    assert read_text(read_hypervisor_facts, facts()).coverage.outcome == "empty"


@pytest.mark.skipif(not REFERENCE.exists(), reason="Open XDMoD's reference files aren't on this machine")
def test_reference_files_say_the_capacity_that_grew():
    vcpus = []
    for path in sorted(REFERENCE.glob("*.json")):
        reading = read(read_hypervisor_facts(path, "cloud"))
        assert reading.rejections == []
        vcpus.append(sum(reading.column("vcpus")))
    assert vcpus == [280, 336, 352, 352]
