"""How is a reading of people and projects kept as evidence? Its records as one delivery, word for word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.directory.statement import Statement
from meterhouse.sources.tables import RAW_TABLES

_TABLE = "directory_record"
_RESOURCE = "directory"  # these records belong to the site, not to one of its resources


def delivered(statement: Statement, said_at: datetime) -> Delivery:
    """The records of a statement. The same records make the same key: said again, they land once."""
    digest = hashlib.sha256(f"directory\0{statement.source}\0".encode())
    for one in sorted(statement.said, key=lambda one: (one.kind, one.external_id, one.said)):
        digest.update(f"{one.kind}\0{one.external_id}\0{one.said}\0".encode("utf-8", "surrogatepass"))
    return Delivery(
        f"directory-{statement.source}",
        _RESOURCE,
        statement.source,
        digest.hexdigest(),
        _parts(statement, said_at),
    )


def _parts(statement: Statement, said_at: datetime) -> Iterator[Rows | Rejection | Coverage]:
    schema = RAW_TABLES[_TABLE].schema
    rows = [
        {
            "record": number,
            "resource": _RESOURCE,
            "source": statement.source,
            "kind": one.kind,
            "external_id": one.external_id,
            "said": one.said,
            "said_at": said_at,
            "extra": None,
        }
        for number, one in enumerate(statement.said, 1)
    ]
    if rows:
        yield Rows(_TABLE, pa.RecordBatch.from_pylist(rows, schema=schema))
    for skipped in statement.skipped:
        yield Rejection(skipped.where, 0, "", skipped.reason, "", "")
    end = said_at + timedelta(microseconds=1)
    yield Coverage(_TABLE, said_at, end, "ok" if rows else "empty", len(rows))
