"""How do tests get a real PostgreSQL? One server of their own on a unix socket, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

_PORT = 5432  # only names the socket; nothing listens on the network


class PostgreSQLMissing(Exception):
    """There is no PostgreSQL on this machine."""


def programs() -> Path:
    """The folder with initdb and postgres: Debian keeps them out of PATH."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgreSQLMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


class PostgreSQL:
    """A running server; `database()` makes a new, empty database and gives its URL."""

    def __init__(self, socket_folder: Path) -> None:
        self._folder = socket_folder
        self._made = 0
        self._migrated = ""

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self._folder), port=_PORT, user="postgres", dbname="postgres", autocommit=True
        )

    def database(self, template: str = "template1") -> str:
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        with self.connect() as connection:
            # our own names, nothing from outside
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://postgres@:{_PORT}/{name}?host={quote(str(self._folder))}"

    def register(self) -> str:
        """A new database with every table of a register: a copy of one that is made once."""
        if not self._migrated:
            from meterhouse.register.database import open_register

            url = self.database()
            register = open_register(url)
            register.migrate()
            register.close()
            self._migrated = f"test_{os.getpid()}_{self._made}"
        return self.database(self._migrated)


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """Make and start a server, stop and remove it afterwards. PostgreSQLMissing if there is none."""
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix="meterhouse-postgresql-"))
    as_whom = _not_root(folder)
    try:
        subprocess.run(
            [
                *(bin_folder / "initdb", "-D", folder / "data", "--no-sync"),
                *("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_whom,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off"}
        server = subprocess.Popen(
            [bin_folder / "postgres", "-D", folder / "data", "-p", str(_PORT)]
            + [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("wb"),
            cwd=folder,
            **as_whom,
        )
        try:
            postgresql = PostgreSQL(folder)
            _wait_for(postgresql, server, folder / "log")
            yield postgresql
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nobody needs these databases again
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _not_root(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root; then its own user does, and gets the folder."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait_for(postgresql: PostgreSQL, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            postgresql.connect().close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL didn't start: {log.read_text()[-2000:]}") from error
            time.sleep(0.05)
