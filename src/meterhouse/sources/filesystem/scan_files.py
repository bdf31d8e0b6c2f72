"""What is in a scan's file? Its format, its first lines, and its bytes as lines that the kernel reads."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from meterhouse.sources.file_content import FileContent
from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.path_text import text_of_path
from meterhouse.sources.filesystem.scan_feed import BrokenFile, Bytes, Opened, filled
from meterhouse.sources.filesystem.scan_formats import ScanFormat, Translator, detected
from meterhouse.sources.filesystem.translated import TranslatedBytes
from meterhouse.sources.filesystem.translators import translator_of

_SAMPLE = 1 << 18


@dataclass(slots=True)
class ScanFile:
    """A file of a scan, to be opened for one reading: `with source as fill`."""

    content: FileContent
    format: ScanFormat
    sample: bytes
    columns: str | None
    _file: Opened | None = field(default=None)

    def __enter__(self) -> Callable[[memoryview], int]:
        file = Opened(self.content.path)
        self._file = file
        translator = self.translator()
        if translator is None:
            return lambda buffer: filled(file, buffer)
        return TranslatedBytes(file, translator).fill

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def position(self) -> int:
        """How far the file is read, in bytes as they lie on disk."""
        return self._file.position() if self._file is not None else 0

    def translator(self) -> Translator | None:
        """What makes lines for the kernel of this format's records; None: they are such lines."""
        return translator_of(self.format.name, self.columns, self.content.origin)


def source_of(content: FileContent, declared: str | None, columns: str | None) -> ScanFile:
    """A file with its format, from its first lines. Raises UnknownFormat, and BrokenFile for an empty one."""
    file = Opened(content.path)
    try:
        buffer = bytearray(_SAMPLE)
        sample = bytes(buffer[: _sampled(file, buffer)])
    finally:
        file.close()
    if not sample:
        raise BrokenFile("it is empty")
    return ScanFile(content, detected(sample, content.origin, content.path.name, declared), sample, columns)


def _sampled(file: Bytes, buffer: bytearray) -> int:
    """As much of the beginning as can be read: the reading itself will tell of damage."""
    done = 0
    view = memoryview(buffer)
    while done < len(buffer):
        try:
            count = filled(file, view[done : done + 4096])
        except BrokenFile:
            if not done:
                raise
            break
        if not count:
            break
        done += count
    return done


def top_of(source: ScanFile) -> str:
    """The directory that a scan's file begins with; "/" when its first good line is no directory."""
    translator = source.translator()
    sample = source.sample if translator is None else translator.lines(source.sample)
    roles = source.format.layout.roles
    for line in sample.split(b"\n"):
        columns = line.split(b"\t")
        if len(columns) != len(roles):
            continue
        try:
            said = columns[roles.index(at.PATH)]
            path = _unquoted(said) if said.startswith(b'"') else base64.b64decode(said, validate=True)
        except ValueError:
            continue
        if path.startswith(b"/"):
            is_directory = columns[roles.index(at.TYPE)] == b"d"
            return str(PurePosixPath(text_of_path(path))) if is_directory else "/"
    return "/"


def _unquoted(said: bytes) -> bytes:
    """A quoted path, near enough to count its names."""
    return said.strip(b'"')
