"""How is a ledger file read? TOML, JSON or CSV in one vocabulary, numbers exactly as they were written."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from meterhouse.allocations.file.entries import Adjustment, Entities, Usage
from meterhouse.allocations.file.values import Entry
from meterhouse.errors import MeterhouseError


class LedgerFileError(MeterhouseError):
    """A file that can't be read as a ledger: names file, record, field, what was expected and found."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A usage or adjustment that can't be booked; the rest of the file can."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Postings:
    """Usage and adjustments as they were sent, in order, and what was refused."""

    usages: tuple[Usage, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """All that a file sets up and books."""

    entities: Entities = field(default_factory=Entities)
    postings: Postings = field(default_factory=Postings)


Kind = TypeVar("Kind", bound=Entry)


def read_file(path: Path) -> LedgerFile:
    """Read FILE.toml, FILE.json or FILE.csv. Raises LedgerFileError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerFileError(f"{path}: expected a file of UTF-8 text: {error}") from None
    suffix = path.suffix.lower()
    try:
        if suffix == ".toml":
            data = tomllib.loads(text, parse_float=Decimal)
        elif suffix == ".json":
            data = json.loads(text, parse_float=Decimal, object_pairs_hook=_once_each)
        elif suffix == ".csv":
            data = _from_csv(path, text)
        else:
            raise LedgerFileError(
                f"{path}: expected a .toml, .json or .csv file, found {suffix or 'no ending'}"
            )
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise LedgerFileError(f"{path}: expected {suffix[1:].upper()}, found: {error}") from None
    if not isinstance(data, dict):
        raise LedgerFileError(f"{path}: expected tables by name, found {type(data).__name__}")
    return ledger_file(data, str(path))


def ledger_file(data: dict[str, Any], where: str) -> LedgerFile:
    """A ledger from plain data; `entities` may stand by themselves or beside usages and adjustments."""
    data = dict(data)
    postings = read_postings(data.pop("usages", []), data.pop("adjustments", []), where)
    if "entities" in data:
        inner = data.pop("entities")
        if data or not isinstance(inner, dict):
            raise LedgerFileError(f"{where}: expected entities alone, found also {', '.join(sorted(data))}")
        data = inner
    return LedgerFile(read_entities(data, where), postings)


def read_entities(data: dict[str, Any], where: str) -> Entities:
    """What is set up. Raises LedgerFileError with one line a mistake."""
    try:
        return Entities.model_validate(data)
    except ValidationError as error:
        raise LedgerFileError("\n".join(_mistakes(where, error))) from None


def read_postings(usages: Any, adjustments: Any, where: str) -> Postings:
    """Usage and adjustments; a record that can't be booked is refused by itself."""
    refused: list[Refused] = []
    return Postings(
        tuple(_booked(Usage, usages, "usages", where, refused)),
        tuple(_booked(Adjustment, adjustments, "adjustments", where, refused)),
        tuple(refused),
    )


def _booked(kind: type[Kind], records: Any, name: str, where: str, refused: list[Refused]) -> list[Kind]:
    if not isinstance(records, list):
        raise LedgerFileError(f"{where}: {name}: expected a list, found {type(records).__name__}")
    found: list[Kind] = []
    for position, record in enumerate(records):
        at = f"{where}: {name}.{position}"
        try:
            found.append(kind.model_validate(record))
        except ValidationError as error:
            unknown = [line for line in _mistakes(at, error) if "expected a known field" in line]
            if unknown or not isinstance(record, dict):
                raise LedgerFileError("\n".join(unknown or _mistakes(at, error))) from None
            refused.append(Refused(str(record.get("id", position)), "; ".join(_mistakes(at, error))))
    return found


def _mistakes(where: str, error: ValidationError) -> list[str]:
    lines = []
    for mistake in error.errors(include_url=False):
        at = ".".join(str(part) for part in mistake["loc"])
        said = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            said = "expected a known field"
        elif mistake["type"] == "missing":
            said = "expected it, found nothing"
        found = mistake.get("input")
        shown = "" if isinstance(found, dict | list) or mistake["type"] == "missing" else f", found {found!r}"
        lines.append(f"{where}: {at}: {said}{'' if ', found' in said else shown}")
    return lines


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"expected field {name!r} once")
        found[name] = value
    return found


def _from_csv(path: Path, text: str) -> dict[str, Any]:
    """One table for all kinds: column `kind` names the list, empty cells are left out."""
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    if not rows.fieldnames or "kind" not in rows.fieldnames:
        raise LedgerFileError(f"{path}: expected a column kind, found {rows.fieldnames}")
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        for row in rows:
            if None in row or None in row.values():
                raise LedgerFileError(f"{path}: line {rows.line_num}: expected {len(rows.fieldnames)} cells")
            kind = row.pop("kind")
            found.setdefault(kind, []).append({name: cell for name, cell in row.items() if cell != ""})
    except csv.Error as error:
        raise LedgerFileError(f"{path}: line {rows.line_num}: {error}") from None
    return dict(found)
