"""Which database is meant by a path or a URL? Django's settings for it, its alias and a safe name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from meterhouse.errors import MeterhouseError

BUSY_TIMEOUT_SECONDS = 60


class RegisterError(MeterhouseError):
    """The register can't be opened or used as configured. Never carries a password."""


@dataclass(frozen=True, slots=True)
class Address:
    """One register: `shown` is safe to print; the password is only in `settings`."""

    vendor: Literal["sqlite", "postgresql"]
    shown: str
    settings: dict[str, Any]

    @property
    def alias(self) -> str:
        return "site_" + hashlib.sha256(self.shown.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def read_address(where: str | Path) -> Address:
    """A path or `sqlite:///PATH` is SQLite; `postgresql://USER@HOST:PORT/DATABASE` is PostgreSQL.

    A PostgreSQL password is given by reference only: `?password_env=NAME` or `?password_file=PATH`.
    `?host=FOLDER` names the folder of a unix socket, `?sslmode=...` and the like go to libpq.
    """
    text = str(where)
    if isinstance(where, str) and text.startswith(("postgresql://", "postgres://")):
        return _postgresql(text)
    if isinstance(where, str) and text.startswith("sqlite:///"):
        return _sqlite(Path(text.removeprefix("sqlite:///")))
    if isinstance(where, str) and "://" in text:
        scheme = text.partition("://")[0]
        raise RegisterError(f"register: expected a path, sqlite:/// or postgresql://, found {scheme}://")
    return _sqlite(Path(where))


def _sqlite(path: Path) -> Address:
    path = path.resolve()
    options = {
        "timeout": BUSY_TIMEOUT_SECONDS,
        # A write transaction takes the lock when it begins: one that read first and then wants to
        # write could not wait for the lock, but would fail at once.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
    }
    return Address(
        "sqlite",
        f"sqlite:///{path}",
        _settings("sqlite3", NAME=str(path), OPTIONS=options),
    )


def _postgresql(url: str) -> Address:
    parts = urlsplit(url)
    if parts.password is not None:
        raise RegisterError(
            "register: the URL holds a password; expected ?password_env=NAME or ?password_file=PATH"
        )
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    database, user = unquote(parts.path.lstrip("/")), unquote(parts.username or "")
    if not database:
        raise RegisterError("register: expected postgresql://USER@HOST:PORT/DATABASE, found no database name")
    if "password" in options:
        raise RegisterError("register: the URL holds a password; expected password_env or password_file")
    password = _password(options.pop("password_env", None), options.pop("password_file", None))
    host = options.pop("host", parts.hostname or "")
    try:
        port = str(parts.port or options.pop("port", ""))
    except ValueError as error:
        raise RegisterError("register: expected a port number in the PostgreSQL URL") from error
    settings = _settings(
        "postgresql",
        NAME=database,
        USER=user,
        PASSWORD=password,
        HOST=host,
        PORT=port,
        OPTIONS=options,
    )
    return Address("postgresql", f"postgresql://{user}@{host}:{port}/{database}", settings)


def _password(variable: str | None, file: str | None) -> str:
    if variable is not None:
        if variable not in os.environ:
            raise RegisterError(f"register: environment variable {variable} (password_env) is not set")
        return os.environ[variable]
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip("\r\n")
        except OSError as error:
            raise RegisterError(f"register: can't read password_file {file}: {error.strerror}") from error
    return ""


def _settings(engine: str, **given: Any) -> dict[str, Any]:
    """All keys that Django would fill in for a database that stands in its settings from the start."""
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "ATOMIC_REQUESTS": False,
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "TIME_ZONE": None,
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
        "PORT": "",
        "OPTIONS": {},
        "TEST": {
            "CHARSET": None,
            "COLLATION": None,
            "MIGRATE": True,
            "MIRROR": None,
            "NAME": None,
        },
        **given,
    }
