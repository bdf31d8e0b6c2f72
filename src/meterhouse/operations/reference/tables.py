"""Which tables are there, with which columns? Raw, derived and register tables, from their schemas."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from importlib import import_module
from types import ModuleType
from typing import Any

import pyarrow as pa

from meterhouse.operations.reference.markdown import code, codes, page, table
from meterhouse.sources import tables as raw
from meterhouse.usage import tables as derived
from meterhouse.warehouse.tables import REJECTED_RECORD, raw_tables

_TYPES = {
    pa.string(): "text",
    pa.int64(): "integer",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "UTC time",
    pa.decimal128(38, 0): "whole number of up to 38 digits",
}
_EVERY_RAW_TABLE = {
    "record": "Place within the delivery's origin, counted from 1.",
    "resource": "The resource that it is about.",
    "extra": "JSON text: whatever the source said beyond the typed columns.",
    "batch_id": "The batch in which it landed.",
    "recorded_at": "When it landed.",
}


def raw_tables_page() -> str:
    """Every raw table with the columns as stored."""
    comments: dict[tuple[str, str], str] = {}
    for module in raw.TABLE_MODULES:
        comments |= column_comments(module)
    parts = [
        "Raw tables hold records as the source said them. They are only ever appended to. Times are UTC to "
        "the microsecond. Every raw table of a source has the columns "
        f"{codes(_EVERY_RAW_TABLE)}; the others follow.",
        table(["column", "meaning"], [(code(name), meaning) for name, meaning in _EVERY_RAW_TABLE.items()]),
    ]
    for name, stored in raw_tables().items():
        parts.append(f"## {name}")
        if name == REJECTED_RECORD:
            parts.append("Records that could not be taken: where they stand, what was expected and found.")
            columns = list(stored.schema)
        else:
            one = raw.RAW_TABLES[name]
            parts.append(f"{one.doc}. Placed in time by {code(one.time_column)}.")
            columns = [field for field in stored.schema if field.name not in _EVERY_RAW_TABLE]
        rows = [
            (
                code(field.name),
                _TYPES[field.type],
                comments.get((name, field.name)) or comments.get(("", field.name), ""),
            )
            for field in columns
        ]
        parts.append(table(["column", "type", "remark"], rows))
    return page("Raw tables", *parts)


def derived_tables_page() -> str:
    """Every table that a build makes, and the item events that it reads the raw tables as."""
    comments = column_comments(derived)
    parts = ["Derived tables are made by `meterhouse build` and can be made anew from the raw tables."]
    for name, (schema, time_column) in derived.DERIVED_TABLES.items():
        parts.append(f"## {name}")
        parts.append(f"Placed in time by {code(time_column)}.")
        parts.append(_derived(name.upper(), schema, comments))
    parts.append("## Item events")
    parts.append("Not stored: what the models make of raw records first, one schema for every source.")
    parts.append(_derived("ITEM_EVENT", derived.ITEM_EVENT, comments))
    return page("Derived tables", *parts)


def register_page() -> str:
    """Every table that the folders of Meterhouse keep in the register."""
    parts = [
        "The register is a relational database. Read the warehouse's catalogue in it through "
        "`Warehouse.view()`; the tables are named here for those who look after the database."
    ]
    for model in _models():
        comments = column_comments(import_module(model.__module__))
        meta = model._meta
        parts.append(f"## {meta.db_table}")
        parts.append(inspect.getdoc(model) or "")
        rows = [
            (
                code(field.column),
                _field_type(field),
                "yes" if field.null else "",
                comments.get((model.__name__, field.name), ""),
            )
            for field in meta.concrete_fields
        ]
        parts.append(table(["column", "type", "may be null", "remark"], rows))
        if meta.constraints:
            parts.append(f"Constraints: {codes(one.name for one in meta.constraints)}.")
    return page("Register tables", *parts)


def table_names() -> list[str]:
    """The name of each table that is documented here."""
    return [*raw_tables(), *derived.DERIVED_TABLES, *(model._meta.db_table for model in _models())]


def column_comments(module: ModuleType) -> dict[tuple[str, str], str]:
    """What the module's comments say of columns: (owner, column) -> comment.

    The owner is the table's name, variable or class; "" where it is computed. A comment belongs to the column
    on its line, or on the line after it.
    """
    source = inspect.getsource(module)
    at_line: dict[int, str] = {}
    above: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ").rstrip()
            if token.line.lstrip().startswith("#"):
                before = above.pop(token.start[0], "")
                above[token.start[0] + 1] = f"{before} {text}".strip()
            else:
                at_line[token.start[0]] = text
    found = {}
    for owner, column, line in _columns_in(ast.parse(source)):
        remark = "; ".join(text for text in (above.get(line, "").rstrip("."), at_line.get(line, "")) if text)
        if remark:
            found[owner, column] = remark
    return found


def _columns_in(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Columns where they are defined: keywords of raw_table(...), pairs in a list, fields of a class."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "raw_table":
            name = node.args[0]
            owner = str(name.value) if isinstance(name, ast.Constant) else ""
            found += [(owner, one.arg, one.lineno) for one in node.keywords if one.arg]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.Assign)]
            found += [
                (node.name, target.id, one.lineno)
                for one in fields
                for target in one.targets
                if isinstance(target, ast.Name)
            ]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            pairs = [one for one in ast.walk(node.value) if isinstance(one, ast.Tuple) and one.elts]
            found += [
                (node.targets[0].id, str(one.elts[0].value), one.lineno)
                for one in pairs
                if isinstance(one.elts[0], ast.Constant)
            ]
    return found


def _derived(owner: str, schema: pa.Schema, comments: dict[tuple[str, str], str]) -> str:
    rows = []
    for field in schema:
        owners = (owner, "_WHOSE", "_WHEN", "_SIZE", "_ENDS", "_BATCH", "_RUN", "SPAN")
        remark = next((comments[one, field.name] for one in owners if (one, field.name) in comments), "")
        rows.append((code(field.name), _TYPES[field.type], remark))
    return table(["column", "type", "remark"], rows)


def _models() -> list[Any]:
    """The models of every folder that keeps tables in the register."""
    from django.apps import apps

    import meterhouse.register.configured  # noqa: F401

    return [model for model in apps.get_models() if model.__module__.startswith("meterhouse.")]


def _field_type(field: Any) -> str:
    if field.remote_field is not None:
        return f"reference to {code(field.remote_field.model._meta.db_table)}"
    words = field.get_internal_type().removesuffix("Field")
    return f"{words}, at most {field.max_length} characters" if field.max_length else words
