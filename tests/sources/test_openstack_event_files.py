"""OpenStack event files: what a record becomes, what is refused, and what a file covers."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime

import pytest
from file_reading import read

from meterhouse.sources.file_content import FileChanged
from meterhouse.sources.openstack.event_files import read_openstack_events, window_in_name
from services.reference_input import REFERENCE_INPUT

REFERENCE = REFERENCE_INPUT / "data/xdmod"
GOOD = {"event_type": "compute.instance.exists", "generated": "2026-11-01T08:00:00"}


def at(*moment):
    return datetime(*moment, tzinfo=UTC)


def one(read_text, **said):
    return read_text(read_openstack_events, json.dumps([{**GOOD, **said}]))


def test_a_record_becomes_a_typed_row(samples):
    reading = read(read_openstack_events(samples / "2026-11-01T00.00.00_2026-11-01T23.59.59.json", "cloud"))
    assert reading.rejections == []
    created, running, volume = reading.rows
    assert reading.column("record") == [1, 2, 3]
    assert reading.column("resource") == ["cloud"] * 3
    assert reading.column("channel") == ["file"] * 3
    assert created["event_type"] == "compute.instance.create.start"
    assert created["generated"] == at(2026, 11, 1, 8, 0, 0, 250)
    assert (created["vcpus"], created["memory_mb"], created["disk_gb"]) == (2, 4096, 20)  # said as text
    assert (running["vcpus"], running["memory_mb"], running["disk_gb"]) == (2, 4096, None)  # disk not said
    assert running["instance_type_id"] == "7"
    assert running["launched_at"] == at(2026, 11, 1, 8, 0, 11)
    assert running["deleted_at"] is None  # Nova's "" for what didn't happen
    assert volume["generated"] == at(2026, 11, 1, 9, 30, 0, 500_000)
    assert (volume["size"], volume["project_id"]) == (40, None)


def test_what_no_column_takes_is_kept_as_json(samples):
    reading = read(read_openstack_events(samples / "2026-11-01T00.00.00_2026-11-01T23.59.59.json", "cloud"))
    assert reading.column("extra") == [None, '{"tenant_id":"p-astro","raw":{"cell":1}}', None]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2018-04-18T14:58:45.774847", at(2018, 4, 18, 14, 58, 45, 774_847)),
        ("2018-04-18T14:58:45.7", at(2018, 4, 18, 14, 58, 45, 700_000)),
        ("2018-04-18T14:58:45.123456789", at(2018, 4, 18, 14, 58, 45, 123_456)),
        ("2018-04-18T14:58:45", at(2018, 4, 18, 14, 58, 45)),
        ("2018-04-18 14:58:45", at(2018, 4, 18, 14, 58, 45)),
        ("2018-04-18T14:58:45Z", at(2018, 4, 18, 14, 58, 45)),
        ("2018-04-18T14:58:45+02:00", at(2018, 4, 18, 12, 58, 45)),
        ("2018-04-18T14:58:45-0530", at(2018, 4, 18, 20, 28, 45)),
        ("1588896000.250000", at(2020, 5, 8, 0, 0, 0, 250_000)),
        ("1990-01-01T00:00:00", at(1990, 1, 1)),
        ("2099-12-31T23:59:59.999999", at(2099, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_times_are_utc_unless_they_say_a_zone(read_text, said, meant):
    # Alone in its column, and beside another form of time, which is read another way.
    records = [{**GOOD, "generated": said}]
    other = {**GOOD, "generated": "2018-04-18T14:58:45Z"}
    assert read_text(read_openstack_events, json.dumps(records)).column("generated") == [meant]
    mixed = [*records, other, GOOD, {**GOOD, "generated": "2018-04-18 14:58:45.5-01:00"}]
    assert read_text(read_openstack_events, json.dumps(mixed)).column("generated")[0] == meant


@pytest.mark.parametrize(
    "said",
    [
        *("0000-01-01T00:00:00", "9999-12-31T23:59:59", "1989-12-31T23:59:59.999999", "2100-01-01T00:00:00"),
        *("1990-01-01T00:00:00+01:00", "2018-02-30T00:00:00", "2018-04-18T24:00:00", "2018-04-18T23:59:60"),
        *("2018-04-18", "2018-04-18T14:58", "20180418T145845", "yesterday", "", "2018-04-18T14:58:45+25:00"),
        *(1523998725, 1.5, True, [], {}, None),
    ],
)
def test_a_time_that_is_impossible_or_out_of_range_is_refused(read_text, said):
    records = json.dumps([GOOD, {**GOOD, "generated": said}, GOOD])
    reading = read_text(read_openstack_events, records)
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, "generated")
    assert rejection.expected == "a time from 1990-01-01 and before 2100-01-01"


@pytest.mark.parametrize(
    ("field", "said", "found"),
    [
        ("event_type", None, "null"),
        ("event_type", "", '""'),
        ("event_type", 7, "7"),
        ("vcpus", "four", '"four"'),
        ("vcpus", -1, "-1"),
        ("vcpus", 1_000_001, "1000001"),
        ("vcpus", "1000001", '"1000001"'),
        ("vcpus", 2.0, "the fraction 2.0"),
        ("vcpus", True, "the boolean true"),
        ("vcpus", "٤", '"٤"'),
        ("vcpus", 10**100, "a number of about 101 digits"),
        ("memory_mb", 2**53 + 1, "9007199254740993"),
        ("disk_gb", "", '""'),
        ("size", [40], "a list of 1"),
        ("project_id", 12, "12"),
        ("project_name", {"id": 1}, "an object of 1"),
        ("user_name", "a" * 1_025, f'text of 1,025 characters "{"a" * 77}..."'),
        ("display_name", "\x00", '"\\x00"'),
        ("display_name", "\ud800", '"\\ud800"'),
        ("launched_at", "soon", '"soon"'),
        ("instance_type_id", -1, "-1"),
    ],
)
def test_a_value_of_the_wrong_kind_or_size_costs_its_record_and_names_its_field(
    read_text, field, said, found
):
    reading = read_text(read_openstack_events, json.dumps([GOOD, {**GOOD, field: said}, GOOD]))
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, field)
    assert rejection.found.removesuffix(" (line 1)") == found
    assert rejection.origin.endswith("events.json")


def test_the_largest_values_are_taken(read_text):
    reading = one(read_text, vcpus=1_000_000, memory_mb=str(2**53), size=0, user_name="ä" * 1_024)
    assert reading.rejections == []
    assert (reading.rows[0]["vcpus"], reading.rows[0]["memory_mb"], reading.rows[0]["size"]) == (
        10**6,
        2**53,
        0,
    )


def test_extra_takes_64_kib_and_no_more(read_text):
    assert one(read_text, note="a" * 65_000).rejections == []
    (rejection,) = one(read_text, note="a" * 66_000).rejections
    assert (rejection.record, rejection.field) == (1, "extra")
    assert rejection.expected == "at most 65,536 characters beyond the typed fields"


def test_an_infinite_number_in_extra_is_refused(read_text):
    text = json.dumps([{**GOOD, "load": 1}]).replace("1}", "1e999}")
    (rejection,) = read_text(read_openstack_events, text).rejections
    assert (rejection.field, rejection.found) == ("extra", "the fraction inf")


def test_the_excerpt_shows_the_record_without_harm(read_text):
    (rejection,) = one(read_text, vcpus="x", name="\x1b[2J\u202e" + "n" * 500).rejections
    assert len(rejection.excerpt) == 200
    assert rejection.excerpt.isprintable()
    assert rejection.excerpt.startswith('{"event_type":"compute.instance.exists"')


def test_the_window_is_that_of_the_file_name(samples):
    reading = read(read_openstack_events(samples / "2026-11-01T00.00.00_2026-11-01T23.59.59.json", "cloud"))
    assert (reading.coverage.call, reading.coverage.outcome) == ("openstack-events", "ok")
    assert (reading.coverage.start, reading.coverage.end) == (at(2026, 11, 1), at(2026, 11, 2))
    assert reading.coverage.records == 3


def test_windows_in_names():
    window = at(2018, 4, 18), at(2018, 4, 19)
    assert window_in_name("2018-04-18T00:00:00_2018-04-19T00:00:00.json") == window
    assert window_in_name("2018-04-18T00.00.00_2018-04-18T23.59.59.json.gz") == window
    assert window_in_name("2018-04-19T00:00:00_2018-04-18T00:00:00.json") is None  # backwards
    assert window_in_name("2018-02-30T00:00:00_2018-04-18T00:00:00.json") is None
    assert window_in_name("events.json") is None


def test_without_a_window_in_its_name_a_file_covers_the_times_of_its_good_records(read_text):
    times = ["2026-11-01T08:00:00", "2026-11-01T07:00:00.5", "2027-01-01T00:00:00"]
    records = [{**GOOD, "generated": time} for time in times]
    records[2]["event_type"] = ""
    coverage = read_text(read_openstack_events, json.dumps(records)).coverage
    assert (coverage.start, coverage.end) == (at(2026, 11, 1, 7, 0, 0, 500_000), at(2026, 11, 1, 8, 0, 0, 1))
    assert (coverage.outcome, coverage.records, coverage.detail) == ("ok", 2, "1 rejected")


def test_records_outside_the_window_in_the_name_are_taken_and_mentioned(read_text):
    name = "2026-11-02T00.00.00_2026-11-02T23.59.59.json"
    reading = read_text(read_openstack_events, json.dumps([GOOD]), name)
    assert len(reading.rows) == 1
    assert reading.coverage.start == at(2026, 11, 2)
    assert reading.coverage.detail == "records from 2026-11-01 08:00:00 to 2026-11-01 08:00:00"


@pytest.mark.parametrize("content", ["", " \n", "[]", "[\n]\n"])
def test_a_file_without_records_is_empty_not_failed(read_text, content):
    name = "2026-11-02T00.00.00_2026-11-02T23.59.59.json"
    reading = read_text(read_openstack_events, content, name)
    assert (reading.rows, reading.rejections) == ([], [])
    assert (reading.coverage.outcome, reading.coverage.start) == ("empty", at(2026, 11, 2))
    nameless = read_text(read_openstack_events, content).coverage
    assert (nameless.outcome, nameless.start) == ("empty", nameless.end)  # it covers nothing


def test_a_file_that_is_cut_short_is_failed_and_its_good_records_are_kept(read_text):
    text = json.dumps([GOOD, GOOD, GOOD])
    for cut in (text[:-1], text[:-2], text[:-20]):
        reading = read_text(read_openstack_events, cut)
        assert reading.column("record")[:2] == [1, 2]
        assert reading.coverage.outcome == "failed"
        assert len(reading.rejections) == 1
        assert reading.coverage.detail.startswith("the file ends within its array")


def test_a_gzip_file_is_read_whatever_its_name(read_text):
    reading = read_text(read_openstack_events, gzip.compress(json.dumps([GOOD, GOOD]).encode()))
    assert reading.column("record") == [1, 2]


def test_a_gzip_file_that_is_cut_short_is_failed(read_text):
    records = [{**GOOD, "message_id": f"{number * 7919 % 10007}"} for number in range(5_000)]
    packed = gzip.compress(json.dumps(records).encode())
    reading = read_text(read_openstack_events, packed[: len(packed) // 2])
    assert 1_000 < len(reading.rows) < 4_000
    assert reading.column("record") == list(range(1, len(reading.rows) + 1))
    assert reading.coverage.outcome == "failed"
    assert "cut short" in reading.coverage.detail


def test_the_content_key_is_of_resource_and_bytes_not_of_the_name(tmp_path):
    for name, content in [("a", b"[]"), ("b", b"[]"), ("c", b"[ ]")]:
        (tmp_path / name).write_bytes(content)
    key = read_openstack_events(tmp_path / "a", "cloud").content_key
    assert len(key) == 64
    assert read_openstack_events(tmp_path / "b", "cloud").content_key == key
    assert read_openstack_events(tmp_path / "c", "cloud").content_key != key
    assert read_openstack_events(tmp_path / "a", "other").content_key != key


def test_a_file_that_changes_while_it_is_read_is_not_delivered(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(json.dumps([GOOD]))
    delivery = read_openstack_events(path, "cloud")
    path.write_text(json.dumps([GOOD, GOOD]))
    os.utime(path, ns=(0, 0))
    with pytest.raises(FileChanged, match=r"events\.json: written to while it was read"):
        read(delivery)


@pytest.mark.skipif(not REFERENCE.exists(), reason="Open XDMoD's reference files aren't on this machine")
@pytest.mark.parametrize(
    ("folder", "records"), [("openstack", 2_485), ("openstack_error_sessions", 11), ("openstack_upgrade", 6)]
)
def test_reference_files_are_read_whole(folder, records):
    (path,) = (REFERENCE / folder).glob("*.json")
    reading = read(read_openstack_events(path, "cloud"))
    assert reading.rejections == []
    assert reading.column("record") == list(range(1, records + 1))
    assert reading.coverage.outcome == "ok"
    said = json.loads(path.read_text())
    for name in ("event_type", "project_id", "user_name", "state", "host"):
        assert reading.column(name) == [record.get(name) for record in said]
    assert reading.column("vcpus") == [int(r["vcpus"]) if "vcpus" in r else None for r in said]
    assert reading.column("generated") == [
        datetime.fromisoformat(r["generated"]).replace(tzinfo=UTC) for r in said
    ]
