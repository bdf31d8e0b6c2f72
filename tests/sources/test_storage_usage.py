"""Storage samples: Open XDMoD's storage JSON, its limits, and what the model makes of the samples."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest
from file_reading import read

from meterhouse.sources.delivery import Coverage
from meterhouse.sources.raw_table import TEXT, TIME
from meterhouse.sources.storage_usage import read_storage_usage
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.tables import SAMPLE
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from services.reference_input import REFERENCE_INPUT

REFERENCE = REFERENCE_INPUT / "data/xdmod/storage"
MODEL = Path(__file__).parents[2] / "src" / "meterhouse" / "usage" / "models" / "storage_sample.sql"
MOMENT = datetime(2018, 12, 27, 11, 12, 22, tzinfo=UTC)
SAID = {
    "resource": "cloud",
    "mountpoint": "/home",
    "user": "ada",
    "pi": "grace",
    "dt": "2018-12-27T11:12:22Z",
    "file_count": 12,
    "logical_usage": 4096,
    "physical_usage": 8192,
    "soft_threshold": 10000,
    "hard_threshold": 20000,
}
COLUMNS = ("mountpoint", "user", "pi", "dt", "file_count", "logical_usage", "physical_usage")


def said(**changes):
    return {key: value for key, value in {**SAID, **changes}.items() if value is not ...}


def test_each_sample_becomes_a_row(read_text):
    reading = read_text(read_storage_usage, json.dumps([SAID, said(user="bob", file_count="77")]))
    assert reading.rejections == []
    assert [tuple(row[name] for name in COLUMNS) for row in reading.rows] == [
        ("/home", "ada", "grace", MOMENT, 12, 4096, 8192),
        ("/home", "bob", "grace", MOMENT, 77, 4096, 8192),
    ]
    assert reading.column("soft_threshold") == [10000, 10000]
    assert reading.column("resource") == ["cloud", "cloud"]
    assert reading.column("extra") == [None, None]
    day = MOMENT.replace(hour=0, minute=0, second=0)
    covered = reading.coverage
    assert (covered.outcome, covered.start, covered.end) == ("ok", day, day + timedelta(days=1))
    assert covered.records == 2


def test_a_sample_stands_for_its_day_and_days_without_any_are_not_covered(tmp_path):
    days = ("27", "28", "28", "31")
    path = tmp_path / "storage.json"
    path.write_text(
        json.dumps([said(dt=f"2018-12-{day}T11:12:22Z", user=f"u{n}") for n, day in enumerate(days)])
    )
    windows = [one for one in read_storage_usage(path, "cloud").stream if isinstance(one, Coverage)]
    assert [(one.start.day, one.end.day, one.records) for one in windows] == [(27, 29, 3), (31, 1, 1)]


def test_what_need_not_be_said_is_null_and_what_is_unknown_is_kept(read_text):
    record = said(physical_usage=..., soft_threshold=..., hard_threshold=None, tier="fast")
    (row,) = read_text(read_storage_usage, json.dumps([record])).rows
    assert [row[name] for name in ("physical_usage", "soft_threshold", "hard_threshold")] == [None] * 3
    assert row["extra"] == '{"tier":"fast"}'


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resource", "elsewhere"),
        ("resource", ...),
        ("mountpoint", ...),
        ("mountpoint", "/" + "x" * 255),
        ("user", ""),
        ("user", "u" * 31),
        ("pi", None),
        ("pi", "p" * 31),
        ("dt", "2018-12-27 11:12:22"),
        ("dt", "2018-12-27T11:12:22"),
        ("dt", "2018-12-27T11:12:22+00:00"),
        ("dt", "2018-12-27T11:12:22.5Z"),
        ("dt", "2018-02-30T11:12:22Z"),
        ("dt", 1545909142),
        ("file_count", ...),
        ("file_count", -1),
        ("file_count", 1.5),
        ("logical_usage", "1.5"),
        ("logical_usage", "many"),
        ("logical_usage", 1 << 63),
        ("logical_usage", (1 << 64) - 1),
        ("physical_usage", True),
        ("soft_threshold", -1),
        ("hard_threshold", []),
    ],
)
def test_a_sample_that_breaks_a_limit_is_rejected_beside_good_ones(read_text, field, value):
    reading = read_text(read_storage_usage, json.dumps([SAID, said(**{field: value}), said(user="bob")]))
    assert reading.column("record") == [1, 3]
    (rejection,) = reading.rejections
    assert (rejection.record, rejection.field) == (2, field)
    assert rejection.expected
    assert rejection.found


def test_a_file_of_another_resource_is_reported_and_not_taken(read_text):
    reading = read_text(read_storage_usage, json.dumps([said(resource="torx")]))
    assert reading.rows == []
    (rejection,) = reading.rejections
    assert str(rejection).endswith(
        'field resource: expected "cloud", which the file is read for, found "torx"'
    )


def test_the_largest_number_is_kept_to_the_last_digit(read_text):
    (row,) = read_text(read_storage_usage, json.dumps([said(logical_usage=str((1 << 63) - 1))])).rows
    assert row["logical_usage"] == 9_223_372_036_854_775_807


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1, memory_limit="512MB") as engine:
        yield engine


def samples(engine, *rows):
    """What the model makes of raw rows: one row a measure."""
    raw = RAW_TABLES["storage_usage"].schema
    schema = pa.schema([*raw, ("batch_id", TEXT), ("recorded_at", TIME)])
    names = set(schema.names)
    table = pa.Table.from_pylist(
        [
            {"record": 1, "batch_id": "b", **{k: v for k, v in row.items() if k in names}, "dt": MOMENT}
            for row in rows
        ],
        schema=schema,
    )
    engine.relation("storage_usage", table)
    made = engine.query(MODEL.read_text(encoding="utf-8"))
    assert made.schema.names == SAMPLE.names
    return made.cast(SAMPLE).to_pylist()


def levels(made):
    return {(row["item"], row["measure"]): (row["value"], row["limit"]) for row in made}


def test_a_sample_has_bytes_with_their_quota_files_and_what_cannot_be_exceeded(engine):
    made = samples(engine, SAID)
    assert levels(made) == {
        ("/home:ada:grace", "stored_bytes"): (4096, 10000),
        ("/home:ada:grace", "physical_bytes"): (8192, None),
        ("/home:ada:grace", "files"): (12, None),
        ("/home:ada:grace", "hard_bytes"): (20000, None),
    }
    whose = ("kind", "name", "class", "project_ref", "group_name", "user_ref", "user_name", "weight", "time")
    assert {tuple(row[name] for name in whose) for row in made} == {
        ("filesystem", "/home", "/home", "grace", "grace", "ada", "ada", 1, MOMENT)
    }


def test_a_threshold_of_zero_is_no_quota_and_physical_bytes_that_were_not_said_are_no_level(engine):
    made = samples(engine, said(soft_threshold=0, hard_threshold=0, physical_usage=None))
    assert levels(made) == {
        ("/home:ada:grace", "stored_bytes"): (4096, None),
        ("/home:ada:grace", "files"): (12, None),
    }


def test_names_with_the_separator_are_different_items(engine):
    made = samples(
        engine,
        said(mountpoint="/a:b", user="c"),
        said(mountpoint="/a", user="b:c"),
        said(mountpoint="/a~1b", user="c"),
    )
    assert {row["item"] for row in made} == {"/a~1b:c:grace", "/a:b~1c:grace", "/a~01b:c:grace"}


def test_of_two_tellings_of_one_sample_the_content_decides_and_not_the_order(engine):
    tellings = (
        {**SAID, "logical_usage": 5, "batch_id": "a"},
        {**SAID, "logical_usage": 7, "batch_id": "b"},
        {**SAID, "logical_usage": 7, "batch_id": "c"},
        {**SAID, "logical_usage": 6, "batch_id": "d"},
    )
    found = {
        tuple(
            (row["value"], row["batch_id"])
            for row in samples(engine, *order)
            if row["measure"] == "stored_bytes"
        )
        for order in permutations(tellings)
    }
    assert found == {((7, "b"),)}


@pytest.mark.skipif(not REFERENCE.exists(), reason="Open XDMoD's reference files aren't on this machine")
@pytest.mark.parametrize(
    ("resource", "mountpoints"), [("recex", {"/data": 100}), ("torx", {"/projects": 100, "/scratch": 3337})]
)
def test_reference_files_are_read_whole(resource, mountpoints):
    found = Counter()
    for path in sorted((REFERENCE / resource).glob("*.json")):
        reading = read(read_storage_usage(path, resource))
        assert reading.rejections == []
        found.update(reading.column("mountpoint"))
    assert found == mountpoints
