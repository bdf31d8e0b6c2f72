"""A hostile file costs its bad records, each reported with its number, and nothing else.

METERHOUSE_HOSTILE_EVENTS sets the size of the files; bench/hostile_file.py does a million.
"""

from __future__ import annotations

import os

import pytest
from hostile_events import BY_TEXT, BY_VALUE, NO_RECORD, STYLES, elements
from hostile_reading import read_hostile_file

from meterhouse.sources.openstack.event_files import read_openstack_events

EVENTS = int(os.environ.get("METERHOUSE_HOSTILE_EVENTS", "20000"))


@pytest.mark.parametrize("style", STYLES)
def test_exactly_the_good_records_come_out_and_each_bad_one_is_reported(style, tmp_path):
    outcome = read_hostile_file(tmp_path / "hostile.json", style, EVENTS // len(STYLES), seed=2026)
    assert outcome.good > outcome.elements // 2
    assert outcome.lost == []
    assert outcome.let_through == []
    assert outcome.unreported == []
    assert outcome.reported_twice == []
    assert outcome.mistaken == []
    assert (outcome.coverage.outcome, outcome.coverage.records) == ("ok", outcome.good)


def test_the_hostile_file_has_every_kind_of_damage():
    kinds = {element.damage for element in elements("pretty", 5_000, seed=2026)}
    assert kinds == {"", *BY_TEXT, *BY_VALUE, *NO_RECORD}


@pytest.mark.parametrize(
    "rubbish",
    [b"\x00" * 100_000, b"\xff\xfe[\x00", os.urandom(50_000), b"[" * 50_000, b"{" * 50_000, b'"' * 99_999],
)
def test_a_file_that_is_no_json_at_all_is_reported_not_fatal(rubbish, read_text):
    reading = read_text(read_openstack_events, rubbish)
    assert reading.rows == []
    assert reading.rejections
    assert reading.coverage.records == 0
