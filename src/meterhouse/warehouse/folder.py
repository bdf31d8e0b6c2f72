"""Where do the files of a warehouse lie, and which of them belong to a writer that is still at work?

A writer holds a lock on its own file in `.writing/` for as long as it lives, and its token begins
the name of every file that it makes. A file that no catalogue entry names is garbage as soon as its
writer is gone: a dead writer can't publish it any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import IO

from meterhouse.warehouse.parquet import put_folder_on_disk

_WRITING = ".writing"


class Folder:
    """The folder of one warehouse: `root/<table>/<writer>-<count>.parquet`."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self._token = ""
        self._claim: IO[bytes] | None = None
        self._process = 0
        self._numbers = count(1)
        self._lock = threading.Lock()

    def new_path(self, table: str) -> Path:
        """A path where no file is yet; its folder exists."""
        folder = self.root / table
        with self._lock:
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                put_folder_on_disk(self.root)
            if self._claim is None or self._process != os.getpid():
                self._become_writer()
            return folder / f"{self._token}-{next(self._numbers)}.parquet"

    def relative(self, path: Path) -> str:
        """The path as the catalogue has it. ValueError outside of the warehouse."""
        return path.absolute().relative_to(self.root).as_posix()

    def settle(self, paths: Iterable[Path]) -> None:
        """Have the names of new files on disk."""
        for folder in {path.parent for path in paths}:
            put_folder_on_disk(folder)

    def files(self) -> Iterator[Path]:
        """Every data file that lies here, catalogued or not."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else []:
            if folder.is_dir() and folder.name != _WRITING:
                yield from sorted(folder.glob("*.parquet"))

    def writer_is_alive(self, path: Path) -> bool:
        """Whether the process that made this file still holds its claim."""
        token = path.name.partition("-")[0]
        if token == self._token:
            return True
        try:
            with (self.root / _WRITING / token).open("rb") as claim:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def forget_dead_writers(self) -> None:
        """Remove the claims of processes that are gone."""
        for path in (self.root / _WRITING).glob("*"):
            if path.name == self._token:
                continue
            try:
                with path.open("rb") as claim:
                    fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()  # while it is locked: a writer that is just beginning sees it gone
            except (FileNotFoundError, BlockingIOError):
                continue  # swept by another, or alive

    def close(self) -> None:
        """Give up the claim."""
        with self._lock:
            if self._claim is not None:
                (self.root / _WRITING / self._token).unlink(missing_ok=True)
                self._claim.close()
            self._claim, self._token = None, ""

    def _become_writer(self) -> None:
        folder = self.root / _WRITING
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            self._token = secrets.token_hex(8)
            self._claim = (folder / self._token).open("xb")
            fcntl.flock(self._claim, fcntl.LOCK_EX)
            if os.fstat(self._claim.fileno()).st_nlink:  # not swept away before it was locked
                break
            self._claim.close()
        self._process = os.getpid()
