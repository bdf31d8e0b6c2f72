"""How does one JSON object become a typed raw record, or the reason why it can't?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meterhouse.sources.delivery import Rejection

Json = Mapping[str, Any]
INT64 = range(-(2**63), 2**63)


class Unfit(ValueError):
    """A value that is not what its column holds."""

    def __init__(self, expected: str, found: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = shown(found)


def shown(value: object) -> str:
    """A foreign value as short, printable text: its type where it is a container, never all of it."""
    if isinstance(value, dict | list):
        return f"{type(value).__name__} of {len(value)}"
    return ascii(value)[:80]


def text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unfit("text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unfit("Unicode text", value) from None
    return value


def name_or_number(value: object) -> str | None:
    """An id that some releases say as a number and some as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def integer(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in INT64:
        raise Unfit("a whole number of 64 bits", value)
    return value


def boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Unfit("true or false", value)


def time(value: object) -> datetime | None:
    """An ISO 8601 time; OpenStack's times without a zone are UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unfit("a time as ISO 8601 text", value)
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("a time as ISO 8601 text", value) from None


def decimal_text(value: object) -> str | None:
    """A number as it was said, digit for digit (JSON numbers are read as text where this matters)."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if value is None else repr(value)
    raise Unfit("a number", value)


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column's value stands in the object (a path of keys), and what it must be."""

    path: tuple[str, ...]
    convert: Callable[[object], Any]
    required: bool = False


def column(*path: str, convert: Callable[[object], Any] = text, required: bool = False) -> Column:
    return Column(path, convert, required)


Columns = Mapping[str, Column]


def typed(said: object, columns: Columns, origin: str, record: int) -> dict[str, Any] | Rejection:
    """One row from one JSON object: the typed columns, and in `extra` all that was said beyond them."""
    if not isinstance(said, dict):
        return Rejection(origin, record, "", "an object", shown(said), excerpt(said))
    row: dict[str, Any] = {}
    for name, where in columns.items():
        field = ".".join(where.path)
        try:
            row[name] = where.convert(_found(said, where.path))
        except Unfit as unfit:
            return Rejection(origin, record, field, unfit.expected, unfit.found, excerpt(said))
        if where.required and row[name] is None:
            return Rejection(origin, record, field, "a value", "nothing", excerpt(said))
    beyond = _beyond(said, {where.path for where in columns.values()})
    row["extra"] = canonical(without_secrets(beyond)) if beyond else None
    return row


def _found(said: Json, path: tuple[str, ...]) -> object:
    value: object = said
    for key in path:
        if value is None or value == "":  # Nova says "" for no image
            return None
        if not isinstance(value, dict):
            raise Unfit("an object", value)
        value = value.get(key)
    return value


def _beyond(said: Json, taken: set[tuple[str, ...]], prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """What was said beyond the paths in `taken`."""
    beyond: dict[str, Any] = {}
    for key, value in said.items():
        path = (*prefix, key)
        if path in taken and not isinstance(value, dict):
            continue
        if isinstance(value, dict) and any(other[: len(path)] == path for other in taken):
            value = _beyond(value, taken, path)
            if not value:
                continue
        beyond[key] = value
    return beyond


SECRET_WORDS = (
    "password",
    "passwd",
    "adminpass",
    "auth_token",
    "secret",
    "user_data",
    "traceback",
    "credential",
)


def without_secrets(value: Any) -> Any:
    """The same value without what must never be kept: tokens, passwords, boot scripts, stack traces."""
    if isinstance(value, dict):
        return {
            key: without_secrets(inner)
            for key, inner in value.items()
            if key != "links" and not any(word in key.lower() for word in SECRET_WORDS)
        }
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def canonical(value: object) -> str:
    """JSON text that is the same for the same content; plain ASCII, so that any string survives."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def excerpt(said: object) -> str:
    return canonical(without_secrets(said))[:200]
