"""What does `find -printf` say? Records of a path, NUL, and ten columns.

    find TOP -printf '%p\\0%s\\t%b\\t%U\\t%G\\t%A@\\t%T@\\t%C@\\t%y\\t%i\\t%n\\t%D\\n'

The NUL lets names have newlines in them.
"""

from __future__ import annotations

from meterhouse.sources.filesystem.translated import LONGEST_RECORD, line_of, unusable

PRINTF = r"%p\0%s\t%b\t%U\t%G\t%A@\t%T@\t%C@\t%y\t%i\t%n\t%D\n"
_TYPES = {b"p": b"F", b"U": b"X", b"D": b"X"}


class FindRecords:
    """Makes the kernel's lines of records as `PRINTF` writes them."""

    def __init__(self) -> None:
        self._left = b""

    def lines(self, data: bytes) -> bytes:
        """The lines of all records that are complete with `data`."""
        data = self._left + data
        made = []
        start = 0
        while True:
            nul = data.find(b"\0", start)
            newline = data.find(b"\n", max(nul, start))
            if nul < 0 and len(data) - start > LONGEST_RECORD:  # no record: go on behind the next newline
                newline = data.find(b"\n", start)
                made.append(unusable("path", "a path that NUL ends", "none", data[start : start + 80]))
                start = newline + 1 if newline >= 0 else len(data)
                continue
            if nul < 0 or newline < 0:
                break
            made.append(_line(data[start:nul], data[nul + 1 : newline], data[start : newline + 1]))
            start = newline + 1
        self._left = data[start:]
        return b"".join(made)

    def rest(self) -> bytes:
        """What was left when there was no more."""
        return self._left


def _line(path: bytes, columns: bytes, record: bytes) -> bytes:
    fields = columns.split(b"\t")
    if len(fields) != 11:
        return unusable("", "11 columns behind the path", str(len(fields)), record)
    size, blocks, uid, gid, access, modification, change, kind, inode, links, device = fields
    if not blocks.isdigit() or len(blocks) > 16:
        return unusable("blocks", "an integer that fits", blocks.decode("utf-8", "replace"), record)
    if len(kind) != 1:
        return unusable("type", "one letter", kind.decode("utf-8", "replace"), record)
    if path.startswith(b"./") or path == b".":
        return unusable(
            "path", "a path that begins with / (find was given a relative one)", "another", record
        )
    numbers = (size, uid, gid, access, modification, change, inode, links, device, int(blocks) * 512)
    return line_of(path, numbers, _TYPES.get(kind, kind))
