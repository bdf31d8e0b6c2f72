"""What do Open XDMoD's CSV imports say about people, fields of science and projects?

Formats: names (username, first, last[, organization]), hierarchy (abbreviation, description, parent),
group-to-hierarchy (group, abbreviation), cloud-project-to-pi (PI username, project name, resource);
no header, UTF-8. Source: Open XDMoD's documentation of xdmod-import-csv.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.tables import RAW_TABLES

_LONGEST = 1024
_RESOURCE = "directory"  # these records belong to the site, not to one of its resources


@dataclass(frozen=True, slots=True)
class CsvImport:
    """One of Open XDMoD's imports: raw table, columns in order, and how many must be there."""

    table: str
    columns: tuple[str, ...]
    least: int
    required: tuple[str, ...]


IMPORTS: dict[str, CsvImport] = {
    "names": CsvImport(
        "xdmod_name", ("username", "first_name", "last_name", "organization"), 3, ("username", "last_name")
    ),
    "hierarchy": CsvImport(
        "xdmod_hierarchy", ("abbreviation", "description", "parent"), 3, ("abbreviation", "description")
    ),
    "group-to-hierarchy": CsvImport(
        "xdmod_group_hierarchy", ("group_name", "abbreviation"), 2, ("group_name", "abbreviation")
    ),
    "cloud-project-to-pi": CsvImport(
        "xdmod_cloud_project", ("pi", "project_name", "cloud"), 3, ("pi", "project_name", "cloud")
    ),
}


def read_xdmod_csv(kind: str, path: Path, imported_at: datetime, replaces: str = "") -> Delivery:
    """Read one CSV file of `kind` (a key of IMPORTS) as the whole of what is known from now on.

    `replaces` is the key of the import that this one follows: the same file imported again after
    another one is news, imported twice in a row it is not. The key doesn't depend on the time.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(f"xdmod-{kind}\0{replaces}\0".encode() + content).hexdigest()
    records = _records(IMPORTS[kind], path.name, content, imported_at)
    return Delivery(f"xdmod-{kind}", _RESOURCE, path.name, digest, records)


def _records(
    one: CsvImport, origin: str, content: bytes, imported_at: datetime
) -> Iterator[Rows | Rejection | Coverage]:
    schema = RAW_TABLES[one.table].schema
    good: list[dict[str, object]] = []
    number = 0
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            fields = next(csv.reader(io.StringIO(line.decode("utf-8")), strict=True, skipinitialspace=True))
        except UnicodeDecodeError:
            yield Rejection(origin, number, "", "UTF-8 text", "other bytes", repr(line[:100]))
            continue
        except csv.Error as error:
            yield Rejection(origin, number, "", "a CSV line", str(error), repr(line[:100]))
            continue
        problem = _problem(one, origin, number, fields)
        if problem:
            yield problem
            continue
        record: dict[str, object] = dict(zip(one.columns, (field or None for field in fields), strict=False))
        good.append({**record, "record": number, "resource": _RESOURCE, "imported_at": imported_at})
    if good:
        filled = [{name: row.get(name) for name in schema.names} for row in good]
        yield Rows(one.table, pa.RecordBatch.from_pylist(filled, schema=schema))
    end = imported_at + timedelta(microseconds=1)
    yield Coverage(one.table, imported_at.astimezone(UTC), end, "ok" if good else "empty", len(good))


def _problem(one: CsvImport, origin: str, number: int, fields: list[str]) -> Rejection | None:
    excerpt = ",".join(fields)[:200]
    if not one.least <= len(fields) <= len(one.columns):
        wanted = f"{one.least}" if one.least == len(one.columns) else f"{one.least} or {len(one.columns)}"
        return Rejection(origin, number, "", f"{wanted} columns", f"{len(fields)}", excerpt)
    for name, value in zip(one.columns, fields, strict=False):
        if not value and name in one.required:
            return Rejection(origin, number, name, "a value", "nothing", excerpt)
        if len(value) > _LONGEST or "\0" in value:
            return Rejection(origin, number, name, f"at most {_LONGEST} characters", f"{len(value)}", excerpt)
    return None
