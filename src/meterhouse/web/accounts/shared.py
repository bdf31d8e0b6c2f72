"""What do all workers of this site know together? Counts and short-lived values, in one small table.

With a register of SQLite they stand in a file of their own, which may be lost: counting a request mustn't
wait for the disk. With PostgreSQL they stand in a table of the register that isn't logged.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from meterhouse.web.configured import IN_REGISTER

_TABLE = "CREATE {unlogged}TABLE IF NOT EXISTS web_shared (key TEXT PRIMARY KEY, value TEXT, until {real})"
_FOR_EVER = 2.0**52
_TIDY_EVERY = 1000  # writes


class _Table(Protocol):
    def run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]: ...


class _InFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = threading.local()

    def run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if not hasattr(self._held, "connection"):
            opened = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            opened.execute("PRAGMA journal_mode=WAL")
            opened.execute("PRAGMA synchronous=OFF")
            opened.execute(_TABLE.format(unlogged="", real="REAL"))
            self._path.chmod(0o600)
            self._held.connection = opened
        found: list[tuple[Any, ...]] = self._held.connection.execute(sql, values).fetchall()
        return found


class _InRegister:
    def __init__(self) -> None:
        self._made = False

    def run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            if not self._made:
                cursor.execute(_TABLE.format(unlogged="UNLOGGED ", real="DOUBLE PRECISION"))
                self._made = True
            cursor.execute(sql.replace("?", "%s"), values)
            return list(cursor.fetchall()) if cursor.description else []


class SharedCache(BaseCache):
    """Django's cache over that table, for values that JSON can hold; it also counts within a time."""

    def __init__(self, location: str, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self._table: _Table = _InRegister() if location == IN_REGISTER else _InFile(Path(location))
        self._written = 0

    def count(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more of `key`; how many there are, and how many seconds this count still runs."""
        now = time.time()
        ((count, until),) = self._write(
            "INSERT INTO web_shared VALUES (?, '1', ?) ON CONFLICT (key) DO UPDATE SET "
            "value = CASE WHEN web_shared.until <= ? THEN '1' "
            "ELSE CAST(CAST(web_shared.value AS BIGINT) + 1 AS TEXT) END, "
            "until = CASE WHEN web_shared.until <= ? THEN excluded.until ELSE web_shared.until END "
            "RETURNING value, until",
            [f"count:{key}", now + seconds, now, now],
        )
        return int(count), max(0.0, until - now)

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Of several that add the same key, one does."""
        now = time.time()
        added = self._write(
            "INSERT INTO web_shared VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "value = excluded.value, until = excluded.until WHERE web_shared.until <= ? RETURNING key",
            [self.make_key(key, version), json.dumps(value), self._until(timeout), now],
        )
        return bool(added)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        found = self._table.run(
            "SELECT value FROM web_shared WHERE key = ? AND until > ?",
            [self.make_key(key, version), time.time()],
        )
        return json.loads(found[0][0]) if found else default

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._write(
            "INSERT INTO web_shared VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "value = excluded.value, until = excluded.until",
            [self.make_key(key, version), json.dumps(value), self._until(timeout)],
        )

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        touched = self._write(
            "UPDATE web_shared SET until = ? WHERE key = ? AND until > ? RETURNING key",
            [self._until(timeout), self.make_key(key, version), time.time()],
        )
        return bool(touched)

    def delete(self, key: Any, version: int | None = None) -> bool:
        made = self.make_key(key, version)
        return bool(self._write("DELETE FROM web_shared WHERE key = ? RETURNING key", [made]))

    def clear(self) -> None:
        self._write("DELETE FROM web_shared", [])

    def _until(self, timeout: float | None) -> float:
        until = self.get_backend_timeout(timeout)
        return _FOR_EVER if until is None else until

    def _write(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        self._written += 1
        if self._written % _TIDY_EVERY == 0:
            self._table.run("DELETE FROM web_shared WHERE until <= ?", [time.time()])
        return self._table.run(sql, values)
