"""How do rows get into a file? As CSV, JSON, Parquet or a workbook, a batch at a time."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.reports.exchanged import plain
from meterhouse.web.api.formats import MEDIA_TYPES, cell

Columns = Mapping[str, pa.DataType]
Rows = Iterable[Mapping[str, Any]]

MEDIA_TYPE_OF = {
    **{name: MEDIA_TYPES[name] for name in ("csv", "json", "parquet")},
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html",
    "zip": "application/zip",
}
_BATCH = 10_000
_SHEET_ROWS = 1_048_575  # of a worksheet, below its heading
_CELL_CHARACTERS = 32_767


def write_rows(path: Path, how: str, columns: Columns, rows: Rows, title: str) -> None:
    """Write the rows to a new file. Raises QuestionError where the format can't hold so many."""
    if how == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([cell(row[name]) for name in columns] for row in rows)
    elif how == "json":
        with path.open("w", encoding="utf-8") as file:
            _write_json(file, columns, rows)
    elif how == "parquet":
        _write_parquet(path, columns, rows)
    else:
        _write_workbook(path, columns, rows, title)


def _write_json(file: TextIO, columns: Columns, rows: Rows) -> None:
    file.write("[")
    for number, row in enumerate(rows):
        file.write(",\n" if number else "\n")
        json.dump({name: plain(row[name]) for name in columns}, file, ensure_ascii=False)
    file.write("\n]\n")


def _write_parquet(path: Path, columns: Columns, rows: Rows) -> None:
    import pyarrow.parquet as pq

    schema = pa.schema(list(columns.items()))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batched(rows):
            writer.write_table(pa.Table.from_pylist([dict(row) for row in batch], schema))


def _write_workbook(path: Path, columns: Columns, rows: Rows, title: str) -> None:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    workbook.set_properties({"title": title, "author": "Meterhouse"})
    sheet = workbook.add_worksheet("Data")
    bold = workbook.add_format({"bold": True})
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    number = 0
    for number, row in enumerate(rows, 1):
        if number > _SHEET_ROWS:
            raise QuestionError(
                f"format: a worksheet holds {_SHEET_ROWS:,} rows, and there are more; expected csv or parquet"
            )
        for place, name in enumerate(columns):
            _write_cell(sheet, number, place, row[name])
    sheet.autofilter(0, 0, number, len(columns) - 1)
    workbook.close()


def _write_cell(sheet: Any, row: int, place: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(row, place, float(value))
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value.replace(tzinfo=None))  # UTC, as in every file
    else:
        sheet.write_string(row, place, str(plain(value))[:_CELL_CHARACTERS])


def batched(rows: Rows) -> Iterator[list[Mapping[str, Any]]]:
    """So many at a time as fit into memory easily."""
    left = iter(rows)
    while batch := list(itertools.islice(left, _BATCH)):
        yield batch
