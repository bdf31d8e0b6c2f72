"""Which JSON records does a file hold? Every good one in order; each broken one costs only itself.

Reads an array of objects (compact, a line each, or pretty-printed) or JSON lines, told from the
content. Elements are numbered from 1; whatever stands between two elements that can be told apart,
and is not an object, counts as one element and is reported. Commas and white space between elements
are not insisted on. Memory is bounded by the chunk and by the longest record that is accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.excerpt import excerpt, found
from meterhouse.sources.file_content import ByteStream
from meterhouse.sources.json_damage import Damage, Layout, next_element
from meterhouse.sources.json_decoding import Decoder, Unusable
from meterhouse.sources.text_window import TextWindow

RECORDS_PER_CHUNK = 2_000  # few enough for the processor's cache
CHARACTERS_PER_CHUNK = 1 << 23
LONGEST_RECORD = 1 << 24  # characters
RUN_CHARACTERS = 1 << 16  # read at one go as long as nothing is wrong
REPORTED_IN_A_ROW = 10_000  # of broken elements without one good; then only braces may begin one

_A_RECORD = "a JSON object"
_SPACE = re.compile(r"[ \t\n\r,]*")
_ARRAY_OF_OBJECTS = re.compile(r"\[[ \t\n\r]*\{")
_ENDS_ELEMENT = re.compile(r"[ \t\r]*(?:[,\]\n{]|(?P<end>\Z))")
_LOOK_BACK = 200


@dataclass(slots=True)
class Records:
    """A chunk of good records: their numbers in the file, and the objects."""

    numbers: list[int]
    objects: list[dict[str, Any]]


class JsonRecords:
    """The records of one stream; iterate once.

    `marks` are keys of which every record has at least one, and no object within a record has all: by
    them a record is known that an open list has swallowed, and in a file without line breaks only they
    tell where the next record begins after a broken one.
    With `first_array_only` the records end with the first array: what follows it is left to `behind`.
    After the iteration `count` is the number of elements, `incomplete` says why the end of the file
    could not be read (empty when it could).
    """

    def __init__(
        self,
        stream: ByteStream,
        origin: str,
        marks: frozenset[str],
        longest: int = LONGEST_RECORD,
        *,
        first_array_only: bool = False,
    ) -> None:
        self.count = 0
        self.incomplete = ""
        self._window = TextWindow(stream)
        self._origin = origin
        self._longest = longest
        self._layout = Layout(marks)
        self._decoder = Decoder(marks)
        self._at = 0
        self._previous_end = 0
        self._between: str | None = None
        self._bracketed = False  # the file has brackets round its records
        self._longest_run = min(RUN_CHARACTERS, longest)
        self._run_characters = self._longest_run
        self._cut = False  # the last element ran into the end of the file
        self._first_array_only = first_array_only
        self._closed = False  # the one array that is wanted has ended

    def __iter__(self) -> Iterator[Records | Rejection]:
        chunk = Records([], [])
        characters = broken_in_a_row = 0
        self._window.more(0)
        while self._to_next_element():
            if broken_in_a_row > REPORTED_IN_A_ROW and self._skip_to_brace():
                continue
            start = self._at
            good = self._run()
            if not good:
                self.count += 1
                element = self._element()
                if isinstance(element, Rejection):
                    broken_in_a_row += 1
                    if broken_in_a_row <= REPORTED_IN_A_ROW:
                        yield element
                    continue
                start = self._previous_end  # the window may have moved
                self.count -= 1
                good = [element]
            if broken_in_a_row > REPORTED_IN_A_ROW:
                yield self._unlisted(self.count, broken_in_a_row)
            broken_in_a_row = 0
            chunk.numbers.extend(range(self.count + 1, self.count + 1 + len(good)))
            chunk.objects.extend(good)
            self.count += len(good)
            characters += self._at - start
            self._previous_end = self._at
            if len(chunk.numbers) >= RECORDS_PER_CHUNK or characters >= CHARACTERS_PER_CHUNK:
                yield chunk
                chunk, characters = Records([], []), 0
        if broken_in_a_row > REPORTED_IN_A_ROW:
            yield self._unlisted(self.count, broken_in_a_row)
        if chunk.numbers:
            yield chunk
        yield from self._ending()

    def _to_next_element(self) -> bool:
        window = self._window
        while True:
            at = _SPACE.match(window.text, self._at).end()  # type: ignore[union-attr]
            if at == len(window.text):
                if window.ended:
                    self._at = at
                    return False
                self._more(max(self._previous_end, at - _LOOK_BACK), at)
                continue
            self._at = at
            character = window.text[at]
            if character == "]" and self._bracketed:
                self._at = at + 1
                if self._first_array_only:
                    self._closed = True
                    return False
            elif character == "[" and self._opens_array():
                self._bracketed = True
                self._at += 1
            else:
                return True

    def _skip_to_brace(self) -> bool:
        """Leave out what stands before the next brace in the window; False when one stands here."""
        text = self._window.text
        if text[self._at] == "{":
            return False
        brace = text.find("{", self._at)
        self._at = self._previous_end = brace if brace >= 0 else len(text)
        return True

    def _opens_array(self) -> bool:
        if self.count == 0 and not self._bracketed:
            return True
        window = self._window
        while not window.ended and not window.text[self._at + 1 :].strip():
            self._more(self._at, self._at)
        return _ARRAY_OF_OBJECTS.match(window.text, self._at) is not None

    def _run(self) -> list[dict[str, Any]]:
        """As many good records as stand here in a row, read at one go; none when anything is unusual.

        It is three times as fast as reading them singly, which then finds out what is wrong.
        """
        if not self._between:
            return []
        text, start = self._window.text, self._at
        boundary = "}" + self._between + "{"
        end = text.rfind(boundary, start, start + self._run_characters) + 1
        if end == 0:
            self._run_characters = min(2 * self._run_characters, self._longest_run)
            return []
        run = text[start:end]
        if not self._window.plain and not _is_plain(run):
            return []
        if "," not in self._between:
            run = run.replace(boundary, "},{")
        array = f"[{run}]"
        try:
            records, read = self._decoder.decode(array, 0)
        except (ValueError, RecursionError):
            records, read = [], 0
        usual = read == len(array) and set(map(type, records)) == {dict}
        if not usual or self._decoder.holds_records(records):
            self._run_characters = max(self._run_characters // 8, 1)
            return []
        self._run_characters = min(2 * self._run_characters, self._longest_run)
        line_breaks = text.count("\n", start, end) - (len(records) - 1) * self._between.count("\n")
        self._layout.learn_record(records[0], one_line=line_breaks == 0)
        self._at = end
        return cast(list[dict[str, Any]], records)

    def _element(self) -> dict[str, Any] | Rejection:
        """The element at the present place, which moves behind it."""
        window = self._window
        self._cut = False
        while True:
            start, text = self._at, window.text
            unusable: Unusable | None = None
            try:
                try:
                    value, end = self._decoder.decode(text, start)
                except Unusable as error:
                    unusable = error
                    value, end = self._decoder.decode_anyhow(text, start)
            except json.JSONDecodeError as error:
                unterminated = error.msg.startswith("Unterminated string")
                if unterminated or error.pos >= len(text) - 16:  # 16: longer than any escape or literal
                    if self._grow():
                        continue
                    if not window.ended:
                        what = f"more than {self._longest:,} characters"
                        return self._broken(what, start, Damage(start, error.pos), f"{_A_RECORD} of fewer")
                    self._cut = unterminated or error.pos >= len(text.rstrip())
                damage = Damage(start, error.pos)
                if unusable is not None:
                    return self._broken(unusable.what, start, damage, unusable.expected, unusable.field)
                return self._broken(f"broken JSON: {error.msg}", error.pos, damage)
            except RecursionError:
                damage = Damage(start, None, too_deep=True)
                return self._broken("deeper nesting than can be read", start, damage)
            ending = _ENDS_ELEMENT.match(text, end)
            too_long = end - start > self._longest
            open_end = ending is None or ending["end"] is not None
            if open_end and end > len(text) - _LOOK_BACK and not too_long and self._grow():
                continue
            if self._decoder.holds_records([value]):
                return self._broken("an object that holds whole records", start, Damage(start, None))
            if unusable is not None:
                damage = Damage(start, None, ends_at=end) if ending else Damage(start, end)
                return self._broken(unusable.what, start, damage, unusable.expected, unusable.field)
            if too_long:
                return self._rejected(end, f"{end - start:,} characters", f"{_A_RECORD} of fewer")
            if ending is None:
                return self._broken("more text behind a JSON value", end, Damage(start, end))
            if type(value) is not dict:
                return self._rejected(end, found(value), _A_RECORD)
            if not window.plain and (unsound := _unsound(value, text[start:end])):
                return self._rejected(end, unsound.what, unsound.expected, unsound.field)
            self._learn_layout(value, text, start, end)
            self._at = end
            return value

    def _learn_layout(self, record: dict[str, Any], text: str, start: int, end: int) -> None:
        between = text[self._previous_end : start]
        if between != self._between:
            self._between = between
            self._layout.learn_lead(between, first=self.count == 1)
        self._layout.learn_record(record, one_line="\n" not in text[start:end])
        self._previous_end = start  # what __iter__ measures the record by

    def _rejected(self, end: int, what: str, expected: str, field: str = "") -> Rejection:
        """A rejection of the well-formed element that ends at `end`."""
        rejection = self._rejection(self._at, what, expected, field)
        self._at = self._previous_end = end
        return rejection

    def _broken(
        self, what: str, place: int, damage: Damage, expected: str = _A_RECORD, field: str = ""
    ) -> Rejection:
        """A rejection of the element whose end has to be searched for."""
        rejection = self._rejection(place, what, expected, field)
        before = self._window.text[self._previous_end : damage.start]
        layout = self._layout.at(before, self._bracketed, self.count == 1)
        self._at = self._previous_end = next_element(self._window, damage, layout, self._longest)
        return rejection

    def _rejection(self, place: int, what: str, expected: str, field: str) -> Rejection:
        line = self._window.line(place)
        shown = excerpt(self._window.text[self._at : self._at + 400])
        name = excerpt(field, 80)
        return Rejection(self._origin, self.count, name, expected, f"{what} (line {line:,})", shown)

    def _unlisted(self, number: int, broken: int) -> Rejection:
        what = f"none; after {REPORTED_IN_A_ROW:,} of them the others are not listed"
        return Rejection(self._origin, number, "", f"{_A_RECORD} among {broken:,} elements", what)

    def behind(self, most: int) -> str:
        """Up to `most` characters of what follows the first array."""
        while not self._window.ended and len(self._window.text) - self._at < most:
            self._more(self._at, self._at)
        return self._window.text[self._at : self._at + most]

    def _ending(self) -> Iterator[Rejection]:
        window = self._window
        if self._closed:
            return
        if window.broken:
            self.incomplete = window.broken
        elif self._bracketed and window.last_visible != "]":
            self.incomplete = "the file ends within its array"
        elif self._cut and not self._bracketed and not window.text.endswith("\n"):
            self.incomplete = "the file ends within its last record"
        if self.incomplete and not self._cut:
            yield Rejection(self._origin, self.count + 1, "", "the proper end of the file", self.incomplete)

    def _grow(self) -> bool:
        """Read on with the present element kept; False at the end, or when it is too long."""
        if self._window.ended or len(self._window.text) - self._at > self._longest:
            return False
        self._more(max(self._previous_end, self._at - _LOOK_BACK), self._at)
        return True

    def _more(self, keep_from: int, at: int) -> None:
        self._window.more(keep_from)
        self._at = at - keep_from
        self._previous_end = max(0, self._previous_end - keep_from)


def _is_plain(text: str) -> bool:
    """Is it certain, without looking closer, that a record's text holds nothing unsound?"""
    if "\\u" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unsound(record: dict[str, Any], text: str) -> Unusable | None:
    """What no database takes: NUL, halves of surrogate pairs, bytes that are no UTF-8."""
    if _is_plain(text):
        return None
    for field, content in record.items():
        parts: list[Any] = [field, content]
        while parts:
            part = parts.pop()
            if isinstance(part, str):
                if "\0" in part:
                    return Unusable(field, "text without NUL", found(part))
                try:
                    part.encode()
                except UnicodeEncodeError:
                    return Unusable(field, "valid UTF-8 text", found(part))
            elif isinstance(part, dict):
                parts.extend(part)
                parts.extend(part.values())
            elif isinstance(part, list):
                parts.extend(part)
    return None
