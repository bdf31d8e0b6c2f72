"""How do a scan's bytes reach the kernel? Unpacked by isal in a thread of its own, into reused buffers."""

from __future__ import annotations

import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from meterhouse.sources.filesystem.kernel_layout import LONGEST_LINE

BLOCK = 1 << 20
HEAD = 2 * LONGEST_LINE + 64  # before a block: the end of the one before, and the path field before that
_SLACK = 64  # the kernel looks at whole words
_BUFFERS = 3
_GZIP = b"\x1f\x8b"


class Bytes(Protocol):
    """What can be read into a buffer."""

    def readinto(self, buffer: Any, /) -> int | None: ...

    def close(self) -> None: ...


class Opened:
    """A file's bytes, unpacked when it is a gzip file (told by its first bytes)."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self.unpacked: Bytes = self._raw
        if self._raw.peek(2)[:2] != _GZIP:
            return
        from isal import igzip

        unpacking: Any = igzip.IGzipFile
        self.unpacked = unpacking(fileobj=self._raw, mode="rb")

    def position(self) -> int:
        """How far the file is read, in bytes as they lie on disk."""
        return self._raw.tell() if not self._raw.closed else 0

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into `buffer`; 0 at the end."""
        return self.unpacked.readinto(buffer)

    def close(self) -> None:
        """Close it, and what it is unpacked from."""
        self.unpacked.close()
        self._raw.close()


class BrokenFile(Exception):
    """The file ends too early, or is damaged: what was read is not all of it."""


def filled(file: Bytes, buffer: memoryview) -> int:
    """Fill `buffer` as far as the file goes; how many bytes. Raises BrokenFile."""
    done = 0
    try:
        while done < len(buffer):
            count = file.readinto(buffer[done:])
            if not count:
                break
            done += count
    except EOFError:
        raise BrokenFile("the gzip stream ends too early") from None
    except (zlib.error, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BrokenFile(f"the gzip stream is damaged ({error})") from None
    return done


class Block:
    """A buffer: room at its head for what is carried over, then `length` bytes of the file."""

    __slots__ = ("data", "length", "raw", "view")

    def __init__(self) -> None:
        self.raw = bytearray(HEAD + BLOCK + _SLACK)
        self.view = memoryview(self.raw)
        self.data = np.frombuffer(self.raw, np.uint8)
        self.length = 0


@contextmanager
def blocks(fill: Callable[[memoryview], int]) -> Iterator[Iterator[Block]]:
    """Blocks that `fill` fills, up to three ahead; each is used again once the next is asked for.

    What `fill` raises is raised here, in its place.
    """
    empty: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
    full: queue.SimpleQueue[Block | BaseException | None] = queue.SimpleQueue()
    for _ in range(_BUFFERS):
        empty.put(Block())

    def read_ahead() -> None:
        try:
            while (block := empty.get()) is not None:
                block.length = fill(block.view[HEAD : HEAD + BLOCK])
                if not block.length:
                    break
                full.put(block)
            full.put(None)
        except BaseException as error:
            full.put(error)

    def taken() -> Iterator[Block]:
        before: Block | None = None
        while (block := full.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
            if before is not None:
                empty.put(before)
            before = block

    thread = threading.Thread(target=read_ahead, name="unpack", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        empty.put(None)
        thread.join()
