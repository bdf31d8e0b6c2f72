"""Does the server keep a worker? One that is killed comes back, and none stays behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from served import PROGRAM, Served, serving

PERIOD = {"from": "2026-03-01", "to": "2026-03-20"}


def workers(folder: Path) -> list[int]:
    """The processes that work for that site."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"work" in words and str(folder).encode() in words:
            found.append(int(process.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
def test_a_worker_that_is_killed_comes_back_and_ends_with_the_server(served: Served, folder: Path) -> None:
    headers = served.headers("staff")
    with serving(folder) as url:
        for _ in range(100):
            if workers(folder):
                break
            time.sleep(0.1)
        (first,) = workers(folder)
        os.kill(first, signal.SIGKILL)
        asked = PROGRAM.post(f"{url}/api/v1/exports", json=PERIOD, headers=headers).json()["id"]
        for _ in range(400):
            state = PROGRAM.get(f"{url}/api/v1/work/{asked}", headers=headers).json()["state"]
            if state == "done":
                break
            time.sleep(0.1)
        assert state == "done"
        (second,) = workers(folder)
        assert second != first
    for _ in range(100):
        if not workers(folder):
            break
        time.sleep(0.1)
    assert workers(folder) == []
