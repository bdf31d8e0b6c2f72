"""Which PostgreSQL is measured? A server of its own, set for such a machine, that never waits for disks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg

from services.postgresql import _not_root, programs

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "maintenance_work_mem": "1GB",
    "hash_mem_multiplier": "2",
    "max_parallel_workers_per_gather": "2",
    "max_wal_size": "8GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int


@contextmanager
def running_server() -> Iterator[Server]:
    """A fresh server on a socket in a temporary folder, gone afterwards."""
    with TemporaryDirectory(prefix="meterhouse-bench-postgresql-") as name:
        folder = Path(name)
        as_whom = _not_root(folder)
        subprocess.run(
            [
                *(programs() / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_whom,
        )
        settings = {**SETTINGS, "unix_socket_directories": name}
        server = subprocess.Popen(
            [programs() / "postgres", "-D", folder / "data"]
            + [part for key, value in settings.items() for part in ("-c", f"{key}={value}")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **as_whom,
        )
        url = f"postgresql://postgres@:5432/postgres?host={quote(name)}"
        try:
            _wait_for(url)
            yield Server(url, server.pid)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)


def cpu_seconds(server: Server) -> float:
    """CPU seconds of the server so far: its processes, and those that have ended."""
    own = _stat(server.pid)
    children = [
        int(child) for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    ]
    ticks = sum(own[11:15]) + sum(sum(_stat(child)[11:13]) for child in children)
    return ticks / TICKS


def _stat(pid: int) -> list[int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *(int(field) for field in fields[1:])]


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
