"""Do sources that staff has read at once overload the machine? One is read, the others wait."""

from __future__ import annotations

import fcntl
import subprocess
import sys

from meterhouse.site import Site


def test_a_source_waits_while_another_is_read(site: Site) -> None:
    folder = site.path / ".source-runs"
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "meterhouse.web.pages.run_source", str(site.path), "nonsense"]
    with (folder / "turn.lock").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "waits: another source is being read\n"
        assert waiting.poll() is None
    told = waiting.stdout.read()
    assert waiting.wait(60) == 1
    assert told.splitlines()[0] == "reads: its turn has come"
    assert told.splitlines()[1].startswith("failed: collect: expected a source")
