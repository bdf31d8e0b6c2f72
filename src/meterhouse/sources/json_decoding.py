"""What does one JSON text say: a definite value, nothing definite, or has it swallowed whole records?

A list or object that was cut open reads the records behind it as its own content, and that can even be
well-formed. Records are known by their marks: keys of which an object within a record never has all.
"""

from __future__ import annotations

import json
from typing import Any

from meterhouse.sources.excerpt import found


class Unusable(ValueError):
    """JSON that says nothing definite, as far as it was read."""

    def __init__(self, field: str, expected: str, what: str) -> None:
        super().__init__(what)
        self.field, self.expected, self.what = field, expected, what


class Decoder:
    """Decodes JSON values, and remembers of the last one whether records may stand within."""

    def __init__(self, marks: frozenset[str]) -> None:
        self._marks = marks
        self._mark = mark = min(marks, default="")
        self._marked: list[object] = []  # the last value's objects, at any depth, with that mark
        another = self._marked.append

        def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            record = dict(pairs)
            if len(record) != len(pairs):
                _check_values(pairs)
            if mark in record:
                another(record)
            return record

        def ambiguous(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
            record: dict[str, list[Any]] = {}
            for key, value in pairs:
                record.setdefault(key, []).append(value)
            if mark in record:
                another(record)
            return record

        self._strict = json.JSONDecoder(object_pairs_hook=unambiguous, parse_constant=_no_number).raw_decode
        self._lenient = json.JSONDecoder(
            object_pairs_hook=ambiguous, parse_constant=str, parse_int=str, parse_float=str
        ).raw_decode

    def decode(self, text: str, start: int) -> tuple[Any, int]:
        """The value at `start`, and where it ends.

        JSONDecodeError when it is broken, RecursionError when it is nested too deep, Unusable when it
        says nothing definite up to where that shows; what comes behind it is then not known.
        """
        self._marked.clear()
        try:
            return self._strict(text, start)
        except (json.JSONDecodeError, Unusable):
            raise
        except ValueError:  # Python refuses to read integers of more than 4,300 digits
            raise Unusable("", "a JSON object", "an integer of thousands of digits") from None

    def decode_anyhow(self, text: str, start: int) -> tuple[Any, int]:
        """The same, whatever the value says. Each key has the list of its values; numbers are texts."""
        self._marked.clear()
        return self._lenient(text, start)

    def holds_records(self, elements: list[Any]) -> bool:
        """Do records stand within these elements, which are what was decoded last?"""
        if self._marked == elements:  # as it nearly always is
            return False
        marked = [element for element in elements if type(element) is dict and self._mark in element]
        if len(marked) == len(self._marked):
            return False
        parts = [part for element in elements for part in _parts(element)]
        while parts:
            part = parts.pop()
            if type(part) is dict and self._marks <= part.keys():
                return True
            parts.extend(_parts(part))
        return False


def _check_values(pairs: list[tuple[str, Any]]) -> None:
    first: dict[str, Any] = {}
    for key, value in pairs:
        # repr tells 1, 1.0 and true apart, which compare as equal
        if key in first and repr(first[key]) != repr(value):
            raise Unusable(key, "one value for each key", f"{found(first[key])} and {found(value)}")
        first[key] = value


def _parts(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(value.values())
    return value if type(value) is list else []


def _no_number(name: str) -> Any:
    raise Unusable("", "numbers that JSON knows", name)
