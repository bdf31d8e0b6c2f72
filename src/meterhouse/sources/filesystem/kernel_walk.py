"""What do lines add up to? Amounts by owner for each directory on the way, and cells of usage.

A directory's rows are emitted when the walk leaves it, and its amounts go to its parent. Walks that
come back make more rows of it: rows add up. So memory doesn't grow with the length of a scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.compiled import compiled, inlined
from meterhouse.sources.filesystem.kernel_words import bytes_that_are, first_bytes, trailing_zeros, word_at

_SLASH = 47
_POINT = np.uint64(46)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_THIRTY_TWO = np.uint64(32)


@inlined
def hashed(one: Any, other: Any) -> Any:
    """A well-mixed number of two."""
    return (one + other * _MULTIPLIER) * _FACTOR >> _THIRTY_TWO


@inlined
def added(amounts: Any, place: int, more: Any, other: int) -> bool:
    """Add row `other` of `more` to row `place` of `amounts`, unless a sum wouldn't fit: then false."""
    for column in range(at.APPARENT, at.REPEATED + 1):
        if amounts[place, column] + more[other, column] < 0:
            return False
    for column in range(at.OLDEST_ACCESS):
        amounts[place, column] += more[other, column]
    amounts[place, at.OLDEST_ACCESS] = min(amounts[place, at.OLDEST_ACCESS], more[other, at.OLDEST_ACCESS])
    amounts[place, at.NEWEST_MODIFICATION] = max(
        amounts[place, at.NEWEST_MODIFICATION], more[other, at.NEWEST_MODIFICATION]
    )
    return True


@inlined
def _cell_of(levels: Any, following: Any, owners: Any, level: int, owner: Any) -> int:
    """The cell of `owner` in the directory at `level`, moved to the front; -1: none."""
    cell: int = levels[level, at.HEAD]
    if cell < 0 or owners[cell] == owner:
        return cell
    before = cell
    cell = following[cell]
    while cell >= 0:
        if owners[cell] == owner:
            following[before] = following[cell]
            following[cell] = levels[level, at.HEAD]
            levels[level, at.HEAD] = cell
            return cell
        before = cell
        cell = following[cell]
    return -1


@inlined
def add_to_directory(state: at.State, owner: Any, amounts: Any) -> None:
    """Add row 0 of `amounts` to the directory in which the walk is. There must be a free cell."""
    counts, levels = state.counts, state.levels
    level = counts[at.LEVEL]
    cell = _cell_of(levels, state.cell_next, state.cell_owner, level, owner)
    if cell >= 0 and added(state.cell_amounts, cell, amounts, 0):
        return
    cell = counts[at.FREE_CELL]
    if cell >= 0:
        counts[at.FREE_CELL] = state.cell_next[cell]
    else:
        cell = counts[at.CELLS_USED]
        counts[at.CELLS_USED] += 1
    state.cell_owner[cell] = owner
    state.cell_next[cell] = levels[level, at.HEAD]
    for column in range(at.AMOUNTS):
        state.cell_amounts[cell, column] = amounts[0, column]
    levels[level, at.HEAD] = cell
    levels[level, at.OWNERS] += 1
    if levels[level, at.OWNERS] > at.MOST_OWNERS:
        counts[at.SPILL] = level


@inlined
def emit_level(state: at.State, level: int) -> bool:
    """Emit the rows of the directory at `level` and hand its amounts to its parent.

    False: there was no room for all of them; what is left is emitted when it is called again.
    """
    if state.levels[level, at.HEAD] < 0:
        return True
    # A call hands over each array as several numbers, so only those that it needs.
    emitted: bool = _emitted(
        state.counts, state.levels, state.path, state.cell_owner, state.cell_next, state.cell_amounts,
        state.row_directory, state.row_owner, state.row_amounts, state.row_directory_end,
        state.row_directory_depth, state.row_text, level,
    )  # fmt: skip
    return emitted


@compiled
def _emitted(
    counts: Any, levels: Any, path: Any, cell_owner: Any, following: Any, cell_amounts: Any,
    row_directory: Any, row_owner: Any, row_amounts: Any, row_directory_end: Any, row_directory_depth: Any,
    row_text: Any, level: int,
) -> bool:  # fmt: skip
    cell: int = levels[level, at.HEAD]
    end = max(levels[level, at.END], 1)
    text = counts[at.ROW_TEXT]
    row = counts[at.ROWS]
    if row >= len(row_owner) or text + end > len(row_text):
        return False
    directory = counts[at.ROW_DIRECTORIES]
    for place in range(end):
        row_text[text + place] = path[place]
    counts[at.ROW_TEXT] = text + end
    row_directory_end[directory] = text + end
    row_directory_depth[directory] = level
    counts[at.ROW_DIRECTORIES] = directory + 1
    while cell >= 0 and row < len(row_owner):
        after = following[cell]
        row_directory[row] = directory
        row_owner[row] = cell_owner[cell]
        for column in range(at.AMOUNTS):
            row_amounts[row, column] = cell_amounts[cell, column]
        row += 1
        levels[level, at.OWNERS] -= 1
        parents = _cell_of(levels, following, cell_owner, level - 1, cell_owner[cell]) if level > 0 else -1
        if level > 0 and (parents < 0 or not added(cell_amounts, parents, cell_amounts, cell)):
            following[cell] = levels[level - 1, at.HEAD]
            levels[level - 1, at.HEAD] = cell
            levels[level - 1, at.OWNERS] += 1
        else:
            following[cell] = counts[at.FREE_CELL]
            counts[at.FREE_CELL] = cell
        cell = after
    counts[at.ROWS] = row
    levels[level, at.HEAD] = cell
    return cell < 0


@inlined
def spilt(state: at.State) -> bool:
    """Emit directories with too many owners, as if the walk left them and came back; false: no room."""
    counts, levels = state.counts, state.levels
    while counts[at.SPILL] >= 0:
        level = counts[at.SPILL]
        if not emit_level(state, level):
            return False
        counts[at.SPILL] = level - 1 if level > 0 and levels[level - 1, at.OWNERS] > at.MOST_OWNERS else -1
    return True


@inlined
def left(state: at.State, level: int) -> bool:
    """Leave all directories below `level`, emitting their rows; false: no room, to be called again."""
    counts, levels = state.counts, state.levels
    emitting = state.settings[at.WANT_DIRECTORIES]
    while counts[at.LEVEL] > level:
        here = counts[at.LEVEL]
        if emitting:
            if not emit_level(state, here):
                return False
            if levels[here - 1, at.OWNERS] > at.MOST_OWNERS:
                counts[at.SPILL] = here - 1
        counts[at.LEVEL] = here - 1
        if counts[at.SPILL] >= 0 and not spilt(state):
            return False
    return True


@inlined
def handed_up(state: at.State) -> bool:
    """Emit every directory on the way, from the innermost; the walk stays where it is. False: no room."""
    level = state.counts[at.LEVEL]
    while level >= 0:
        if not emit_level(state, level):
            return False
        level -= 1
    return True


@inlined
def entered(state: at.State, start: int, end: int) -> None:
    """Enter the directories that the path names between `start` and `end`."""
    counts, levels, path = state.counts, state.levels, state.path
    limit = state.settings[at.LIMIT]
    begin = start
    for place in range(start, end + 1):
        if place < end and path[place] != _SLASH:
            continue
        above = counts[at.LEVEL]
        level = above + 1
        levels[level, at.END] = place
        levels[level, at.HEAD] = -1
        levels[level, at.OWNERS] = 0
        levels[level, at.USAGE_DIRECTORY] = -1
        apart = level <= limit or (
            level == limit + 1 and above > 0 and _is_users(path, levels[above - 1, at.END] + 1, begin - 1)
        )
        levels[level, at.CUT] = level if apart else levels[above, at.CUT]
        order = _class_of_directory(state, begin, place)
        above_order = levels[above, at.TEMPORARY]
        levels[level, at.TEMPORARY] = (
            order if order >= 0 and (above_order < 0 or order < above_order) else above_order
        )
        counts[at.LEVEL] = level
        begin = place + 1


@inlined
def _is_users(path: Any, start: int, end: int) -> bool:
    """Whether the name between is "users", however it is written: below it, each user is told apart."""
    return (
        end - start == 5
        and path[start] | 32 == 117
        and path[start + 1] | 32 == 115
        and path[start + 2] | 32 == 101
        and path[start + 3] | 32 == 114
        and path[start + 4] | 32 == 115
    )


@inlined
def _class_of_directory(state: at.State, start: int, end: int) -> int:
    """Place in the class table for everything in a directory of this name; -1: none."""
    if end - start > 16 or len(state.name_order) == 0:
        return -1
    low = np.uint64(0)
    high = np.uint64(0)
    for place in range(start, end):
        high = (high << np.uint64(8)) | (low >> np.uint64(56))
        low = (low << np.uint64(8)) | np.uint64(lower(state.path[place]))
    for name in range(len(state.name_order)):
        if state.name_words[name, 0] == low and state.name_words[name, 1] == high:
            order: int = state.name_order[name]
            return order
    return -1


@inlined
def lower(byte: int) -> int:
    """A letter of ASCII in lower case; any other byte as it is."""
    return byte | 32 if 65 <= byte <= 90 else byte


@inlined
def _lower_word(word: Any) -> Any:
    """Eight bytes with letters of ASCII in lower case."""
    low_bits = word & np.uint64(0x7F7F7F7F7F7F7F7F)
    from_a = low_bits + np.uint64(0x3F3F3F3F3F3F3F3F)  # the high bit: at least "A"
    above_z = low_bits + np.uint64(0x2525252525252525)  # the high bit: beyond "Z"
    letters = from_a & ~above_z & ~word & np.uint64(0x8080808080808080)
    return word | letters >> np.uint64(2)


@inlined
def suffix_slot(one: Any, other: Any, mask: int) -> int:
    """Where the search for a suffix begins in its table."""
    slot: Any = np.int64(((one ^ (other >> np.uint64(7))) * _MULTIPLIER) >> np.uint64(40)) & mask
    found: int = slot
    return found


@inlined
def _earlier(state: at.State, order: int, one: Any, other: Any, slots: int) -> int:
    """The place in the class table of a suffix, if it has one before `order`; else `order`."""
    slot = suffix_slot(one, other, slots)
    while state.suffix_order[slot] >= 0:
        if state.suffix_words[slot, 0] == one and state.suffix_words[slot, 1] == other:
            found: int = state.suffix_order[slot]
            return found if order < 0 or found < order else order
        slot = (slot + 1) & slots
    return order


@inlined
def class_of_file(state: at.State, start: int, end: int) -> int:
    """The class of a file whose name stands in the path between: the first that fits in the table."""
    order = state.levels[state.counts[at.LEVEL], at.TEMPORARY]
    path = state.path
    slots = len(state.suffix_order) - 1
    # The last 16 bytes in lower case, the last of all on top. Before the path there is room.
    high = _lower_word(word_at(path, end - 8))
    low = _lower_word(word_at(path, end - 16))
    length = end - start
    # A suffix begins with its point.
    points = bytes_that_are(high, _POINT) & ~first_bytes(max(8 - length, 0))
    while points:
        here = trailing_zeros(points) >> 3
        order = _earlier(state, order, high >> np.uint64(8 * here), np.uint64(0), slots)
        points &= points - np.uint64(1)
    points = bytes_that_are(low, _POINT) & ~first_bytes(max(16 - length, 0)) if length > 8 else np.uint64(0)
    while points:
        here = trailing_zeros(points) >> 3
        order = _earlier(state, order, high, low >> np.uint64(8 * here), slots)
        points &= points - np.uint64(1)
    if state.prefix_first[path[start]]:
        one = _lower_word(word_at(path, start))
        other = _lower_word(word_at(path, start + 8))
        for prefix in range(len(state.prefix_order)):
            if 0 <= order < state.prefix_order[prefix]:
                break
            wanted = state.prefix_length[prefix]
            if (
                length >= wanted
                and (one ^ state.prefix_words[prefix, 0]) & first_bytes(wanted) == 0
                and (other ^ state.prefix_words[prefix, 1]) & first_bytes(max(wanted - 8, 0)) == 0
            ):
                order = state.prefix_order[prefix]
                break
    file_class: int = state.order_class[order] if order >= 0 else 0
    return file_class


@inlined
def age_bucket(time: int, scanned_at: int, ages: Any) -> int:
    """In which bucket of ages a time lies."""
    bucket = -1
    for place in range(len(ages)):  # all of them: without a branch it is faster
        bucket += scanned_at - time >= ages[place]
    return bucket


@inlined
def add_to_usage(state: at.State, owner: Any, kind: int, accessed: int, modified: int, amounts: Any) -> None:
    """Add row 0 of `amounts` to the cell of usage for this place. There must be room for one."""
    counts, levels = state.counts, state.levels
    cut = levels[counts[at.LEVEL], at.CUT]
    directory = levels[cut, at.USAGE_DIRECTORY]
    if directory < 0:
        directory = counts[at.USAGE_DIRECTORIES]
        text = counts[at.USAGE_TEXT]
        end = max(levels[cut, at.END], 1)
        for place in range(end):
            state.usage_text[text + place] = state.path[place]
        counts[at.USAGE_TEXT] = text + end
        state.usage_directory_end[directory] = text + end
        state.usage_directory_depth[directory] = cut
        counts[at.USAGE_DIRECTORIES] = directory + 1
        levels[cut, at.USAGE_DIRECTORY] = directory
    key = np.uint64(directory << 32 | kind << 8 | accessed << 4 | modified)
    mask = len(state.usage_slots) - 1
    slot = np.int64(hashed(key, owner)) & mask
    cell = state.usage_slots[slot]
    while cell >= 0:
        if state.usage_place[cell] == key and state.usage_owner[cell] == owner:
            if added(state.usage_amounts, cell, amounts, 0):
                return
            break  # a sum that doesn't fit: this slot's cell stays as it is, and a new one goes on
        slot = (slot + 1) & mask
        cell = state.usage_slots[slot]
    cell = counts[at.USAGE_CELLS]
    counts[at.USAGE_CELLS] = cell + 1
    state.usage_slots[slot] = cell
    state.usage_place[cell] = key
    state.usage_owner[cell] = owner
    for column in range(at.AMOUNTS):
        state.usage_amounts[cell, column] = amounts[0, column]


@compiled
def clear_usage(state: at.State) -> None:
    """Forget all cells of usage, which were emitted. The walk stays where it is."""
    counts = state.counts
    state.usage_slots[:] = -1
    counts[at.USAGE_CELLS] = 0
    counts[at.USAGE_DIRECTORIES] = 0
    counts[at.USAGE_TEXT] = 0
    for level in range(counts[at.LEVEL] + 1):
        state.levels[level, at.USAGE_DIRECTORY] = -1
