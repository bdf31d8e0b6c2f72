"""How does a worker live? As a process of its own, which ends with whoever started it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_WATCH_SECONDS = 2.0


def run_worker(path: Path, *, once: bool = False, parent: int | None = None) -> None:
    """Make what is asked for on the site in `path` until a signal ends it, or until `parent` is gone.

    With `once`, until nothing waits.
    """
    from meterhouse.web.configured import configure
    from meterhouse.web.serving import serve_site

    site = configure(path)
    serve_site(site)
    from meterhouse.web.work.worker import work_once, work_until

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with site:
        if once:
            while work_once():
                pass
            return
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        if parent is not None:
            threading.Thread(target=_end_without, args=(parent, stop), daemon=True).start()
        work_until(stop)


def _end_without(parent: int, stop: threading.Event) -> None:
    """A server that was killed can't tell its worker: it sees that somebody else is its parent now."""
    while not stop.wait(_WATCH_SECONDS):
        if os.getppid() != parent:
            stop.set()


@contextmanager
def worker_beside(path: Path) -> Iterator[None]:
    """A worker for as long as the block runs; one that dies is started again."""
    over = threading.Event()
    command = [sys.executable, "-m", "meterhouse.cli.main", "--site", str(path), "work"]
    command += ["--parent", str(os.getpid())]

    def start() -> subprocess.Popen[bytes]:
        # Not by fork: a server's process that is forked meanwhile would keep the pipe open by which Popen
        # waits for its child to begin. Python's files aren't inherited anyway.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603 - itself

    def watch(process: subprocess.Popen[bytes]) -> None:
        while not over.wait(0.2):
            if process.poll() is not None:
                over.wait(_WATCH_SECONDS)  # not in a tight loop where it can't start at all
                if not over.is_set():
                    process = start()
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()  # what it was making is taken up again
            process.wait()

    thread = threading.Thread(target=watch, args=(start(),), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
