"""What does a scan say, read once? Rows of usage and directories, and the lines that could not be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from meterhouse.sources.delivery import Rejection, Rows
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.kernel import clear_usage, finish, read_lines
from meterhouse.sources.filesystem.kernel_links import move_links
from meterhouse.sources.filesystem.pass_state import Wanted, new_state
from meterhouse.sources.filesystem.scan_feed import HEAD, Block, BrokenFile, blocks
from meterhouse.sources.filesystem.scan_formats import Layout
from meterhouse.sources.filesystem.scan_rows import ScanRows

KEEP_BAD = 1000
TRANSLATED_MARK = b"\x01"  # begins what a translator makes of a record that it can't use
_NAMES = {
    at.TEXT: "text",
    at.PATH: "path",
    at.SIZE: "size",
    at.UID: "uid",
    at.GID: "gid",
    at.ACCESS: "access time",
    at.MODIFICATION: "modification time",
    at.CHANGE: "change time",
    at.TYPE: "type",
    at.INODE: "inode",
    at.LINKS: "links",
    at.DEVICE: "device",
    at.ALLOCATED: "allocated bytes",
    at.BLOCKS: "blocks",
    at.NUMBER: "number",
}
_WRONG = {
    at.NOT_BASE64: ("base64", "something else"),
    at.NOT_QUOTED: ("a path in quotes", "something else"),
    at.NOT_ABSOLUTE: ("a path that begins with /", "another one"),
    at.NUL_IN_PATH: ("a path without NUL", "one with it"),
    at.EMPTY_NAME: ("names between slashes", "two slashes side by side"),
    at.TOO_DEEP: (f"at most {at.MOST_LEVELS:,} directories above", "more"),
    at.NOT_A_NUMBER: ("an integer", "something else"),
    at.NEGATIVE: ("no negative number", "one"),
    at.TOO_LARGE: ("an integer that fits", "a larger one"),
    at.TOO_FEW_COLUMNS: ("more columns", "the end of the line"),
    at.TOO_MANY_COLUMNS: ("the end of the line", "more columns"),
    at.UNKNOWN_TYPE: ("one of f d l s b c F X p D", "something else"),
    at.TOO_LONG: (f"a line of at most {at.LONGEST_LINE:,} bytes", "a longer one"),
    at.SLASH_AFTER_FILE: ("a slash at the end of directories only", "another one"),
}


@dataclass(slots=True)
class ScanPass:
    """One pass over the files of a scan, one after the other."""

    layout: Layout
    rows: ScanRows
    state: at.State
    _told: int = 0

    @classmethod
    def begin(
        cls, layout: Layout, rows: ScanRows, limit: int, wanted: Wanted, keep_bad: int = KEEP_BAD
    ) -> ScanPass:
        """A pass that tells directories apart to `limit` components."""
        scanned_at = int(rows.scanned_at.timestamp())
        return cls(layout, rows, new_state(layout, scanned_at, limit, rows.classes, wanted, keep_bad))

    def count(self, which: int) -> int:
        """One of the kernel's counts."""
        return int(self.state.counts[which])

    def file(
        self,
        fill: Callable[[memoryview], int],
        origin: str,
        on_block: Callable[[], None] = lambda: None,
    ) -> Iterator[Rows | Rejection]:
        """Read a file to its end, telling `on_block` of each block. Raises BrokenFile: it ends too early."""
        counts = self.state.counts
        counts[at.PREVIOUS_LENGTH] = 0
        first_line = self.count(at.LINES)
        before: Block | None = None
        begin = HEAD
        carried_from = carried = 0
        skipping = False
        with blocks(fill) as all_blocks:
            for block in all_blocks:
                on_block()
                begin = self._carry(before, carried_from, carried, block)
                end = HEAD + block.length
                if skipping:
                    newline = block.raw.find(b"\n", HEAD, end)
                    skipping = newline < 0
                    begin = newline + 1
                elif carried or block.length:
                    newline = block.raw.find(b"\n", begin, end)
                    if (newline if newline >= 0 else end) - begin > at.LONGEST_LINE:
                        self._note_long_line(block, begin)
                        skipping = newline < 0
                        begin = newline + 1
                if skipping:
                    before, carried = block, 0
                    continue
                behind = block.raw.rfind(b"\n", begin, end) + 1
                if behind > 0:
                    yield from self._lines(block, begin, behind)
                    yield from self._rejections(origin, first_line)
                else:
                    behind = begin
                before, carried_from, carried = block, behind, end - behind
        yield from self._rejections(origin, first_line)
        if carried or skipping:
            raise BrokenFile("the last line has no end")

    def end(self) -> Iterator[Rows]:
        """What is left when all files were read."""
        while True:
            code = finish(self.state)
            yield from self._emptied(at.ROWS_FULL)
            if code == at.NEED_DATA:
                break
        yield from self._emptied(at.USAGE_FULL)
        yield from self._emptied(at.ENTRIES_FULL)

    def _carry(self, before: Block | None, start: int, length: int, block: Block) -> int:
        """Put the unfinished line and the path field of the line before to the head of `block`."""
        if before is None:
            return HEAD
        counts = self.state.counts
        begin = HEAD - length
        block.view[begin:HEAD] = before.view[start : start + length]
        field, known = self.count(at.PREVIOUS_AT), self.count(at.PREVIOUS_LENGTH)
        block.view[begin - known : begin] = before.view[field : field + known]
        counts[at.PREVIOUS_AT] = begin - known
        return begin

    def _lines(self, block: Block, begin: int, end: int) -> Iterator[Rows]:
        self.state.counts[at.AT] = begin
        while (code := read_lines(self.state, block.data, end)) != at.NEED_DATA:
            yield from self._emptied(code)

    def _emptied(self, code: int) -> Iterator[Rows]:
        """Make room: hand over what is full."""
        counts = self.state.counts
        rows: Rows | None = None
        if code == at.USAGE_FULL:
            rows = self.rows.usage(self.state)
            clear_usage(self.state)
        elif code == at.ROWS_FULL:
            rows = self.rows.directories(self.state)
            counts[at.ROWS] = counts[at.ROW_DIRECTORIES] = counts[at.ROW_TEXT] = 0
        elif code == at.ENTRIES_FULL:
            rows = self.rows.entries(self.state)
            counts[at.ENTRIES] = counts[at.ENTRY_TEXT] = 0
        elif code == at.LINKS_FULL:
            size = 2 * len(self.state.link_inode)
            inodes, left = np.zeros(size, np.uint64), np.zeros(size, np.int64)
            move_links(self.state.link_inode, self.state.link_left, inodes, left)
            self.state = self.state._replace(link_inode=inodes, link_left=left)
        if rows is not None:
            yield rows

    def _note_long_line(self, block: Block, begin: int) -> None:
        state = self.state
        state.counts[at.LINES] += 1
        state.counts[at.BAD_LINES] += 1
        kept = self.count(at.BAD_KEPT)
        if kept < len(state.bad_line):
            state.bad_line[kept] = state.counts[at.LINES]
            state.bad_reason[kept] = at.TOO_LONG
            state.bad_length[kept] = at.EXCERPT
            state.bad_excerpt[kept] = block.data[begin : begin + at.EXCERPT]
            state.counts[at.BAD_KEPT] = kept + 1

    def _rejections(self, origin: str, first_line: int) -> Iterator[Rejection]:
        """The bad lines that were kept since the last call."""
        state = self.state
        for kept in range(self._told, self.count(at.BAD_KEPT)):
            reason = int(state.bad_reason[kept])
            text = state.bad_excerpt[kept, : state.bad_length[kept]].tobytes()
            expected, found = _WRONG[reason]
            name = _NAMES[self.layout.roles[int(state.bad_column[kept])]]
            if text.startswith(TRANSLATED_MARK):
                name, expected, found, text = _translated(text)
            if reason in (at.TOO_LONG, at.TOO_FEW_COLUMNS, at.TOO_MANY_COLUMNS):
                name = ""
            yield Rejection(
                origin,
                int(state.bad_line[kept]) - first_line,
                name,
                expected,
                found,
                excerpt(text.decode("utf-8", "surrogateescape")),
            )
        self._told = self.count(at.BAD_KEPT)


def _translated(text: bytes) -> tuple[str, str, str, bytes]:
    """What a translator says of a record: field, expectation, what was found, and the record's beginning."""
    field, expected, found, shown = (*text[1:].split(b"\x02", 3), b"", b"", b"")[:4]
    return field.decode(), expected.decode(), found.decode(), shown
