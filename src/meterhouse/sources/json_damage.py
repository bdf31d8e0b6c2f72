"""Where does the next record begin after a broken one? Found by the file's layout, or by trying.

In a file whose records begin on lines of their own, a line with the records' indentation ends the
damage, whatever the damage is. In a file without such lines every opening brace that can begin
a record is tried until one does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from meterhouse.sources.text_window import TextWindow

_LINE_BREAK = re.compile(r"\n")
_RECORD_ENDS_OR_BEGINS = re.compile(
    r"(?P<after>\}[ \t\r]*,?[ \t\r]*(?=\n))|\n(?=[ \t\r\n,]*[{\]])"  # at a line's end, or on the next line
)
_OPENING = re.compile(r'(?<![:\[{])\{[ \t\r\n]*"([^"]*)')  # no key's value, nor the first of a list
_AFTER_A_RECORD = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*\Z")
_RECORD_TO_RECORD = re.compile(r'\}[ \t\r\n]*,[ \t\r\n]*\{[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:')
_NESTING = re.compile(r"[{\[]")
_NESTED_AT_LEAST = 500  # brackets that surely stand before the place where nesting became too deep
_MOST_FAILURES = 50  # of one search, until it makes longer steps
_MOST_KEYS = 10_000
_LOOK_BACK = 200
_MARK_WITHIN = 1 << 17  # characters from a record's opening brace to a key that marks it as a record

_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Damage:
    """A broken element: where it starts, and where reading it failed (None: not known).

    `ends_at` is known of a well-formed one, of which only what it says is of no use.
    """

    start: int
    failed_at: int | None
    too_deep: bool = False
    ends_at: int | None = None


@dataclass(slots=True)
class Layout:
    """How the records of a file stand on its lines.

    `lead` is what precedes a record on its line (white space, perhaps a comma); None when records
    don't begin on lines of their own. `one_line`: records have no line breaks within.
    """

    marks: frozenset[str]
    lead: str | None = None
    one_line: bool = False
    known: bool = False
    keys: set[str] = field(default_factory=set)

    def learn_lead(self, between: str, first: bool) -> None:
        """Take over how records follow each other from what stands before a good record."""
        if "\n" in between:
            self.lead = between.rpartition("\n")[2]
        elif between and not first:  # nothing in between: found by trying, so it says nothing
            self.lead = None
        else:
            return
        self.one_line = self.one_line or not self.known  # until a record shows otherwise
        self.known = True

    def learn_record(self, record: dict[str, Any], one_line: bool) -> None:
        """Take over what a good record looks like."""
        self.one_line = self.one_line and one_line
        if len(self.keys) < _MOST_KEYS:
            self.keys.update(record)

    def at(self, before: str, bracketed: bool, first: bool) -> Layout:
        """The layout, guessed from what stands before a broken element as long as none was learnt."""
        if self.known:
            return self
        if "\n" in before:
            return replace(self, lead=before.rpartition("\n")[2])
        if first and not bracketed:
            return replace(self, lead="")
        return self


def next_element(window: TextWindow, damage: Damage, layout: Layout, longest: int) -> int:
    """The place in the window, which may have moved on, at which to look for the next element."""
    if layout.lead is None:
        if damage.ends_at is not None:
            return damage.ends_at
        return _Trial(window, layout, longest).next_record(damage)
    one_line = layout.one_line
    if not layout.known:
        first_line = window.text[damage.start : damage.start + _LOOK_BACK].partition("\n")[0]
        one_line = first_line.strip() != "{"
    if one_line:
        return _end_of_line(window, damage)
    return _end_of_indented_record(window, damage, layout.lead)


def _end_of_line(window: TextWindow, damage: Damage) -> int:
    # A text that is still open at its line's end was cut there, or has a line break within: then lines
    # that begin no record are the rest of it. Where the failure lies lines behind, an open list has
    # swallowed the records of those lines: they are to be read again.
    failed_at = damage.failed_at
    ran_over = failed_at is not None and window.text.find("\n", damage.start) == failed_at
    pattern = _RECORD_ENDS_OR_BEGINS if ran_over else _LINE_BREAK
    at = failed_at or damage.start if ran_over else damage.start
    while (boundary := pattern.search(window.text, at)) is None:
        if window.ended:
            return len(window.text)
        last_break = window.text.rfind("\n", at)
        window.more(last_break if last_break >= 0 else len(window.text))
        at = 0
    return boundary.end() if ran_over and boundary["after"] else boundary.start()


def _end_of_indented_record(window: TextWindow, damage: Damage, lead: str) -> int:
    indent = lead[: len(lead) - len(lead.lstrip())]
    begins = rf"{re.escape(lead)}\{{" + (rf"|{re.escape(indent)}(?=[^\s}}])" if indent else "")
    pattern = re.compile(rf"\n(?:{begins}|{re.escape(indent)}(?P<closing>\}})[^\n]*)")
    at = damage.start
    while True:
        boundary = pattern.search(window.text, at)
        if boundary is None:
            if window.ended:
                return len(window.text)
            keep_from = max(at, len(window.text) - len(lead) - 2)
        elif boundary["closing"] is None:
            return boundary.start()
        elif window.ended or boundary.end() < len(window.text):
            return boundary.end()
        else:
            keep_from = boundary.start()  # the closing line isn't all there yet
        window.more(keep_from)
        at = 0


class _Trial:
    """The search for the next record by trying every opening brace that can begin one."""

    def __init__(self, window: TextWindow, layout: Layout, longest: int) -> None:
        self._window = window
        self._layout = layout
        self._quoted_marks = [f'"{mark}"' for mark in layout.marks]
        self._longest = longest
        self._at = 0
        self._well_formed_until = 0  # before it only whole records are looked for
        self._failures = 0
        self._mark_at = -1

    def next_record(self, damage: Damage) -> int:
        window = self._window
        self._at = damage.start
        # Records behind a list that was cut short read as its elements, up to the first that fails.
        if damage.too_deep:
            self._well_formed_until = _where_nested(window.text, damage.start)
        elif damage.failed_at is not None:
            self._well_formed_until = _before_last_string(window.text, damage)
        self._at += 1
        while True:
            opening = _OPENING.search(window.text, self._at)
            if opening is None:
                if window.ended:
                    return len(window.text)
                self._move(max(self._at, len(window.text) - _LOOK_BACK))
            elif self._begins_record(opening.start(), opening[1]):
                return self._at

    def _begins_record(self, opening: int, first_key: str) -> bool:
        """Does a record begin here? If so, `_at` is there; if not, where to search on."""
        text, window = self._window.text, self._window
        before = text[max(0, opening - _LOOK_BACK) : opening]
        if before.rstrip()[-1:] in (":", "[", "{"):  # the same, with space between
            self._at = opening + 1
            return False
        follows = _AFTER_A_RECORD.search(before) is not None
        known = not self._layout.keys or first_key in self._layout.keys
        self._at = opening
        if not window.ended and len(text) - opening < _MARK_WITHIN:
            self._move(opening)
            return False
        if not self._mark_follows(opening):
            self._at = opening + 1
            return False
        try:
            value, end = _decode(text, opening)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(text) - 16 or error.msg.startswith("Unterminated string")
            if cut and not window.ended and len(text) - opening <= self._longest:
                self._move(opening)
                return False
            well_formed_until = _before_last_string(text, Damage(opening, error.pos))
        except RecursionError:
            well_formed_until = _where_nested(text, opening)
        except ValueError:
            well_formed_until = opening
        else:
            if not self._layout.marks.isdisjoint(value) and (known or follows):
                return True
            self._at = end
            return False
        if follows and known and opening >= self._well_formed_until and self._is_marked(opening):
            return True
        # Here too a list may have swallowed the records behind it; but nobody nests for ever.
        self._failures += 1
        self._at = opening + 1
        if self._failures > _MOST_FAILURES:
            self._at = max(self._at, well_formed_until)
        return False

    def _mark_follows(self, opening: int) -> bool:
        if self._mark_at < opening:
            places = [self._window.text.find(mark, opening) for mark in self._quoted_marks]
            self._mark_at = min((place for place in places if place >= 0), default=len(self._window.text))
        return self._mark_at < min(opening + _MARK_WITHIN, len(self._window.text))

    def _is_marked(self, opening: int) -> bool:
        """Does a mark follow before the next record may begin?"""
        text, keys = self._window.text, self._layout.keys
        following = _RECORD_TO_RECORD.search(text, opening)
        while following is not None and keys and following[1] not in keys:  # objects of a list within
            if following.start() > self._mark_at:
                break
            following = _RECORD_TO_RECORD.search(text, following.end())
        return self._mark_at < (following.start() if following else len(text))

    def _move(self, at: int) -> None:
        """Read on; what stands just before `at` stays, to be looked back at."""
        keep_from = max(0, at - _LOOK_BACK)
        self._window.more(keep_from)
        self._at = at - keep_from
        self._well_formed_until -= keep_from
        self._mark_at = -1


def _before_last_string(text: str, damage: Damage) -> int:
    """The start of the string before the failure: an unclosed one may have swallowed a record's start."""
    assert damage.failed_at is not None
    closing = text.rfind('"', damage.start, damage.failed_at)
    return text.rfind('"', damage.start, closing) if closing >= 0 else damage.failed_at


def _where_nested(text: str, opening: int) -> int:
    """A place after `opening`, where nesting became too deep, up to which everything belongs to it."""
    deeper = list(islice(_NESTING.finditer(text, opening + 1), _NESTED_AT_LEAST))
    return deeper[-1].start() if len(deeper) == _NESTED_AT_LEAST else opening + 1
