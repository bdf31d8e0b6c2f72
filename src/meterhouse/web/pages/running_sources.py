"""How does staff have a source read now? By a process of its own, of which one at a time reads."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from meterhouse.errors import QuestionError
from meterhouse.web.pages.run_source import FOLDER, WAITS
from meterhouse.web.serving import served_site

_TAIL = 4000


@dataclass(frozen=True, slots=True)
class Run:
    """The newest run of a source that was asked for here: when it last said something, and what."""

    at: datetime
    goes_on: bool
    said: tuple[str, ...]

    @property
    def waits(self) -> bool:
        """Whether another source is being read before it."""
        return self.goes_on and self.said[-1:] == (WAITS,)

    @property
    def failed(self) -> bool:
        """Whether something failed; what ended without a word of what it built did, too."""
        built = any(line.startswith("built:") for line in self.said)
        return any(line.startswith("failed:") for line in self.said) or not (self.goes_on or built)


def run_now(name: str) -> bool:
    """Begin to read a source; False when it is being read already. Raises QuestionError for none of ours."""
    known = [source.name for source in served_site().settings.sources]
    if name not in known:
        raise QuestionError(f"source: expected one of {', '.join(known) or '(none)'}, found {name!r}")
    path = _log(name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("a+b") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        log.truncate(0)
        command = [sys.executable, "-m", "meterhouse.web.pages.run_source", str(served_site().path), name]
        # The lock goes with the file into the process, and ends with it.
        subprocess.Popen(  # noqa: S603 - this program itself
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.DEVNULL,  # it may name what only the log of the machine should know
            start_new_session=True,
        )
    return True


def newest_run(name: str) -> Run | None:
    """What is known of the newest run of a source."""
    path = _log(name)
    if not path.exists():
        return None
    with path.open("rb") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
            goes_on = False
        except BlockingIOError:
            goes_on = True
        said = log.read()[-_TAIL:].decode("utf-8", "replace")
    return Run(datetime.fromtimestamp(path.stat().st_mtime, UTC), goes_on, tuple(said.splitlines()[-8:]))


def _log(name: str) -> Path:
    """Its name is made from the source's, so that no name of a source is a path."""
    return served_site().path / FOLDER / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.log"
