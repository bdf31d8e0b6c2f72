"""What does a file hold, byte for byte? Opening it (gzip too), its content key, and that it stays so."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from meterhouse.errors import MeterhouseError
from meterhouse.sources.excerpt import excerpt

_GZIP_MAGIC = b"\x1f\x8b"

# What gzip raises for a stream that is cut or damaged. Other OSErrors are the disk's, and stop the reading.
BROKEN_STREAM = (EOFError, zlib.error, gzip.BadGzipFile)


ByteStream = io.BufferedReader | gzip.GzipFile


class FileChanged(MeterhouseError):
    """The file was written to between the moment its content key was made and the end of reading."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it stood when its content key was made."""

    path: Path
    content_key: str
    state: tuple[int, int, int, int]  # device, inode, size, time of last change in nanoseconds

    @property
    def origin(self) -> str:
        """The path as messages and evidence name it."""
        return excerpt(str(self.path), 4096)

    @property
    def changed_at(self) -> datetime:
        """When the file was last written to."""
        return datetime.fromtimestamp(self.state[3] // 1_000_000_000, UTC)

    def open(self) -> ByteStream:
        """The file's bytes, unpacked when it is a gzip file (told by its first bytes, not by its name)."""
        file = self.path.open("rb")
        if file.peek(2)[:2] == _GZIP_MAGIC:
            return _UnpackedFile(file)
        return file

    def check_unchanged(self) -> None:
        """Raise FileChanged when the file is no longer what its content key says."""
        if _state(self.path.stat()) != self.state:
            raise FileChanged(f"{self.origin}: written to while it was read; read it again")


def file_content(path: str | os.PathLike[str], source: str, resource: str) -> FileContent:
    """The content key of `path`: SHA-256 over source, resource and the file's bytes as they lie on disk."""
    file_path = Path(path)
    key = hashlib.sha256(f"{source}\0{resource}\0".encode())
    with file_path.open("rb") as file:
        state = _state(os.fstat(file.fileno()))
        hashlib.file_digest(file, lambda: key)
    return FileContent(file_path, key.hexdigest(), state)


class _UnpackedFile(gzip.GzipFile):
    """A gzip file that closes the file beneath it too."""

    def __init__(self, packed: io.BufferedReader) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


def _state(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
