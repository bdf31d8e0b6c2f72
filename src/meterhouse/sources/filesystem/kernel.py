"""Who owns what, where, since when? One pass over the lines of a scan, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.compiled import compiled, inlined
from meterhouse.sources.filesystem.kernel_line import line_at
from meterhouse.sources.filesystem.kernel_links import AGAIN, FIRST, name_of_inode
from meterhouse.sources.filesystem.kernel_walk import (
    add_to_directory,
    add_to_usage,
    age_bucket,
    class_of_file,
    clear_usage,
    entered,
    handed_up,
    left,
    spilt,
)
from meterhouse.sources.filesystem.kernel_words import (
    bytes_that_are,
    first_bytes,
    leading_zeros,
    ones_in,
    put_word,
    word_at,
)

_SLASH, _NEWLINE = 47, 10
_SLASH_BYTE = np.uint64(_SLASH)
_FILE, _DIRECTORY, _LINK = 102, 100, 108
_TYPES = np.zeros(256, np.bool_)
_TYPES[np.frombuffer(b"fdlsbcFXpD", np.uint8)] = True


@compiled
def read_lines(state: at.State, data: Any, end: int) -> int:
    """Read the complete lines of `data` from counts[AT] to `end`, and say why it returns.

    `end` is behind a newline, or where the data ends; 64 bytes behind it may be looked at. With any
    other answer than NEED_DATA the caller makes room and calls again: the line at hand was not taken.
    """
    counts, settings, levels, values = state.counts, state.settings, state.levels, state.values
    amounts = state.amounts
    want_usage, want_directories = settings[at.WANT_USAGE], settings[at.WANT_DIRECTORIES]
    want_entries = settings[at.WANT_ENTRIES]
    scanned_at = settings[at.SCANNED_AT]
    most_usage = len(state.usage_owner)
    place = counts[at.AT]
    while place < end:
        if counts[at.SPILL] >= 0 and not spilt(state):
            counts[at.AT] = place
            return at.ROWS_FULL
        stop, wrong, column, keep, length, field = line_at(state, data, place)
        common, slashes, last_slash, kept_level = 0, 0, 0, 0
        total = keep + length
        if wrong == at.GOOD:
            wrong, column, common, last_slash, slashes, total = _path_checked(state, keep, length)
        if wrong == at.GOOD:
            is_directory = values[at.TYPE] == _DIRECTORY
            kept_level = _level_that_stays(state, keep, common, total, is_directory)
            if kept_level + slashes + 1 >= len(levels):
                wrong = at.TOO_DEEP
        if wrong != at.GOOD:
            stop = _note_bad_line(state, data, place, stop, end, wrong, column)
            place = stop + 1
            continue
        # Make room: nothing of the line is taken before there is enough for it.
        if want_usage and (
            counts[at.USAGE_CELLS] >= most_usage
            or counts[at.USAGE_DIRECTORIES] >= len(state.usage_directory_end)
            or counts[at.USAGE_TEXT] + total + 1 > len(state.usage_text)
        ):
            counts[at.AT] = place
            return at.USAGE_FULL
        if want_entries and (
            counts[at.ENTRIES] >= len(state.entry_end)
            or counts[at.ENTRY_TEXT] + total > len(state.entry_text)
        ):
            counts[at.AT] = place
            return at.ENTRIES_FULL
        if counts[at.LINKS_OPEN] * 2 >= len(state.link_inode) and len(state.link_inode) < at.MOST_LINKS:
            counts[at.AT] = place
            return at.LINKS_FULL
        if (counts[at.LEVEL] > kept_level and not left(state, kept_level)) or (
            want_directories
            and counts[at.FREE_CELL] < 0
            and counts[at.CELLS_USED] >= len(state.cell_owner)
            and not handed_up(state)
        ):
            counts[at.AT] = place
            return at.ROWS_FULL
        # Take it.
        byte = max(common, keep)
        while byte < keep + length:  # behind a path there is room for a word
            put_word(state.path, byte, word_at(state.suffix, byte - keep))
            byte += 8
        counts[at.PATH_LENGTH] = total
        counts[at.PREVIOUS_AT] = field
        counts[at.PREVIOUS_LENGTH] = values[at.PATH]
        counts[at.PREVIOUS_ESCAPE] = values[at.TEXT]
        counts[at.LINES] += 1
        start = levels[counts[at.LEVEL], at.END] + 1
        directory_end = total if is_directory else last_slash if last_slash >= 0 else start - 1
        if directory_end > start:
            entered(state, start, directory_end)
        if want_entries:
            _keep_entry(
                counts, values, state.path, state.entry_values, state.entry_end, state.entry_text, total
            )
        if values[at.LINKS] == 0:
            counts[at.UNLINKED] += 1
            place = stop + 1
            continue
        owner = np.uint64(values[at.GID]) << np.uint64(32) | np.uint64(values[at.UID])
        kind = _amounts_of_line(state, amounts, directory_end + 1, total)
        accessed, modified = values[at.ACCESS], values[at.MODIFICATION]
        access_bucket = modification_bucket = at.NO_TIME
        if accessed > scanned_at:
            counts[at.FUTURE_ACCESSES] += 1
        elif accessed < 0:
            counts[at.EARLY_TIMES] += 1
        else:
            access_bucket = age_bucket(accessed, scanned_at, state.ages)
        if modified > scanned_at:
            counts[at.FUTURE_MODIFICATIONS] += 1
        elif modified < 0:
            counts[at.EARLY_TIMES] += 1
        else:
            modification_bucket = age_bucket(modified, scanned_at, state.ages)
        amounts[0, at.OLDEST_ACCESS] = (
            accessed if access_bucket != at.NO_TIME and values[at.TYPE] == _FILE else at.NEVER_ACCESSED
        )
        amounts[0, at.NEWEST_MODIFICATION] = (
            modified if modification_bucket != at.NO_TIME else at.NEVER_MODIFIED
        )
        if want_usage:
            add_to_usage(state, owner, kind, access_bucket, modification_bucket, amounts)
        if want_directories:
            add_to_directory(state, owner, amounts)
        place = stop + 1
    counts[at.AT] = place
    return at.NEED_DATA


@compiled
def finish(state: at.State) -> int:
    """Leave every directory; call again after making room as long as the answer isn't NEED_DATA."""
    if state.counts[at.SPILL] >= 0 and not spilt(state):
        return at.ROWS_FULL
    if not left(state, 0):
        return at.ROWS_FULL
    if state.settings[at.WANT_DIRECTORIES] and not handed_up(state):
        return at.ROWS_FULL
    return at.NEED_DATA


@inlined
def _path_checked(state: at.State, keep: int, length: int) -> tuple[int, int, int, int, int, int]:
    """Look at the new part of a path: what is wrong, how much is as before, its last slash, its length.

    The last slash is -1 when it lies in what stays. A directory's slash at the end is left off.
    """
    counts, suffix, path = state.counts, state.suffix, state.path
    kind = state.values[at.TYPE]
    if not _TYPES[kind]:
        return at.UNKNOWN_TYPE, _column_of(state.roles, at.TYPE), 0, 0, 0, 0
    total = keep + length
    if total == 0 or (keep == 0 and suffix[0] != _SLASH):
        return at.NOT_ABSOLUTE, _column_of(state.roles, at.PATH), 0, 0, 0, 0
    old = counts[at.PATH_LENGTH]
    same = keep
    while same < total and same < old and suffix[same - keep] == path[same]:
        same += 1
    last_slash = -1
    slashes = 0
    # The highest bit of a carried byte says whether the byte before this word is a slash.
    carried = np.uint64(0x80) if same > 0 and path[same - 1] == _SLASH else np.uint64(0)
    place = same
    while place < total:
        word = word_at(suffix, place - keep)
        inside = first_bytes(total - place)
        if bytes_that_are(word, np.uint64(0)) & inside:
            return at.NUL_IN_PATH, _column_of(state.roles, at.PATH), 0, 0, 0, 0
        found = bytes_that_are(word, _SLASH_BYTE) & inside
        if found & (found << np.uint64(8) | carried):
            return at.EMPTY_NAME, _column_of(state.roles, at.PATH), 0, 0, 0, 0
        if found:
            slashes += ones_in(found)
            last_slash = place + 7 - (leading_zeros(found) >> 3)
        carried = found >> np.uint64(56)
        place += 8
    before = 0 if total == same == 0 else suffix[total - 1 - keep] if total > same else path[same - 1]
    if before == _SLASH or (same == total and path[total - 1] == _SLASH):
        if kind != _DIRECTORY:
            return at.SLASH_AFTER_FILE, _column_of(state.roles, at.PATH), 0, 0, 0, 0
        if total > 1:
            total -= 1
            same = min(same, total)
    return at.GOOD, 0, same, last_slash, slashes, total


@compiled
def _column_of(roles: Any, role: int) -> int:
    for column in range(len(roles)):
        if roles[column] == role:
            return column
    return 0


@inlined
def _level_that_stays(state: at.State, keep: int, common: int, total: int, is_directory: bool) -> int:
    """The innermost directory of the walk that also holds the line at hand, or is it."""
    counts, levels = state.counts, state.levels
    level: int = counts[at.LEVEL]
    while level > 0:
        end = levels[level, at.END]
        if end < total and end <= common:
            byte = state.suffix[end - keep] if end >= keep else state.path[end]
            if byte == _SLASH:
                break
        elif end == total and end <= common and is_directory:
            break
        level -= 1
    return level


@inlined
def _amounts_of_line(state: at.State, amounts: Any, name: int, total: int) -> int:
    """What one line adds, as row 0 of `amounts`; the class of what it names."""
    counts, values = state.counts, state.values
    size = values[at.SIZE]
    allocated = values[at.ALLOCATED]
    links = values[at.LINKS]
    kind = values[at.TYPE]
    which = FIRST
    if links > 1 and kind != _DIRECTORY:
        which = name_of_inode(state, np.uint64(values[at.INODE]), np.uint64(values[at.DEVICE]), links)
    amounts[0, at.SHARED] = size if links == 1 else size // links
    amounts[0, at.INODES] = 1
    if which == FIRST:
        amounts[0, at.APPARENT] = size
        amounts[0, at.ALLOCATED_BYTES] = allocated
        amounts[0, at.REPEATED] = 0
    elif which == AGAIN:
        amounts[0, at.APPARENT] = 0
        amounts[0, at.ALLOCATED_BYTES] = 0
        amounts[0, at.REPEATED] = size
        amounts[0, at.INODES] = 0
    else:
        counts[at.LINKS_NOT_FOLLOWED] += 1
        amounts[0, at.APPARENT] = size // links
        amounts[0, at.ALLOCATED_BYTES] = allocated // links
        amounts[0, at.REPEATED] = size - size // links
    amounts[0, at.FILE_COUNT] = 0
    amounts[0, at.DIRECTORY_COUNT] = 0
    amounts[0, at.OTHER_COUNT] = 0
    if kind == _FILE:
        amounts[0, at.FILE_COUNT] = 1
        counts[at.FILES] += 1
        return class_of_file(state, name, total)
    if kind == _DIRECTORY:
        amounts[0, at.DIRECTORY_COUNT] = 1
        counts[at.DIRECTORIES] += 1
        return 1
    amounts[0, at.OTHER_COUNT] = 1
    counts[at.OTHERS] += 1
    return 2 if kind == _LINK else 3


@compiled
def _keep_entry(
    counts: Any, values: Any, path: Any, entry_values: Any, entry_end: Any, entry_text: Any, total: int
) -> None:
    entry = counts[at.ENTRIES]
    text = counts[at.ENTRY_TEXT]
    for place in range(total):
        entry_text[text + place] = path[place]
    entry_end[entry] = text + total
    for role in range(at.ROLES):
        entry_values[entry, role] = values[role]
    counts[at.ENTRIES] = entry + 1
    counts[at.ENTRY_TEXT] = text + total


@compiled
def _note_bad_line(
    state: at.State, data: Any, start: int, stop: int, end: int, wrong: int, column: int
) -> int:
    """Count a bad line and keep its beginning, if there is room; where it ends."""
    counts = state.counts
    while stop < end - 1 and data[stop] != _NEWLINE:
        stop += 1
    counts[at.LINES] += 1
    counts[at.BAD_LINES] += 1
    kept = counts[at.BAD_KEPT]
    if kept < len(state.bad_line):
        length = min(stop - start, at.EXCERPT)
        for place in range(length):
            state.bad_excerpt[kept, place] = data[start + place]
        state.bad_line[kept] = counts[at.LINES]
        state.bad_reason[kept] = wrong
        state.bad_column[kept] = column
        state.bad_length[kept] = length
        counts[at.BAD_KEPT] = kept + 1
    return stop


__all__ = ["clear_usage", "finish", "read_lines"]
