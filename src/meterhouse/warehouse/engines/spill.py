"""Where may an engine spill? Into a directory of its own, which is removed even after it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PREFIX = "spill-"


@dataclass(slots=True)
class SpillDirectory:
    """A directory that belongs to one session, for as long as that session holds the lock beside it."""

    path: Path
    _lock: BinaryIO

    @classmethod
    def claim(cls, parent: Path | None) -> SpillDirectory:
        """A fresh directory below `parent`; those whose sessions have died are removed on the way."""
        if parent is None:
            parent = _own_directory()
        parent.mkdir(parents=True, exist_ok=True)
        # One process at a time looks for the dead, so that nobody takes a newborn for one.
        with (parent / f"{PREFIX}gate").open("ab") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _remove_dead(parent)
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            lock = path.with_suffix(".lock").open("ab")  # held until release
            fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(path, lock)

    def release(self) -> None:
        """Remove the directory and let go of it. Releasing twice does no harm."""
        if self._lock.closed:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()


def _remove_dead(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*"):
        if not path.is_dir():
            continue
        lock_path = path.with_suffix(".lock")
        with lock_path.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path, ignore_errors=True)
            lock_path.unlink(missing_ok=True)
    for lock_path in parent.glob(f"{PREFIX}*.lock"):
        if not lock_path.with_suffix("").exists():
            lock_path.unlink(missing_ok=True)


def _own_directory() -> Path:
    """A directory in the system's temporary one that nobody else could have prepared for us."""
    path = Path(tempfile.gettempdir()) / f"meterhouse-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    told = path.lstat()
    if path.is_symlink() or told.st_uid != os.getuid() or told.st_mode & 0o077:
        return Path(tempfile.mkdtemp(prefix="meterhouse-"))
    return path
