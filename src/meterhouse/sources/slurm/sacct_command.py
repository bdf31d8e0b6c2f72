"""How is sacct asked, on this machine or on another? A command without a shell, its answer in a file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from meterhouse.sources.excerpt import excerpt

_REASON_CHARACTERS = 400
# The clock and the words that the readers know, whatever is usual on that machine.
_ENVIRONMENT = ("TZ=UTC", "LC_ALL=C", "SLURM_TIME_FORMAT=standard")


class CommandFailed(Exception):
    """The command gave no answer that can be trusted; the message says why."""


@dataclass(frozen=True, slots=True)
class SacctCommand:
    """Where sacct is: its path, and the command that it is given to, such as `ssh -o BatchMode=yes host`.

    What a prefix is given it must run as it is. ssh hands its arguments to a shell on the other side,
    so they are quoted for that.
    """

    prefix: tuple[str, ...] = ()
    path: str = "sacct"
    timeout: timedelta = timedelta(minutes=10)

    def line(self, arguments: Sequence[str], program: str | None = None) -> list[str]:
        """The whole command for `arguments`."""
        command = ["env", *_ENVIRONMENT, program or self.path, *arguments]
        if self.prefix and Path(self.prefix[0]).name.startswith("ssh"):
            command = [shlex.quote(word) for word in command]
        return [*self.prefix, *command]

    def ask(self, arguments: Sequence[str], program: str | None = None) -> IO[bytes]:
        """What the command wrote, as a file that is gone once it is closed. Raises CommandFailed."""
        answer = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            with tempfile.TemporaryFile() as complaints:
                self._run(self.line(arguments, program), answer, complaints)
            answer.seek(0)
        except BaseException:
            answer.close()
            raise
        return answer

    def _run(self, line: list[str], answer: IO[bytes], complaints: IO[bytes]) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603 - the administrator's own words, no shell
                line, stdin=subprocess.DEVNULL, stdout=answer, stderr=complaints, start_new_session=True
            )
        except OSError as error:
            raise CommandFailed(f"{excerpt(line[0], 80)} can't be run: {error.strerror}") from None
        try:
            code = process.wait(self.timeout.total_seconds())
        except subprocess.TimeoutExpired:
            raise CommandFailed(
                f"no answer within {self.timeout.total_seconds():.0f} s{_said(complaints)}"
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said = _said(complaints)
        # Slurm's commands tell of some errors, and end as if there were none.
        if code != 0 or ": error: " in said or ": fatal: " in said:
            ended = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
            raise CommandFailed(f"{ended}{said}")


def _said(complaints: IO[bytes]) -> str:
    """What a command complained about, in a few words on one line."""
    complaints.seek(0)
    text = complaints.read(4 * _REASON_CHARACTERS).decode("utf-8", "backslashreplace")
    words = "; ".join(line.strip() for line in text.splitlines() if line.strip())
    return f": {excerpt(words, _REASON_CHARACTERS)}" if words else ""
