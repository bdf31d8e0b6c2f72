"""How do answers about file systems look? Exact in CSV and JSON, and on a terminal in words for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from meterhouse.cli.options import Format, print_records

# What a table leaves out where no row has anything to say.
_OPTIONAL = frozenset(
    {"pi", "archived_directory", "status", "action", "comment", "quota", "full_on", "per_day"}
)


def print_rows(
    kind: type[Any],
    rows: Sequence[Any],
    how: Format,
    *,
    sizes: Collection[str] = (),
    numeric: Collection[str] = (),
    headings: Mapping[str, str] | None = None,
) -> None:
    """Print rows that are dataclasses of a kind, by their fields."""
    columns = [field.name for field in fields(kind)]
    records = [{name: getattr(row, name) for name in columns} for row in rows]
    print_answer(records, columns, how, sizes=sizes, numeric=numeric, headings=headings)


def print_answer(
    records: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    how: Format,
    *,
    sizes: Collection[str] = (),
    numeric: Collection[str] = (),
    headings: Mapping[str, str] | None = None,
    empty: str = "Nothing of this kind was found.",
) -> None:
    """Print records; in a table with units, and without columns that say nothing.

    `sizes`: columns of bytes. `headings`: other names of columns in a table.
    """
    if how is not Format.table:
        print_records(records, columns, how)
        return
    shown = [
        name
        for name in columns
        if name not in _OPTIONAL or any(record[name] not in (None, "") for record in records)
    ]
    said = {
        name: (headings or {}).get(name) or name.removesuffix("_bytes").replace("_", " ") for name in shown
    }
    print_records(
        [{said[name]: _in_words(record[name], name in sizes) for name in shown} for record in records],
        list(said.values()),
        how,
        numeric=[said[name] for name in shown if name in sizes or name in numeric],
        empty=empty,
    )


def _in_words(value: object, is_size: bool) -> object:
    from meterhouse.reports.storage.amounts import with_unit

    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return with_unit(value) if is_size else f"{value:,}"
    return value
