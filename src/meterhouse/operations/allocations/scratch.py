"""Where can something be tried out? In a register of its own, which is gone afterwards."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from meterhouse.errors import MeterhouseError
from meterhouse.settings import SETTINGS_FILE, load_settings


def server_of(site_path: Path) -> str | None:
    """The PostgreSQL register of the site in that folder; None when there is no site, or it has SQLite."""
    path = Path(site_path).resolve()
    if not (path / SETTINGS_FILE).exists():
        return None
    section = load_settings(path / SETTINGS_FILE).register_
    return section.with_password_reference(path) if section.url.startswith("postgres") else None


@contextmanager
def scratch_register(server: str | None) -> Iterator[str]:
    """The alias of a new, empty register: a database on a PostgreSQL `server`, or a SQLite file."""
    from meterhouse.register.database import open_register

    if server is None:
        with tempfile.TemporaryDirectory(prefix="meterhouse-scratch-") as folder:
            register = open_register(Path(folder) / "register.sqlite3")
            register.migrate()
            try:
                yield register.alias
            finally:
                register.close()
        return
    with _database(server) as url:
        register = open_register(url)
        register.migrate()
        try:
            yield register.alias
        finally:
            register.close()


@contextmanager
def _database(server: str) -> Iterator[str]:
    """A new database beside the one that the URL names; the user must be allowed to make one."""
    from django.db import Error, connections

    from meterhouse.register.database import open_register

    name = f"meterhouse_scratch_{secrets.token_hex(6)}"
    beside = open_register(server)
    if beside.vendor != "postgresql":
        raise MeterhouseError(f"scratch register: expected a PostgreSQL URL, found {beside.shown}")
    try:
        try:
            with connections[beside.alias].cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
        except Error as error:
            why = " ".join(str(error).split())
            raise MeterhouseError(f"{beside.shown}: can't make a scratch database: {why}") from None
        parts = urlsplit(server)
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            with connections[beside.alias].cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {name}")
    finally:
        beside.close()
