"""What is on this file system now? A walk with threads that writes a scan, and can be killed and resumed.

Rows are written as wrstat writes them with blocks: quoted path, bytes on disk, owner, times, type, inode,
links, device, apparent size. While the walk is under way, they stand in chunks in a folder beside the
scan. A chunk is complete or not there; beside it stands which directories it finishes. Who resumes lists
the directories that chunks name and none of them finishes.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.path_text import path_of_text, text_of_path

CHUNK_BYTES = 8 << 20
_KINDS = (
    (stat.S_ISREG, b"f"),
    (stat.S_ISDIR, b"d"),
    (stat.S_ISLNK, b"l"),
    (stat.S_ISSOCK, b"s"),
    (stat.S_ISBLK, b"b"),
    (stat.S_ISCHR, b"c"),
    (stat.S_ISFIFO, b"F"),
)
_TO_QUOTE = re.compile(r'[\x00-\x1f\x7f"\\\udc80-\udcff]')


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """A finished scan. `vanished`: entries that were gone before they could be looked at."""

    path: Path
    entries: int
    unreadable: tuple[Unreadable, ...]
    vanished: int
    resumed: bool


@dataclass(slots=True)
class _Walk:
    """What threads share: directories to do, and what was found. Held under `lock`."""

    folder: Path
    device: int
    chunk_bytes: int
    to_do: list[bytes]
    done: set[bytes]  # by an earlier walk, perhaps in a chunk that outlived the one that names them
    on_chunk: Callable[[int], None]
    lock: threading.Condition = field(default_factory=threading.Condition)
    busy: int = 0
    entries: int = 0
    vanished: int = 0
    next_chunk: int = 0
    failure: BaseException | None = None


def scan(
    top: Path | str,
    target: Path,
    *,
    threads: int = 4,
    chunk_bytes: int = CHUNK_BYTES,
    on_chunk: Callable[[int], None] = lambda entries: None,
) -> Scanned:
    """Write the scan of everything below `top`, on its file system, to `target` (gzip).

    What an earlier, broken walk to the same target had finished is not read again. `on_chunk` is told
    how many entries there are so far, whenever a chunk is complete. No privileges are needed: what this
    user can't read is named in the result, and in the file `target` with ".unreadable" behind it.
    """
    root = os.fsencode(Path(top).absolute())
    try:
        top_status = os.lstat(root)
    except OSError as error:
        raise MeterhouseError(f"scan: {text_of_path(root)}: {error.strerror}") from None
    if not stat.S_ISDIR(top_status.st_mode):
        raise MeterhouseError(f"scan: expected a directory, found {text_of_path(root)}")
    folder = target.with_name(target.name + ".partial")
    walk = _Walk(folder, top_status.st_dev, chunk_bytes, [], set(), on_chunk)
    resumed = _resume(walk, root)
    if not resumed:
        folder.mkdir(parents=True)
        (folder / "top").write_bytes(root)
        with _Chunk(walk) as chunk:
            chunk.row(root, top_status)
        walk.to_do = [root]
    workers = [
        threading.Thread(target=_work, args=(walk,), name=f"scan-{n}", daemon=True) for n in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if walk.failure is not None:
        raise walk.failure
    unreadable = tuple(_all_unreadable(folder))
    _put_together(folder, target, unreadable)
    return Scanned(target, walk.entries, unreadable, walk.vanished, resumed)


class _Chunk:
    """Rows being written; they count once `finish` has put them in place, with all their directories."""

    def __init__(self, walk: _Walk) -> None:
        self._walk = walk
        with walk.lock:
            self._number = walk.next_chunk
            walk.next_chunk += 1
        self._path = walk.folder / f"{self._number:08}.gz"
        self._being_written = self._path.with_suffix(".writing")
        self._raw = self._being_written.open("wb")
        self._packed = gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=self._raw, mtime=0)
        self._done: list[bytes] = []
        self._unreadable: list[Unreadable] = []
        self._rows: list[bytes] = []
        self.entries = 0
        self.bytes = 0

    def __enter__(self) -> _Chunk:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.finish()

    def row(self, path: bytes, status: os.stat_result) -> None:
        """An entry."""
        kind = next((letter for fits, letter in _KINDS if fits(status.st_mode)), b"X")
        line = b"%b\t%d\t%d\t%d\t%d\t%d\t%d\t%b\t%d\t%d\t%d\t%d\n" % (
            quoted(path + b"/" if kind == b"d" and path != b"/" else path),
            status.st_blocks * 512,
            status.st_uid,
            status.st_gid,
            status.st_atime_ns // 1_000_000_000,
            status.st_mtime_ns // 1_000_000_000,
            status.st_ctime_ns // 1_000_000_000,
            kind,
            status.st_ino,
            status.st_nlink,
            status.st_dev,
            status.st_size,
        )
        self._rows.append(line)
        self.entries += 1
        self.bytes += len(line)
        if len(self._rows) >= 4096:
            self._write()

    def directory_done(self, path: bytes, unreadable: list[Unreadable]) -> None:
        """All entries of a directory are in this chunk, but for those that could not be read."""
        self._done.append(path)
        self._unreadable += unreadable

    def finish(self) -> None:
        """Have it on disk, with what it finishes; in that order, so that a chunk never lacks the latter."""
        self._write()
        self._packed.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        done = "".join(f"done {text_of_path(path)}\n" for path in self._done)
        wrong = "".join(f"unreadable {one.path}\0{one.reason}\n" for one in self._unreadable)
        with self._path.with_suffix(".done").open("w", encoding="utf-8") as file:
            file.write(done + wrong)
            file.flush()
            os.fsync(file.fileno())
        self._being_written.rename(self._path)
        with self._walk.lock:
            self._walk.entries += self.entries
            self._walk.on_chunk(self._walk.entries)

    def _write(self) -> None:
        self._packed.write(b"".join(self._rows))
        self._rows.clear()


def _work(walk: _Walk) -> None:
    """Do directories until there are none, and nobody can find more."""
    chunk: _Chunk | None = None
    try:
        while True:
            with walk.lock:
                while not walk.to_do and walk.busy and walk.failure is None:
                    walk.lock.wait()
                if not walk.to_do or walk.failure is not None:
                    break
                path = walk.to_do.pop()
                walk.busy += 1
            found: list[bytes] = []
            try:
                chunk = chunk or _Chunk(walk)
                found = _list(walk, path, chunk)
                if chunk.bytes >= walk.chunk_bytes:
                    chunk.finish()
                    chunk = None
            finally:
                with walk.lock:
                    walk.to_do += found
                    walk.busy -= 1
                    walk.lock.notify_all()
        if chunk is not None and walk.failure is None:
            chunk.finish()
    except BaseException as error:
        with walk.lock:
            walk.failure = error
            walk.lock.notify_all()


def _list(walk: _Walk, directory: bytes, chunk: _Chunk) -> list[bytes]:
    """Write the entries of one directory; the directories among them."""
    found: list[bytes] = []
    unreadable: list[Unreadable] = []
    vanished = 0
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    status = os.lstat(entry.path)
                except FileNotFoundError:
                    vanished += 1
                    continue
                except OSError as error:
                    unreadable.append(Unreadable(text_of_path(entry.path), error.strerror or str(error)))
                    continue
                chunk.row(entry.path, status)
                is_directory = stat.S_ISDIR(status.st_mode) and status.st_dev == walk.device
                if is_directory and entry.path not in walk.done:
                    found.append(entry.path)
    except FileNotFoundError:
        vanished += 1
    except OSError as error:
        unreadable.append(Unreadable(text_of_path(directory), error.strerror or str(error)))
    chunk.directory_done(directory, unreadable)
    with walk.lock:
        walk.vanished += vanished
    return found


def _resume(walk: _Walk, root: bytes) -> bool:
    """Take up what an earlier walk left in the folder: false when there is nothing of use."""
    folder = walk.folder
    if not folder.is_dir():
        return False
    with suppress(FileNotFoundError):
        if (folder / "top").read_bytes() != root:
            raise MeterhouseError(
                f"scan: {folder} belongs to a scan of another directory; remove it to begin"
            )
    chunks = sorted(folder.glob("*.gz"))
    if not chunks:
        shutil.rmtree(folder)
        return False
    named: set[bytes] = set()
    for chunk in chunks:
        for path, kind, device in _rows_of(chunk):
            walk.entries += 1
            if kind == b"d" and device == walk.device:
                named.add(path)
        for line in chunk.with_suffix(".done").read_text(encoding="utf-8").splitlines():
            what, _, text = line.partition(" ")
            if what == "done":
                walk.done.add(path_of_text(text))
    for left in folder.glob("*.writing"):
        left.unlink()
    walk.to_do = sorted(named - walk.done)
    walk.next_chunk = int(chunks[-1].stem) + 1
    return True


def _rows_of(chunk: Path) -> Iterator[tuple[bytes, bytes, int]]:
    """Path, type and device of each row of a chunk."""
    with gzip.open(chunk) as rows:
        for row in rows:
            columns = row.split(b"\t")
            path = unquoted(columns[0])
            yield path.rstrip(b"/") or b"/", columns[7], int(columns[10])


def _all_unreadable(folder: Path) -> Iterator[Unreadable]:
    for path in sorted(folder.glob("*.done")):
        if not path.with_suffix(".gz").exists():
            continue
        for line in path.read_text(encoding="utf-8").split("\n"):
            what, _, text = line.partition(" ")
            if what == "unreadable":
                yield Unreadable(*text.split("\0", 1))


def _put_together(folder: Path, target: Path, unreadable: tuple[Unreadable, ...]) -> None:
    """One file of all chunks: members of gzip one behind the other are one gzip file."""
    whole = folder / "whole"
    with whole.open("wb") as out:
        for chunk in sorted(folder.glob("*.gz")):
            with chunk.open("rb") as rows:
                shutil.copyfileobj(rows, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    if unreadable:
        listing = "".join(f"{one}\n" for one in unreadable)
        target.with_name(target.name + ".unreadable").write_text(listing, encoding="utf-8")
    whole.rename(target)
    shutil.rmtree(folder)


def quoted(path: bytes) -> bytes:
    """A path quoted as wrstat quotes it."""
    text = path.decode("utf-8", "surrogateescape")
    return b'"' + _TO_QUOTE.sub(_quote, text).encode("utf-8") + b'"'


def _quote(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in '"\\' else f"\\x{ord(character) & 0xFF:02x}"


def unquoted(path: bytes) -> bytes:
    """The path that `quoted` quoted."""
    return re.sub(
        rb'\\(?:x([0-9a-f]{2})|(["\\]))',
        lambda found: bytes([int(found[1], 16)]) if found[1] else found[2],
        path[1:-1],
    )
