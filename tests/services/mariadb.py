"""How do tests get a real MariaDB? One server of their own on a unix socket, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

_SMALL = ("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M")
_ROOM = 1 << 28  # bytes: ten times what a server takes


class MariaDBMissing(Exception):
    """There is no MariaDB on this machine."""


class MariaDB:
    """A running server; `database()` makes a new, empty database and gives its URL."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._made = 0

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True, charset="utf8mb4"
        )

    def run(self, sql: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def database(self) -> str:
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self.run(f"CREATE DATABASE {name}")  # our own name, nothing from outside
        return f"mariadb://root@localhost/{name}?unix_socket={self.socket}"


@contextmanager
def running_mariadb() -> Iterator[MariaDB]:
    """Make and start a server, stop and remove it afterwards. MariaDBMissing if there is none."""
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        raise MariaDBMissing("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    folder = Path(tempfile.mkdtemp(prefix="mariadb-", dir=_quick_folder()))
    who = []
    if os.geteuid() == 0:  # MariaDB refuses to run as root; then its own user does, and gets the folder
        user = pwd.getpwnam("mysql")
        os.chown(folder, user.pw_uid, user.pw_gid)
        who = ["--user=mysql"]
    try:
        data, socket = folder / "data", folder / "socket"
        subprocess.run(
            [
                *(install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"),
                *("--skip-test-db", *_SMALL, *who),
            ],
            check=True,
            capture_output=True,
        )
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(
                [
                    *(
                        server,
                        "--no-defaults",
                        f"--datadir={data}",
                        f"--socket={socket}",
                        f"--tmpdir={folder}",  # a server that starts clears its own of others' tables
                        "--skip-networking",
                    ),
                    *("--innodb-flush-log-at-trx-commit=0", *_SMALL, *who),
                    f"--pid-file={folder / 'pid'}",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            mariadb = MariaDB(socket)
            _wait_for(mariadb, running, folder / "log")
            yield mariadb
        finally:
            running.kill()  # nobody needs these databases again
            running.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quick_folder() -> str:
    """Memory, where there is room: files are written there at once. Sockets have short paths in both."""
    memory = "/dev/shm"
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return memory if has_room else "/tmp"


def _wait_for(mariadb: MariaDB, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            mariadb.connect().close()
            return
        except pymysql.MySQLError as error:
            if running.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB didn't start: {log.read_text()[-2000:]}") from error
            time.sleep(0.05)
