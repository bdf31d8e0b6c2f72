"""Which part of a file's text is in memory? A window that slides over a UTF-8 stream of any length."""

from __future__ import annotations

import codecs

from meterhouse.sources.file_content import BROKEN_STREAM, ByteStream

_READ_BYTES = 1 << 18
_NO_UTF8 = "surrogateescape"  # a byte that is no UTF-8 stays visible as a lone surrogate, and is found later


class TextWindow:
    """The text from some place in the stream on, as far as it has been read.

    `text` changes only in `more`. `ended` says that the stream holds no more than `text` does;
    `broken` says why when that is not its proper end. `plain` is true while `text` can hold neither
    an escape by number nor a byte that is no UTF-8, so that nobody needs to look for them.
    `last_visible` is the last character so far that is not white space.
    """

    def __init__(self, stream: ByteStream) -> None:
        self.text = ""
        self.ended = False
        self.broken = ""
        self.plain = True
        self.last_visible = ""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(_NO_UTF8)
        self._line = 1  # of `_line_at`, a place in the window
        self._line_at = 0
        self._at_start = True

    def more(self, keep_from: int) -> None:
        """Forget the text before `keep_from` and read on, at least as much as is kept."""
        self._line = self.line(keep_from)
        self._line_at = 0
        kept = self.text[keep_from:]
        pieces = [kept]
        wanted = max(_READ_BYTES, len(kept))
        while wanted > 0 and not self.ended:
            piece = self._read(wanted)
            wanted -= len(piece)
            pieces.append(piece)
        self.text = "".join(pieces)
        self.plain = self.text.isascii() and "\\u" not in self.text
        for piece in reversed(pieces[1:]):
            if visible := piece.rstrip():
                self.last_visible = visible[-1]
                break

    def line(self, position: int) -> int:
        """The line of the file, from 1, in which `position` of the window stands."""
        if position < self._line_at:
            return self._line - self.text.count("\n", position, self._line_at)
        self._line += self.text.count("\n", self._line_at, position)
        self._line_at = position
        return self._line

    def _read(self, wanted: int) -> str:
        try:
            data = self._stream.read1(wanted)
        except BROKEN_STREAM as error:
            data = b""
            self.broken = f"the compressed file is damaged or cut short ({error})"
        self.ended = not data
        piece = self._decoder.decode(data, final=self.ended)
        if self._at_start and piece:
            self._at_start = False
            return piece.removeprefix("\ufeff")
        return piece
