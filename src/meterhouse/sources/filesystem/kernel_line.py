"""What does a line of a scan say? Its numbers, and what its path adds to the path before.

Neighbours in a scan share long paths, so only what differs from the line before is decoded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.compiled import compiled, inlined
from meterhouse.sources.filesystem.kernel_words import put_word, trailing_zeros, turned_round, word_at

_TAB, _NEWLINE, _MINUS, _POINT, _SLASH, _QUOTE, _BACKSLASH = 9, 10, 45, 46, 47, 34, 92
_EIGHT_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE = np.uint64(0x7676767676767676)
_HIGH_BITS = np.uint64(0x8080808080808080)
_TEN, _EIGHT, _SIXTEEN, _THIRTY_TWO = np.uint64(10), np.uint64(8), np.uint64(16), np.uint64(32)
_FORTY_EIGHT, _PAIR, _NO_PAIR = np.uint64(48), np.uint64(0xFFFF), np.uint64(0x8000)
_PAIRS = np.uint64(0x000000FF000000FF)
_HUNDRED = np.uint64(0x000F424000000064)  # 100 + (1,000,000 << 32)
_UNIT = np.uint64(0x0000271000000001)  # 1 + (10,000 << 32)
_POWERS = 10 ** np.arange(9, dtype=np.uint64)
_ZERO, _NINE, _DIGIT = np.uint64(0), np.uint64(9), np.uint64(48)
_TWENTY_DIGITS = np.uint64(10_000_000_000_000_000_000)
_LIMITS = np.full(at.ROLES, (1 << 63) - 1, np.uint64)  # the greatest number of each role
_LIMITS[[at.UID, at.GID]] = (1 << 32) - 1
_LIMITS[[at.INODE, at.DEVICE, at.NUMBER]] = (1 << 64) - 1
_LIMITS[at.BLOCKS] = (1 << 63) // 512 - 1


@inlined
def number_at(data: Any, start: int, role: int) -> tuple[int, int, int]:
    """The integer at `start`: its value, where it ends, and what is wrong with it (0: nothing)."""
    place = start
    negative = data[place] == _MINUS
    if negative:
        place += 1
    first = place
    value: Any = _ZERO
    while place - first <= 20:
        word = word_at(data, place) ^ _EIGHT_ZEROS
        others = ((word + _ABOVE_NINE) | word) & _HIGH_BITS  # the high bit of each byte that is no digit
        count = 8 if others == _ZERO else trailing_zeros(others) >> 3
        if count > 0:  # as the last of eight digits, the others being zero
            word <<= np.uint64(64 - 8 * count)
            word = word * _TEN + (word >> _EIGHT)
            word = ((word & _PAIRS) * _HUNDRED + ((word >> _SIXTEEN) & _PAIRS) * _UNIT) >> _THIRTY_TWO
            value = value * _POWERS[count] + word
            place += count
        if count < 8:
            break
    digits = place - first
    if digits == 0:
        return 0, place, at.NOT_A_NUMBER
    if digits > 20 or (digits == 20 and (data[first] != 49 or value < _TWENTY_DIGITS)):
        return 0, place, at.TOO_LARGE
    if value > _LIMITS[role]:
        return 0, place, at.TOO_LARGE
    if negative:
        if at.ACCESS <= role <= at.CHANGE:
            value = _ZERO - value
        elif value > _ZERO:
            return 0, place, at.NEGATIVE
    if data[place] == _POINT and at.ACCESS <= role <= at.CHANGE:  # a fraction of a second, left off
        place += 1
        while 48 <= data[place] <= 57:
            place += 1
    signed: Any = np.int64(value)
    return signed, place, at.GOOD


@inlined
def digits_at(data: Any, start: int) -> int:
    """Where the digits at `start` end, if they are 1 to 18 with a tab or line end behind; else -1.

    That is a number of any role, whatever it is.
    """
    end = start
    while end - start <= 16:
        word = word_at(data, end) ^ _EIGHT_ZEROS
        others = ((word + _ABOVE_NINE) | word) & _HIGH_BITS
        if others != _ZERO:
            end += trailing_zeros(others) >> 3
            break
        end += 8
    is_number = 0 < end - start <= 18 and (data[end] == _TAB or data[end] == _NEWLINE)
    return end if is_number else -1


@inlined
def shared_length(data: Any, one: int, other: int, most: int) -> int:
    """How many bytes from `one` equal those from `other`, at most `most`."""
    length = 0
    while length + 32 <= most:
        differs = word_at(data, one + length) ^ word_at(data, other + length)
        differs |= word_at(data, one + length + 8) ^ word_at(data, other + length + 8)
        differs |= word_at(data, one + length + 16) ^ word_at(data, other + length + 16)
        differs |= word_at(data, one + length + 24) ^ word_at(data, other + length + 24)
        if differs != _ZERO:
            break
        length += 32
    while length < most:
        difference = word_at(data, one + length) ^ word_at(data, other + length)
        if difference != _ZERO:
            length += trailing_zeros(difference) >> 3
            break
        length += 8
    return min(length, most)


@inlined
def base64_path(
    data: Any, start: int, same: int, pairs: Any, table: Any, suffix: Any
) -> tuple[int, int, int, int]:
    """Decode the base64 field at `start`, whose first `same` characters are those of the field before.

    Returns how many bytes of the path before stay, how many are now in `suffix`, where the field
    ends, and what is wrong.
    """
    groups = same >> 2
    place = start + 4 * groups
    length = 0
    while True:  # eight characters, in pairs, are six bytes
        word = word_at(data, place)
        first = np.uint64(pairs[word & _PAIR])
        second = np.uint64(pairs[(word >> _SIXTEEN) & _PAIR])
        third = np.uint64(pairs[(word >> _THIRTY_TWO) & _PAIR])
        fourth = np.uint64(pairs[word >> _FORTY_EIGHT])
        if (first | second | third | fourth) & _NO_PAIR:
            break
        bytes_ = (
            (first << np.uint64(52))
            | (second << np.uint64(40))
            | (third << np.uint64(28))
            | (fourth << _SIXTEEN)
        )
        put_word(suffix, length, turned_round(bytes_))
        length += 6
        place += 8
    while True:
        bits = (
            table[0, data[place]]
            | table[1, data[place + 1]]
            | table[2, data[place + 2]]
            | table[3, data[place + 3]]
        )
        if bits >> 24:
            break
        suffix[length] = bits >> 16
        suffix[length + 1] = bits >> 8
        suffix[length + 2] = bits
        length += 3
        place += 4
    if data[place + 2] == 61 and data[place + 3] == 61:  # one byte more, and "=="
        bits = table[0, data[place]] | table[1, data[place + 1]]
        if bits >> 24 == 0:
            suffix[length] = bits >> 16
            length += 1
            place += 4
    elif data[place + 3] == 61:  # two bytes more, and "="
        bits = table[0, data[place]] | table[1, data[place + 1]] | table[2, data[place + 2]]
        if bits >> 24 == 0:
            suffix[length] = bits >> 16
            suffix[length + 1] = bits >> 8
            length += 2
            place += 4
    wrong = at.GOOD if data[place] == _TAB else at.NOT_BASE64
    return 3 * groups, length, place, wrong


@inlined
def quoted_path(data: Any, start: int, same: int, suffix: Any) -> tuple[int, int, int, int, int]:
    """The same of a path quoted as Go quotes strings, from behind the first quote to behind the last.

    Only characters up to the first backslash of the field before may be counted as the same. Returns
    as well where the first backslash stands, counted from `start`.
    """
    place = start + same
    length = 0
    escape = at.LONGEST_LINE
    while True:
        byte = data[place]
        if byte == _QUOTE:
            return same, length, place + 1, at.GOOD, escape
        if byte in (_NEWLINE, _TAB, 0):
            return same, length, place, at.NOT_QUOTED, escape
        if byte != _BACKSLASH:
            suffix[length] = byte
            length += 1
            place += 1
            continue
        if escape == at.LONGEST_LINE:
            escape = place - start
        size, place = _escaped(data, place + 1, suffix, length)
        if size == 0:
            return same, length, place, at.NOT_QUOTED, escape
        length += size


@compiled
def _escaped(data: Any, place: int, suffix: Any, length: int) -> tuple[int, int]:
    """What stands behind a backslash at `place`: how many bytes it gave (0: damaged), where it ends."""
    byte = data[place]
    single = -1
    if byte in (_QUOTE, _BACKSLASH, 39):
        single = byte
    elif byte == 97:  # a
        single = 7
    elif byte == 98:  # b
        single = 8
    elif byte == 102:  # f
        single = 12
    elif byte == 110:  # n
        single = 10
    elif byte == 114:  # r
        single = 13
    elif byte == 116:  # t
        single = 9
    elif byte == 118:  # v
        single = 11
    if single >= 0:
        suffix[length] = single
        return 1, place + 1
    digits = 2 if byte == 120 else 4 if byte == 117 else 8 if byte == 85 else 0
    if digits == 0:
        return 0, place
    code = 0
    for step in range(1, digits + 1):
        digit = data[place + step]
        if 48 <= digit <= 57:
            code = code * 16 + digit - 48
        elif 97 <= digit | 32 <= 102:
            code = code * 16 + (digit | 32) - 87
        else:
            return 0, place
    place += digits + 1
    if digits == 2:
        suffix[length] = code
        return 1, place
    if code < 0x80:
        suffix[length] = code
        return 1, place
    if code < 0x800:
        suffix[length] = 0xC0 | code >> 6
        suffix[length + 1] = 0x80 | code & 0x3F
        return 2, place
    if code < 0x10000:
        suffix[length] = 0xE0 | code >> 12
        suffix[length + 1] = 0x80 | code >> 6 & 0x3F
        suffix[length + 2] = 0x80 | code & 0x3F
        return 3, place
    if code > 0x10FFFF:
        return 0, place
    suffix[length] = 0xF0 | code >> 18
    suffix[length + 1] = 0x80 | code >> 12 & 0x3F
    suffix[length + 2] = 0x80 | code >> 6 & 0x3F
    suffix[length + 3] = 0x80 | code & 0x3F
    return 4, place


@inlined
def line_at(state: at.State, data: Any, start: int) -> tuple[int, int, int, int, int, int]:
    """Read the line at `start` into `state.values` and `state.suffix`.

    Returns where the line ends (or where reading it failed), what is wrong, in which column, how many
    bytes of the path before stay, how many are in `state.suffix`, and where its path field stands.
    """
    counts, values = state.counts, state.values
    columns = state.settings[at.COLUMNS]
    quoted = state.settings[at.PATH_MODE] == at.QUOTED
    unread = state.unread
    place = start
    keep, length, field, escape = 0, 0, start, at.LONGEST_LINE
    for column in range(columns):
        role = state.roles[column]
        wrong = at.GOOD
        behind = digits_at(data, place) if unread[role] else -1
        if behind >= 0:
            place = behind
        elif role >= at.SIZE:
            value, place, wrong = number_at(data, place, role)
            if role == at.BLOCKS:
                values[at.ALLOCATED] = value * 512
            else:
                values[role] = value
        elif role == at.PATH:
            before, known = counts[at.PREVIOUS_AT], counts[at.PREVIOUS_LENGTH]
            if quoted:
                if data[place] != _QUOTE:
                    return place, at.NOT_QUOTED, column, 0, 0, 0
                field = place + 1
                same = shared_length(data, before, field, min(known, counts[at.PREVIOUS_ESCAPE]))
                keep, length, place, wrong, escape = quoted_path(data, field, same, state.suffix)
                values[at.PATH] = place - 1 - field
            else:
                field = place
                same = max(shared_length(data, before, field, known - 4), 0)
                keep, length, place, wrong = base64_path(
                    data, field, same, state.base64_pairs, state.base64, state.suffix
                )
                values[at.PATH] = place - field
        elif role == at.TYPE:
            values[at.TYPE] = data[place]
            if data[place] == _TAB or data[place] == _NEWLINE:
                wrong = at.UNKNOWN_TYPE
            else:
                place += 1
        else:
            while data[place] != _TAB and data[place] != _NEWLINE:
                place += 1
        if wrong == at.GOOD:
            if column == columns - 1:
                if data[place] != _NEWLINE:
                    wrong = at.TOO_MANY_COLUMNS if data[place] == _TAB else _wrong_in(role)
            elif data[place] != _TAB:
                wrong = at.TOO_FEW_COLUMNS if data[place] == _NEWLINE else _wrong_in(role)
            else:
                place += 1
        if wrong != at.GOOD:
            return place, wrong, column, 0, 0, 0
    values[at.TEXT] = escape
    return place, at.GOOD, 0, keep, length, field


@inlined
def _wrong_in(role: int) -> int:
    if role == at.TYPE:
        return at.UNKNOWN_TYPE
    return at.NOT_QUOTED if role == at.PATH else at.NOT_A_NUMBER
