"""What does a GUFI trace say? Directories, each followed by what is in it, with 0x1E between fields.

Newer traces have the length of a name before it, as four hexadecimal digits, so that it may hold
anything; in older ones a name with a newline is damage. Which one it is, the first record tells.
"""

from __future__ import annotations

from meterhouse.sources.filesystem.translated import LONGEST_RECORD, line_of, unusable

_DELIMITER = b"\x1e"
_TYPES = {b"d": b"d", b"f": b"f", b"l": b"l", b"s": b"s", b"b": b"b", b"c": b"c", b"p": b"F"}


class GufiRecords:
    """Makes the kernel's lines of a trace's records."""

    def __init__(self) -> None:
        self._left = b""
        self._directory = b""
        self._has_lengths: bool | None = None

    def lines(self, data: bytes) -> bytes:
        """The lines of all records that are complete with `data`."""
        data = self._left + data
        if self._has_lengths is None:
            length = _length(data[:4])
            self._has_lengths = length is not None and data[4 + length : 5 + length] == _DELIMITER
        made = []
        start = 0
        while True:
            length = _length(data[start : start + 4]) if self._has_lengths else None
            # A name may hold newlines; a record whose length is damaged ends with its line.
            behind = start + 4 + length if length is not None else start
            newline = data.find(b"\n", behind)
            if newline < 0:
                if len(data) - start <= LONGEST_RECORD:
                    break
                newline = len(data) - 1
            record = data[start:newline]
            start = newline + 1
            made.append(self._line(record, length))
        self._left = data[start:]
        return b"".join(made)

    def rest(self) -> bytes:
        """What was left when there was no more."""
        return self._left

    def _line(self, record: bytes, length: int | None) -> bytes:
        if not self._has_lengths:
            name, _, rest = record.partition(_DELIMITER)
        elif length is None or record[4 + length : 5 + length] != _DELIMITER:
            return unusable("name", "its length as four hexadecimal digits", "something else", record)
        else:
            name, rest = record[4 : 4 + length], record[5 + length :]
        fields = rest.split(_DELIMITER)
        if fields[0] == b"e":  # a database that is attached to a directory, and no entry of it
            return b""
        if len(fields) < 12:
            return unusable("", "at least 13 fields", str(len(fields) + 1), record)
        kind, inode, _mode, links, uid, gid, size, _block_size, blocks, access, modification, change = fields[
            :12
        ]
        if kind not in _TYPES:
            return unusable("type", "one of d f l s b c p", kind.decode("utf-8", "replace"), record)
        if not blocks.isdigit() or len(blocks) > 16:
            return unusable("blocks", "an integer that fits", blocks.decode("utf-8", "replace"), record)
        if kind == b"d":
            self._directory = path = b"/" + name.strip(b"/")
        else:
            path = b"/" + name.strip(b"/")
            if not path.startswith(self._directory.rstrip(b"/") + b"/"):
                path = self._directory.rstrip(b"/") + path
        numbers = (size, uid, gid, access, modification, change, inode, links, b"0", int(blocks) * 512)
        return line_of(path, numbers, _TYPES[kind])


def _length(digits: bytes) -> int | None:
    try:
        return int(digits, 16) if len(digits) == 4 else None
    except ValueError:
        return None
