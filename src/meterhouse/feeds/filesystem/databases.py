"""How does a feed reach a database of others? PostgreSQL, MariaDB or MySQL, by a URL without a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from meterhouse.errors import ConfigurationError, MeterhouseError

KINDS = ("postgresql", "mysql", "mariadb")


class SinkError(MeterhouseError):
    """A database of others refused what it was given, or can't be reached; nothing of it is there."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open connection, in one transaction, and how this kind of database writes names."""

    connection: Any
    is_postgresql: bool

    def quoted(self, name: str) -> str:
        """A name as an identifier."""
        mark = '"' if self.is_postgresql else "`"
        return mark + name.replace(mark, mark * 2) + mark

    def rows(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a question; values are `%s`."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def run(self, sql: str, parameters: tuple[object, ...] = ()) -> None:
        """Run a statement that answers nothing."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)

    def run_for_each(self, sql: str, parameters: list[tuple[object, ...]]) -> None:
        """Run a statement for each of several rows of values."""
        if parameters:
            with self.connection.cursor() as cursor:
                cursor.executemany(sql, parameters)


@contextmanager
def connected(url: str, password: str | None = None) -> Iterator[Database]:
    """Open a database; leaving without an error commits, with one takes everything back.

    Raises ConfigurationError for a URL that can't be used, SinkError when the database says no.
    """
    parts = urlsplit(url)
    if parts.scheme not in KINDS:
        raise ConfigurationError(
            f"database: expected a URL that begins with {', '.join(f'{kind}://' for kind in KINDS)},"
            f" found {parts.scheme or 'none'}"
        )
    if parts.password is not None:
        raise ConfigurationError(
            "database: expected a URL without a password, which has an option of its own"
        )
    database, errors = _open(url, password)
    try:
        with _said(errors):
            yield database
            database.connection.commit()
    except BaseException:
        with _said(errors):
            database.connection.rollback()
        raise
    finally:
        database.connection.close()


def _open(url: str, password: str | None) -> tuple[Database, type[Exception]]:
    if url.startswith("postgresql:"):
        import psycopg

        with _said(psycopg.Error):
            return Database(psycopg.connect(url, password=password), True), psycopg.Error
    try:
        import pymysql
    except ImportError:
        raise SinkError('MariaDB and MySQL need the extra "mysql": pip install "meterhouse[mysql]"') from None
    parts = urlsplit(url)
    options: dict[str, Any] = {"host": parts.hostname or "127.0.0.1", "port": parts.port or 3306}
    socket = parse_qs(parts.query).get("unix_socket")
    if socket:
        options["unix_socket"] = socket[0]
    with _said(pymysql.MySQLError):
        connection = pymysql.connect(
            **options,
            user=unquote(parts.username or ""),
            password=password or "",
            database=unquote(parts.path.strip("/")),
            charset="utf8mb4",
            # without it what doesn't fit is cut, silently
            sql_mode="TRADITIONAL",
        )
        return Database(connection, False), pymysql.MySQLError


@contextmanager
def _said(errors: type[Exception]) -> Iterator[None]:
    """What a database said, as an error for people."""
    try:
        yield
    except errors as error:
        told = error.args[-1] if error.args else type(error).__name__
        raise SinkError(f"database: {' '.join(str(told).split())}") from error
