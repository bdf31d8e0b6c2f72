"""In which format is an answer given? JSON, CSV, Arrow or Parquet, as the Accept header prefers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meterhouse.reports.exchanged import plain
from meterhouse.web.api.problems import Problem

Record = Mapping[str, Any]
Columns = Mapping[str, pa.DataType]

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
# What makes a spreadsheet take a text for a formula, or for something to run.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def chosen_format(accept: str, named: str | None) -> str:
    """The format that `format=` names, or else the one of the Accept header."""
    if named:
        if named not in MEDIA_TYPES:
            raise Problem(400, f"format: expected one of {', '.join(MEDIA_TYPES)}, found {named!r}")
        return named
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept or "*/*").split(",")):
        media, *options = (word.strip() for word in part.split(";"))
        weight = 1.0
        for option in options:
            name, _, value = option.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        wanted.append((-weight, place, media.lower()))
    for weight, _, media in sorted(wanted):
        if weight == 0:
            continue
        for name, own in MEDIA_TYPES.items():
            if media in (own, "*/*", own.partition("/")[0] + "/*"):
                return name
    raise Problem(406, f"Accept: expected one of {', '.join(MEDIA_TYPES.values())}")


def cell(value: object) -> str:
    """A value as CSV has it. A text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value) if isinstance(value, str) else str(plain(value))


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for nothing else."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_csv(columns: Sequence[str], records: Iterable[Record]) -> bytes:
    """A header line and a line for each record, ended by LF."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(record[name]) for name in columns] for record in records)
    return out.getvalue().encode()


def as_bytes(how: str, columns: Columns, records: Sequence[Record], beside: Mapping[str, Any]) -> bytes:
    """The records in that format; JSON also says what is `beside` them."""
    if how == "csv":
        return as_csv(list(columns), records)
    if how == "json":
        rows = [{name: plain(record[name]) for name in columns} for record in records]
        return json.dumps({"rows": rows, **beside}, ensure_ascii=False).encode()
    schema = pa.schema(list(columns.items()))
    table = pa.Table.from_pylist([{name: record[name] for name in columns} for record in records], schema)
    out = io.BytesIO()
    if how == "arrow":
        with pa.ipc.new_stream(out, schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, out)
    return out.getvalue()
