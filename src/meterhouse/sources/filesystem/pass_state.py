"""What does the kernel work with? Its arrays, as they are before the first line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.file_classes import FileClasses, age_buckets
from meterhouse.sources.filesystem.scan_formats import Layout

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_DIGIT = np.uint32(1 << 24)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pass makes: cells of usage, rows of directories, the entries themselves."""

    usage: bool = True
    directories: bool = True
    entries: bool = False


def new_state(
    layout: Layout, scanned_at: int, limit: int, classes: FileClasses, wanted: Wanted, keep_bad: int
) -> at.State:
    """The arrays of a pass that has read nothing yet. `scanned_at` is in seconds since 1970."""
    settings = np.zeros(at.SETTINGS, np.int64)
    settings[at.COLUMNS] = len(layout.roles)
    settings[at.PATH_MODE] = layout.path_mode
    settings[at.SCANNED_AT] = scanned_at
    settings[at.LIMIT] = limit
    settings[at.WANT_USAGE] = wanted.usage
    settings[at.WANT_DIRECTORIES] = wanted.directories
    settings[at.WANT_ENTRIES] = wanted.entries
    counts = np.zeros(at.COUNTS, np.int64)
    counts[at.SPILL] = counts[at.FREE_CELL] = -1
    counts[at.PREVIOUS_ESCAPE] = at.LONGEST_LINE
    values = np.zeros(at.ROLES, np.int64)
    values[at.LINKS] = 1
    unread = np.zeros(at.ROLES, np.bool_)
    if not wanted.entries:
        unread[[at.CHANGE, at.NUMBER]] = True
    levels = np.zeros((at.MOST_LEVELS, at.LEVEL_COLUMNS), np.int64)
    levels[0, [at.HEAD, at.USAGE_DIRECTORY, at.TEMPORARY]] = -1
    entries, entry_text = (at.MOST_ENTRIES, at.MOST_ENTRY_TEXT) if wanted.entries else (1, 1)
    return at.State(
        settings=settings,
        roles=np.array(layout.roles, np.int64),
        unread=unread,
        counts=counts,
        values=values,
        amounts=np.zeros((1, at.AMOUNTS), np.int64),
        base64=_base64_table(),
        base64_pairs=_base64_pairs(),
        ages=np.array([days * _DAY for days, _ in age_buckets()], np.int64),
        path=np.zeros(at.LONGEST_LINE + 80, np.uint8)[16:],  # the kernel looks at words that end in it
        suffix=np.zeros(at.LONGEST_LINE + 64, np.uint8),
        levels=levels,
        cell_owner=np.zeros(at.MOST_CELLS, np.uint64),
        cell_next=np.zeros(at.MOST_CELLS, np.int64),
        cell_amounts=np.zeros((at.MOST_CELLS, at.AMOUNTS), np.int64),
        usage_slots=np.full(at.MOST_USAGE_CELLS * 2, -1, np.int32),
        usage_place=np.zeros(at.MOST_USAGE_CELLS, np.uint64),
        usage_owner=np.zeros(at.MOST_USAGE_CELLS, np.uint64),
        usage_amounts=np.zeros((at.MOST_USAGE_CELLS, at.AMOUNTS), np.int64),
        usage_directory_end=np.zeros(at.MOST_USAGE_DIRECTORIES, np.int64),
        usage_directory_depth=np.zeros(at.MOST_USAGE_DIRECTORIES, np.int64),
        usage_text=np.zeros(at.MOST_USAGE_TEXT, np.uint8),
        row_directory=np.zeros(at.MOST_ROWS, np.int64),
        row_owner=np.zeros(at.MOST_ROWS, np.uint64),
        row_amounts=np.zeros((at.MOST_ROWS, at.AMOUNTS), np.int64),
        row_directory_end=np.zeros(at.MOST_ROWS, np.int64),
        row_directory_depth=np.zeros(at.MOST_ROWS, np.int64),
        row_text=np.zeros(at.MOST_ROW_TEXT, np.uint8),
        entry_values=np.zeros((entries, at.ROLES), np.int64),
        entry_end=np.zeros(entries, np.int64),
        entry_text=np.zeros(entry_text, np.uint8),
        link_inode=np.zeros(1 << 14, np.uint64),
        link_left=np.zeros(1 << 14, np.int64),
        devices=np.zeros(1024, np.uint64),
        bad_line=np.zeros(keep_bad, np.int64),
        bad_reason=np.zeros(keep_bad, np.int64),
        bad_column=np.zeros(keep_bad, np.int64),
        bad_length=np.zeros(keep_bad, np.int64),
        bad_excerpt=np.zeros((keep_bad, at.EXCERPT), np.uint8),
        **_class_tables(classes),
    )


def _base64_table() -> Any:
    """The bits of each character of base64 at each of the four places of a group."""
    table = np.full((4, 256), _NO_DIGIT, np.uint32)
    for value, character in enumerate(_ALPHABET):
        table[:, character] = [value << 18, value << 12, value << 6, value]
    return table


def _base64_pairs() -> Any:
    """The bits of each two characters of base64, by the two bytes as a number."""
    values = np.full(256, _NO_DIGIT, np.uint32)
    values[np.frombuffer(_ALPHABET, np.uint8)] = np.arange(64)
    first, second = values[np.newaxis, :], values[:, np.newaxis]  # the first byte is the lower one
    return np.where((first | second) & _NO_DIGIT, 0x8000, first << 6 | second).astype(np.uint16).reshape(-1)


def _class_tables(classes: FileClasses) -> Mapping[str, Any]:
    """The patterns as the kernel looks them up: words of their bytes, and their place in the table."""
    from meterhouse.sources.filesystem.kernel_walk import suffix_slot

    names = classes.names
    slots = 1 << max(8, (4 * len(classes.patterns)).bit_length())
    suffix_words = np.zeros((slots, 2), np.uint64)
    suffix_order = np.full(slots, -1, np.int64)
    by_match: dict[str, list[tuple[int, bytes]]] = {"directory": [], "prefix": []}
    for order, pattern in enumerate(classes.patterns):
        text = pattern.pattern.encode()
        if pattern.match != "suffix":
            by_match[pattern.match].append((order, text))
            continue
        one, other = _words(text[-8:])[0], _words(text[:-8])[0]
        slot = suffix_slot(one, other, slots - 1)
        while suffix_order[slot] >= 0 and (suffix_words[slot, 0], suffix_words[slot, 1]) != (one, other):
            slot = (slot + 1) & (slots - 1)
        if suffix_order[slot] < 0:
            suffix_words[slot] = one, other
            suffix_order[slot] = order
    directories, prefixes = by_match["directory"], by_match["prefix"]
    prefix_first = np.zeros(256, np.bool_)
    for _, text in prefixes:
        prefix_first[[text[0], text[:1].upper()[0]]] = True
    return {
        "suffix_words": suffix_words,
        "suffix_order": suffix_order,
        # The kernel shifts a directory's name in from below: its last character is lowest.
        "name_words": np.array([_words(text[::-1]) for _, text in directories], np.uint64).reshape(-1, 2),
        "name_order": np.array([order for order, _ in directories], np.int64),
        "prefix_words": np.array([_words(text) for _, text in prefixes], np.uint64).reshape(-1, 2),
        "prefix_first": prefix_first,
        "prefix_length": np.array([len(text) for _, text in prefixes], np.int64),
        "prefix_order": np.array([order for order, _ in prefixes], np.int64),
        "order_class": np.array([names.index(one.file_class) for one in classes.patterns] or [0], np.int64),
    }


def _words(text: bytes) -> tuple[np.uint64, np.uint64]:
    """Up to 16 bytes as two words, the first byte lowest."""
    padded = text.ljust(16, b"\0")
    return np.uint64(int.from_bytes(padded[:8], "little")), np.uint64(int.from_bytes(padded[8:], "little"))
