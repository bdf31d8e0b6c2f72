"""The tolerant JSON stream: every record that can be told apart, with its number, in bounded memory."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterhouse.sources import json_records, text_window
from meterhouse.sources.delivery import Rejection, Rows
from meterhouse.sources.fields import Fault, Field, _convert, _convert_singly, parse_time
from meterhouse.sources.json_records import JsonRecords, Records
from meterhouse.sources.openstack.event_files import read_openstack_events

MARKS = frozenset({"k"})


def elements(content, longest=1 << 16):
    """Every element's number with its value of "k", or with what was found instead of a record."""
    data = content if isinstance(content, bytes) else content.encode()
    reader = JsonRecords(io.BufferedReader(io.BytesIO(data)), "file", MARKS, longest)
    told = []
    for item in reader:
        if isinstance(item, Records):
            told += [
                (number, record.get("k")) for number, record in zip(item.numbers, item.objects, strict=True)
            ]
        else:
            told.append((item.record, f"{item.field}|{item.found}"))
    return sorted(told), reader


def numbers_of(content):
    told, _ = elements(content)
    return [number for number, _ in told], [value for _, value in told if isinstance(value, int)]


LAYOUTS = {
    "compact": lambda parts: "[" + ",".join(parts) + "]",
    "one line, spaced": lambda parts: "[" + ", ".join(parts) + "]",
    "a line each": lambda parts: "[\n" + ",\n".join(parts) + "\n]\n",
    "a line each, bracket on the first": lambda parts: "[" + ",\n".join(parts) + "]\n",
    "a line each, comma first": lambda parts: "[\n  " + "\n, ".join(parts) + "\n]\n",
    "json lines": lambda parts: "\n".join(parts) + "\n",
    "json lines, DOS": lambda parts: "\r\n".join(parts) + "\r\n",
    "pretty": lambda parts: (
        "[\n"
        + ",\n".join("    " + part.replace("<", "\n        ").replace(">", "\n    ") for part in parts)
        + "\n]"
    ),
    "pretty, DOS": lambda parts: LAYOUTS["pretty"](parts).replace("\n", "\r\n"),
    "pretty without array": lambda parts: (
        "\n".join(part.replace("<", "\n  ").replace(">", "\n") for part in parts) + "\n"
    ),
}


def laid_out(layout, parts):
    return LAYOUTS[layout](parts).replace("<", "").replace(">", "")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_are_read_in_every_layout(layout):
    parts = [f'{{<"k": {k}, <"list": [{{"id": 1}}, {{"id": 2}}]>}}' for k in range(1, 8)]
    assert numbers_of(laid_out(layout, parts)) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7])


BROKEN = {
    "missing closing brace": '{<"k": 4, <"v": "x">',
    "missing opening brace": '<"k": 4, <"v": "x">}',
    "missing closing quote": '{<"k": 4, <"v": "x>}',
    "missing closing quote of a key": '{<"k": 4, <"v: "x">}',
    "stray quote": '{<"k": 4, <"v": "x"y">}',
    "stray backslash": '{<"k": 4, <"v": "x\\">}',
    "missing colon": '{<"k" 4, <"v": "x">}',
    "missing comma": '{<"k": 4 <"v": "x">}',
    "missing value": '{<"k": , <"v": "x">}',
    "second closing brace": '{<"k": 4, <"v": "x">}}',
    "second opening brace": '{{<"k": 4, <"v": "x">}',
    "unclosed list": '{<"k": 4, <"v": [1, 2>}',
    "unclosed object within": '{<"k": 4, <"v": {"a": 1>}',
    "Python's words": '{<"k": 4, <"v": None>}',
    "NaN": '{<"k": 4, <"v": NaN>}',
    "an integer of 5,000 digits": '{<"k": 4, <"v": ' + "1" * 5_000 + ">}",
    "a bomb": '{<"k": 4, <"v": ' + "[" * 3_000 + "]" * 3_000 + ">}",
    "cut short within a list": '{<"k": 4, <"v": [{"a": 1}',
    "cut short within a list in a list": '{<"k": 4, <"v": [{"a": 1}, {"b": [{"a": 1}',
    "an unclosed bomb": '{<"k": 4, <"v": ' + '{"a":[' * 3_000 + ">}",
    "two values for a key": '{<"k": 4, <"k": 5>}',
    "two kinds of value for a key": '{<"k": 1, <"k": true>}',
    "longer than a record may be": '{<"k": 4, <"v": "' + "x" * 70_000 + '">}',
    "no object": "17",
    "a list": "[1, 2]",
    "an empty list": "[]",
    "garbage": "%&/",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_record_costs_only_itself(layout, damage):
    parts = [f'{{<"k": {k}, <"v": "x">}}' for k in range(1, 8)]
    parts[3] = BROKEN[damage]
    assert numbers_of(laid_out(layout, parts)) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 5, 6, 7])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("place", [0, 6])
def test_so_it_does_as_the_first_or_the_last_one(layout, place):
    parts = [f'{{<"k": {k}, <"v": "x">}}' for k in range(1, 8)]
    parts[place] = BROKEN["missing comma"]
    good = [k for k in range(1, 8) if k != place + 1]
    assert numbers_of(laid_out(layout, parts)) == ([1, 2, 3, 4, 5, 6, 7], good)


def test_the_place_and_the_beginning_of_a_broken_record_are_told():
    content = b'[\n{"k": 1},\n{"k": 2, "v": "\x1b[2J\xff" x},\n{"k": 3}\n]'
    reader = JsonRecords(io.BufferedReader(io.BytesIO(content)), "events.json", MARKS)
    (rejection,) = [item for item in reader if isinstance(item, Rejection)]
    assert (rejection.origin, rejection.record) == ("events.json", 2)
    assert rejection.found.endswith("(line 3)")
    assert rejection.excerpt.startswith('{"k": 2, "v": "\\x1b[2J\\xff" x},')


def test_the_same_value_twice_for_a_key_is_not_ambiguous():
    assert numbers_of('[{"k": 1, "v": [1], "v": [1]}]') == ([1], [1])


def test_commas_between_records_are_not_insisted_on():
    assert numbers_of('[{"k": 1} {"k": 2},, {"k": 3},]') == ([1, 2, 3], [1, 2, 3])


def test_arrays_one_behind_the_other_are_read_as_one():
    assert numbers_of('[{"k": 1}]\n[{"k": 2}]\n') == ([1, 2], [1, 2])


def test_a_byte_order_mark_is_not_damage():
    assert numbers_of(b'\xef\xbb\xbf[{"k": 1}]') == ([1], [1])


def test_what_looks_like_a_record_within_a_text_is_none():
    records = [{"k": 1, "v": '},\n{"k": 9},{"k": 9}'}, {"k": 2, "v": '[{"k": 9}]'}]
    assert numbers_of(json.dumps(records)) == ([1, 2], [1, 2])


def test_broken_elements_without_end_are_counted_but_not_all_listed(monkeypatch):
    monkeypatch.setattr(json_records, "REPORTED_IN_A_ROW", 10)
    told, reader = elements('{"k": 1}\n' + "x\n" * 50 + '{"k": 2}\n' + "x\n" * 3)
    assert [number for number, _ in told] == [1, *range(2, 12), 12, 13, 14, 15, 16]
    assert told[11] == (12, "|none; after 10 of them the others are not listed")
    assert [told[0], told[12]] == [(1, 1), (13, 2)]
    assert reader.count == 16


NO_MARK = st.text().filter(lambda key: key not in MARKS)


@settings(max_examples=150, deadline=None)
@given(
    records=st.lists(st.dictionaries(st.sampled_from(["k", "a", "b", "é"]), st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.dictionaries(NO_MARK, st.text()))
    )), max_size=12),
    indent=st.sampled_from([None, 0, 1, 4]),
    ascii_only=st.booleans(),
    read_bytes=st.integers(1, 40),
)  # fmt: skip
def test_whatever_json_writes_is_read_back_wherever_the_reads_end(records, indent, ascii_only, read_bytes):
    text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_window, "_READ_BYTES", read_bytes)
        reader = JsonRecords(io.BufferedReader(io.BytesIO(text.encode())), "file", MARKS)
        read = [record for item in reader if isinstance(item, Records) for record in item.objects]
    # Without NUL, which Hypothesis likes and we refuse.
    assert read == [record for record in records if "\\u0000" not in json.dumps(record)]
    assert reader.count == len(records)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("read_bytes", [1, 7, 50, 333])
def test_where_the_reads_end_makes_no_difference_to_damage(layout, read_bytes, monkeypatch):
    parts = [f'{{<"k": {k}, <"v": "x">}}' for k in range(1, 40)]
    short = [broken for broken in BROKEN.values() if len(broken) < 1_000]
    for place, broken in zip(range(1, 39, 2), short, strict=False):
        parts[place] = broken
    content = laid_out(layout, parts)
    expected = numbers_of(content)
    monkeypatch.setattr(text_window, "_READ_BYTES", read_bytes)
    assert numbers_of(content) == expected
    assert expected[0] == list(range(1, 40))


SAID_TIMES = st.one_of(
    st.datetimes(datetime(1980, 1, 1), datetime(2110, 1, 1)).map(str),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.from_regex(r"[0-9]{4}-[0-1][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,10})?"
                  r"(Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?", fullmatch=True),
    st.text(max_size=30),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(said=st.lists(SAID_TIMES, min_size=1, max_size=2))
def test_a_column_of_times_is_read_at_once_as_it_is_singly(said):
    field = Field("time", "time")
    column = _convert(field, said)
    faults: dict[int, tuple[str, Fault]] = {}
    singly = _convert_singly(field, said, faults)
    if column is not None:
        assert not faults
        assert column.equals(singly)


SAID_VALUES = st.one_of(
    *(st.none(), st.booleans(), st.floats(), st.integers(-5, 5), st.integers()),
    *(st.integers().map(str), st.text(max_size=4)),
)


@settings(max_examples=500, deadline=None)
@given(said=st.lists(SAID_VALUES, min_size=1, max_size=3), required=st.booleans())
def test_a_column_of_integers_or_texts_is_read_at_once_as_it_is_singly(said, required):
    for field in (Field("size", "integer", required), Field("name", "text", required, most=3)):
        column = _convert(field, said)
        faults: dict[int, tuple[str, Fault]] = {}
        try:
            singly = _convert_singly(field, said, faults)
        except (UnicodeEncodeError, pa.ArrowInvalid):
            continue  # half a surrogate pair, which the reader has refused before
        if column is not None:
            assert not faults
            assert column.equals(singly)


def test_times_out_of_the_calendar_are_none():
    assert parse_time("0001-01-01T00:00:00+10:00") is None
    assert parse_time("9999-12-31T23:59:59-10:00") is None


def test_an_open_list_swallows_no_records_of_later_lines(tmp_path: Path) -> None:
    """The second line is cut within its list, so that the next ones read as its elements, up to the fifth."""
    good = '{"event_type": "x", "generated": "2018-04-18T00:00:00", "message_id": "%d"}'
    lines = [good % 1, '{"raw": [{"id": 1}', good % 3, good % 4, '{"event_type": "a\nb"}', good % 6]
    path = tmp_path / "events.json"
    path.write_text("[\n" + ",\n".join(lines) + "\n]")
    taken = [item for item in read_openstack_events(path, "cloud").stream if isinstance(item, Rows)]
    ids = [name for item in taken for name in item.records.column("message_id").to_pylist()]
    assert ids == ["1", "3", "4", "6"]


def messages_of(content: str) -> list[tuple[int, str]]:
    """Number and message of each good record in a file of events, which have two marks."""
    marks = frozenset({"event_type", "generated"})
    reader = JsonRecords(io.BufferedReader(io.BytesIO(content.encode())), "file", marks)
    return [
        (number, record.get("message_id", ""))
        for item in reader
        if isinstance(item, Records)
        for number, record in zip(item.numbers, item.objects, strict=True)
    ]


GOOD = '{"event_type":"x","generated":"2018-04-18T00:00:00","message_id":"%s"}'


def test_a_line_that_was_cut_behind_a_colon_does_not_take_the_next_record_as_its_value() -> None:
    """The lines 2 to 4 together are well-formed; but a record within a record is none's value."""
    lines = [GOOD % "first", '{"vcpus": "0", "tenant_id":', GOOD % "third", "}", GOOD % "fifth"]
    assert messages_of("\n".join(lines) + "\n") == [(1, "first"), (3, "third"), (5, "fifth")]


@pytest.mark.parametrize("unusable", ["NaN", "1" * 5_000, '{"a": 1, "a": 2}'])
def test_an_open_list_swallows_no_records_behind_which_a_value_cannot_be_used(unusable: str) -> None:
    """Reading the list stops at the fourth, which says nothing definite; the stray brackets close it."""
    bad = GOOD.replace('"x"', unusable) % "fourth"
    stray = '{"event_type":"x",]"generated":"2018-04-18T00:00:00"}'
    cut = '{"event_type":"x","raw":[{"id":1}'
    parts = [GOOD % 1, cut, GOOD % 3, bad, GOOD % 5, stray, GOOD % 7, stray, GOOD % 9]
    expected = [(1, "1"), (3, "3"), (5, "5"), (7, "7"), (9, "9")]
    assert messages_of(f"[{','.join(parts)}]") == expected


def test_a_record_torn_in_two_gives_back_those_between_its_halves() -> None:
    """On one line all five are well-formed as one object; the two within are records, by their marks."""
    torn = '{"event_type":"x","generated":"2018-04-18T00:00:00","raw":[{"id":1}'
    parts = [GOOD % 1, torn, GOOD % 3, GOOD % 4, '{"id":2}]}', GOOD % 6]
    messages = [message for _, message in messages_of(f"[{','.join(parts)}]") if message]
    assert messages == ["1", "3", "4", "6"]


@pytest.mark.parametrize("within", ['"},{"', '[{"a":1},{"a":2}]'])
def test_damaged_neighbours_on_one_line_are_two_whatever_their_values_look_like(within: str) -> None:
    """Only a key of a record begins one behind a comma; before the second's mark there is none."""
    broken = '{"message_id":' + within + ',"state""active","event_type":"x"}'
    assert messages_of(f"[{GOOD % 1},{broken},{broken},{GOOD % 4}]") == [(1, "1"), (4, "4")]


def test_one_mark_alone_within_a_record_is_content() -> None:
    """Nova's raw notification has an event type of its own, but not the time that a record has."""
    raw = GOOD.replace('"x"', '"x","raw":{"list":[{"event_type":"y"},{"event_type":"z"}]}')
    for between in (",", ",\n"):
        assert messages_of(f"[{raw % 1}{between}{raw % 2}]") == [(1, "1"), (2, "2")]
