"""Which lines does the output of `sacct --parsable2` hold? Blocks of whole lines, split into fields at once.

Lines that can't be split so (too long, another number of fields, bytes that are no text) are told
apart, each with its number; the others are handed on as a table of text columns. Memory is bounded by
the block and by the longest line.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.file_content import BROKEN_STREAM, ByteStream

BLOCK_BYTES = 1 << 22
LONGEST_LINE = 1 << 18  # bytes
_BAR, _NEWLINE, _RETURN, _NUL = b"|"[0], b"\n"[0], b"\r"[0], b"\0"[0]
_STAND_IN = b"\x1f"  # for bars within the last field, while a block is split


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file: the number of the first, and their bytes with the line ends."""

    first: int
    data: bytes


class LineBlocks:
    """The lines of one stream in blocks; iterate once.

    Blank lines count, as every line does. After the iteration `incomplete` says why the end of the
    file could not be read (empty when it could), `lines` how many there were.
    """

    def __init__(self, stream: ByteStream, origin: str) -> None:
        self.incomplete = ""
        self.lines = 0
        self._stream = stream
        self._origin = origin

    def __iter__(self) -> Iterator[Block | Rejection]:
        rest = b""
        while data := self._read():
            cut = data.rfind(b"\n") + 1
            if cut == 0:
                rest += data
                if len(rest) > LONGEST_LINE:
                    rest = yield from self._too_long(rest)
                continue
            yield from self._block(rest + data[:cut])
            rest = data[cut:]
        if rest:
            yield from self._block(rest + b"\n")

    def _block(self, data: bytes) -> Iterator[Block]:
        if self.lines == 0:
            data = data.removeprefix(b"\xef\xbb\xbf")
        first = self.lines + 1
        self.lines += data.count(b"\n")
        yield Block(first, data)

    def _too_long(self, start: bytes) -> Generator[Rejection, None, bytes]:
        """Read over the line that begins with `start`, and return what stands behind it."""
        length, end = len(start), -1
        data = b""
        while end < 0 and (data := self._read()):
            end = data.find(b"\n")
            length += len(data) if end < 0 else end
        self.lines += 1
        yield Rejection(
            self._origin,
            self.lines,
            "",
            f"a line of at most {LONGEST_LINE:,} bytes",
            f"{length:,} bytes",
            excerpt(start[:400].decode("utf-8", "surrogateescape")),
        )
        return data[end + 1 :] if end >= 0 else b""

    def _read(self) -> bytes:
        pieces: list[bytes] = []
        wanted = BLOCK_BYTES
        while wanted > 0 and not self.incomplete:
            try:
                piece = self._stream.read1(wanted)
            except BROKEN_STREAM as error:
                self.incomplete = f"the compressed file is damaged or cut short ({error})"
                break
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@dataclass(frozen=True, slots=True)
class SplitLines:
    """Lines split into fields: their numbers, a text column for each field, and the lines left out."""

    numbers: np.ndarray
    columns: pa.Table
    rejections: list[Rejection]


def split_lines(
    block: Block,
    fields: Sequence[str],
    last_may_hold_bars: bool,
    encoded: frozenset[str],
    origin: str,
) -> SplitLines:
    """The lines of a block as columns; those of `encoded` come as dictionaries."""
    data = block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == _NEWLINE)
    bars = np.flatnonzero(text == _BAR)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts
    bars_before = np.searchsorted(bars, ends)
    counts = np.diff(bars_before, prepend=0)
    wanted = len(fields) - 1
    good = counts == wanted
    if last_may_hold_bars and not good.all():
        more = counts > wanted
        if more.any() and _STAND_IN not in data:
            text = text.copy()
            place = np.arange(len(bars)) - np.repeat(bars_before - counts, counts)
            text[bars[place >= wanted]] = _STAND_IN[0]
            good |= more
    blank = lengths == 0
    good &= lengths <= LONGEST_LINE
    for byte in (_NUL, _RETURN):
        if byte in data:
            good[np.searchsorted(ends, np.flatnonzero(text == byte))] = False
    if not data.isascii():
        good &= ~_no_utf8(data, starts, ends)
    rejections = [
        _rejected(origin, block.first + int(index), data[starts[index] : ends[index]], fields)
        for index in np.flatnonzero(~good & ~blank)
    ]
    numbers = block.first + np.flatnonzero(good)
    if not good.all():
        text = text[np.repeat(good, lengths + 1)]
    if not len(numbers):
        return SplitLines(
            numbers, pa.table({field: pa.array([], pa.string()) for field in fields}), rejections
        )
    columns = _columns(pa.py_buffer(text), fields, encoded)
    if columns.num_rows != len(numbers):
        raise AssertionError(f"{len(numbers)} lines became {columns.num_rows}")
    return SplitLines(numbers, columns, rejections)


def with_bars(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The last column with its bars back."""
    return pc.replace_substring(texts, _STAND_IN.decode(), "|")


def _columns(text: pa.Buffer, fields: Sequence[str], encoded: frozenset[str]) -> pa.Table:
    csv = pyarrow.csv
    kinds = {
        field: pa.dictionary(pa.int32(), pa.string()) if field in encoded else pa.string() for field in fields
    }
    return csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(use_threads=False, block_size=text.size + 1, column_names=list(fields)),
        csv.ParseOptions(
            delimiter="|",
            quote_char=False,
            double_quote=False,
            escape_char=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        csv.ConvertOptions(check_utf8=False, column_types=kinds, strings_can_be_null=False),
    )


def _no_utf8(data: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    wrong = np.zeros(len(starts), bool)
    try:
        data.decode()
    except UnicodeDecodeError:
        for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            try:
                data[start:end].decode()
            except UnicodeDecodeError:
                wrong[index] = True
    return wrong


def _rejected(origin: str, number: int, line: bytes, fields: Sequence[str]) -> Rejection:
    """Why a line could not be split."""
    shown = excerpt(line[:400].decode("utf-8", "surrogateescape"))
    count = line.count(b"|") + 1
    if len(line) > LONGEST_LINE:
        expected, found = f"a line of at most {LONGEST_LINE:,} bytes", f"{len(line):,} bytes"
    elif b"\0" in line:
        expected, found = "text without NUL", "a NUL byte"
    elif b"\r" in line:
        expected, found = "text without carriage returns", "a carriage return within the line"
    elif count != len(fields) and not (count > len(fields) and _STAND_IN in line):
        expected, found = f"{len(fields)} fields between bars", f"{count}"
    elif _STAND_IN in line:
        expected, found = "text without control characters", "a unit separator"
    else:
        expected, found = "UTF-8 text", "other bytes"
    return Rejection(origin, number, "", expected, found, shown)
