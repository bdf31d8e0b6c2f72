"""A dump is a file per table and a manifest that proves them; all of it appears at once, or nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from meterhouse.reports.dump import DumpFormat, Period, differences, write_dump

APRIL = Period(datetime(2018, 4, 1, tzinfo=UTC), datetime(2018, 5, 1, tzinfo=UTC))
SCHEMA = pa.schema([("item", pa.string()), ("start", pa.timestamp("us", tz="UTC")), ("vcpus", pa.int64())])


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2018, 4, day, hour, minute, tzinfo=UTC)


def batch(*rows: tuple[str | None, datetime, int | None]) -> pa.RecordBatch:
    names = SCHEMA.names
    return pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=SCHEMA)


ONE = batch(
    ("vm-1", datetime(2018, 4, 18, 14, 58, tzinfo=UTC), 2), ("", datetime(2018, 4, 19, tzinfo=UTC), None)
)
TWO = batch(("=1+1", datetime(2018, 4, 20, tzinfo=UTC), 4), (None, datetime(2018, 4, 21, tzinfo=UTC), 1))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_csv_keeps_null_apart_from_empty_and_names_as_they_were_said(tmp_path: Path) -> None:
    write_dump({"span": [ONE, TWO]}, tmp_path / "out", "csv", APRIL, 42)
    assert (tmp_path / "out" / "span.csv").read_text() == (
        '"item","start","vcpus"\n'
        '"vm-1",2018-04-18 14:58:00.000000Z,2\n'
        '"",2018-04-19 00:00:00.000000Z,\n'
        '"=1+1",2018-04-20 00:00:00.000000Z,4\n'
        ",2018-04-21 00:00:00.000000Z,1\n"
    )


def test_parquet_gives_the_rows_back(tmp_path: Path) -> None:
    write_dump({"span": [ONE, TWO]}, tmp_path / "out", "parquet", APRIL, 42)
    assert pq.read_table(tmp_path / "out" / "span.parquet") == pa.Table.from_batches([ONE, TWO])


def test_the_manifest_names_columns_rows_checksums_period_and_snapshot(tmp_path: Path) -> None:
    path = write_dump({"span": [ONE, TWO]}, tmp_path / "out", "csv", APRIL, 42)
    manifest = json.loads(path.read_text())
    table = manifest["tables"][0]
    assert (manifest["start"], manifest["end"]) == ("2018-04-01T00:00:00Z", "2018-05-01T00:00:00Z")
    assert (manifest["snapshot"], manifest["format"], manifest["version"]) == (42, "csv", 1)
    assert (table["table"], table["file"], table["rows"]) == ("span", "span.csv", 4)
    assert table["columns"][1] == {"name": "start", "type": "timestamp[us, tz=UTC]"}
    assert table["bytes"] == (tmp_path / "out" / "span.csv").stat().st_size
    assert differences(tmp_path / "out") == []


def test_a_changed_or_missing_file_is_found(tmp_path: Path) -> None:
    write_dump({"span": [ONE], "other": [TWO]}, tmp_path / "out", "csv", APRIL, 42)
    (tmp_path / "out" / "span.csv").write_text("item\n")
    (tmp_path / "out" / "other.csv").unlink()
    found = differences(tmp_path / "out")
    assert found[0].startswith("span.csv: expected SHA-256")
    assert found[1] == "other.csv: expected a file, found none"


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_dumping_again_gives_the_same_bytes_and_changes_nothing(tmp_path: Path, format: DumpFormat) -> None:
    write_dump({"span": [ONE, TWO]}, tmp_path / "out", format, APRIL, 42)
    before = contents(tmp_path / "out")
    write_dump({"span": [ONE, TWO]}, tmp_path / "out", format, APRIL, 42)
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_another_dump_is_not_overwritten(tmp_path: Path) -> None:
    write_dump({"span": [ONE]}, tmp_path / "out", "csv", APRIL, 42)
    before = contents(tmp_path / "out")
    with pytest.raises(FileExistsError, match="expected an empty folder or this same dump"):
        write_dump({"span": [TWO]}, tmp_path / "out", "csv", APRIL, 43)
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_of_a_dump_that_broke_off(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield ONE
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="the disk went away"):
        write_dump({"whole": [ONE], "span": broken()}, tmp_path / "out", "csv", APRIL, 42)
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_rows_still_has_its_columns(tmp_path: Path) -> None:
    reader = pa.RecordBatchReader.from_batches(SCHEMA, [])
    write_dump({"span": reader}, tmp_path / "out", "csv", APRIL, 42)
    rows = list(csv.reader((tmp_path / "out" / "span.csv").open()))
    assert rows == [["item", "start", "vcpus"]]


def test_a_table_without_rows_or_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="table span: expected a batch or a schema"):
        write_dump({"span": []}, tmp_path / "out", "csv", APRIL, 42)


def test_a_table_name_cant_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a name of letters, digits and underscores"):
        write_dump({"../span": [ONE]}, tmp_path / "out", "csv", APRIL, 42)
