"""How do records that aren't lines of columns reach the kernel? As lines that a translator makes."""

from __future__ import annotations

import base64
from collections import deque
from typing import Any

from meterhouse.sources.filesystem.scan_feed import BrokenFile, Bytes, filled
from meterhouse.sources.filesystem.scan_formats import Translator

_PIECE = 1 << 18
LONGEST_RECORD = 1 << 20


class TranslatedBytes:
    """The bytes of a file, translated."""

    def __init__(self, file: Bytes, translator: Translator) -> None:
        self._file = file
        self._translator = translator
        self._buffer = bytearray(_PIECE)
        self._ready: deque[memoryview] = deque()
        self._done = False

    def fill(self, target: memoryview) -> int:
        """Fill `target` as far as the file goes; how many bytes. Raises BrokenFile."""
        length = 0
        while length < len(target):
            if not self._ready and not self._more():
                break
            piece = self._ready.popleft()
            part = piece[: len(target) - length]
            target[length : length + len(part)] = part
            length += len(part)
            if len(part) < len(piece):
                self._ready.appendleft(piece[len(part) :])
        return length

    def _more(self) -> bool:
        while not self._done:
            count = filled(self._file, memoryview(self._buffer))
            if count:
                lines = self._translator.lines(bytes(self._buffer[:count]))
            else:
                self._done = True
                if self._translator.rest():
                    raise BrokenFile("the last record has no end")
                return False
            if lines:
                self._ready.append(memoryview(lines))
                return True
        return False


def line_of(path: bytes, numbers: tuple[Any, ...], kind: bytes) -> bytes:
    """A line for the kernel.

    `numbers`: size, uid, gid, times of access, modification and change, inode, links, device, and
    allocated bytes, as integers or as bytes that were said.
    """
    return b"%b\t%b\t%b\t%b\t%b\n" % (
        base64.b64encode(path),
        b"\t".join(said if isinstance(said, bytes) else b"%d" % said for said in numbers[:6]),
        kind,
        b"\t".join(said if isinstance(said, bytes) else b"%d" % said for said in numbers[6:9]),
        numbers[9] if isinstance(numbers[9], bytes) else b"%d" % numbers[9],
    )


def unusable(field: str, expected: str, found: str, record: bytes) -> bytes:
    """A line that the kernel refuses, with what is wrong with a record, and its beginning."""
    shown = record[:60].replace(b"\n", b" ").replace(b"\t", b" ").replace(b"\x02", b" ")
    said = (
        field.encode(),
        expected.encode(),
        found.encode("utf-8", "replace")[:40].replace(b"\n", b" "),
        shown,
    )
    return b"\x01" + b"\x02".join(said) + b"\n"
