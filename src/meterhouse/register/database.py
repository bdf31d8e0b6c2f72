"""How is a site's register opened, brought up to date and closed?"""

from __future__ import annotations

import fcntl
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.db import Error, connections
from django.db.migrations.recorder import MigrationRecorder

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.address import Address, RegisterError, read_address
from meterhouse.register.transactions import asked

__all__ = ["Register", "RegisterError", "open_register"]

# Any number that no other program locks in the same PostgreSQL database.
_MIGRATION_LOCK = 0x4D65746572


class Register:
    """An open register. `alias` names its database for `Model.objects.using(alias)`.

    A process may hold several. Connections are per thread, made when first needed.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self.alias = address.alias
        self.vendor = address.vendor

    def __repr__(self) -> str:
        return f"Register({self._address.shown!r})"

    @property
    def shown(self) -> str:
        """Where it is, without any password."""
        return self._address.shown

    def is_current(self) -> bool:
        """Whether every migration of this version has been applied. Costs one query."""
        try:
            applied = asked(
                self.alias,
                lambda: MigrationRecorder(connections[self.alias]).applied_migrations().keys(),
            )
        except Error as error:
            raise RegisterError(f"register {self.shown}: can't be read: {_one_line(error)}") from error
        return _known_migrations() <= set(applied)

    def require_current(self) -> None:
        """Refuse a register that was never made or belongs to an older version."""
        if self.vendor == "sqlite" and not Path(self._address.settings["NAME"]).exists():
            raise RegisterError(f"register {self.shown}: does not exist")
        if not self.is_current():
            raise RegisterError(
                f"register {self.shown}: its tables are not those of this version; migrate it"
            )

    def migrate(self) -> None:
        """Bring the tables up to date. Idempotent, cheap when there is nothing to do, safe when raced."""
        if self.vendor == "sqlite":
            Path(self._address.settings["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        if self.is_current():
            return
        with self._sole_migrator():
            if self.is_current():  # another process was faster
                return
            if self.vendor == "sqlite":
                with connections[self.alias].cursor() as cursor:
                    # Kept in the file: readers and the writer then never wait for one another.
                    cursor.execute("PRAGMA journal_mode=WAL")
                    # Django makes a changed table anew and renames it: triggers of other tables that
                    # name it must not mind that it is gone for a moment.
                    cursor.execute("PRAGMA legacy_alter_table=ON")
            from django.core.management import call_command  # slow to load, seldom needed

            call_command(
                "migrate",
                database=self.alias,
                verbosity=0,
                interactive=False,
                skip_checks=True,
            )
            if self.vendor == "sqlite":
                with connections[self.alias].cursor() as cursor:
                    cursor.execute("PRAGMA legacy_alter_table=OFF")

    def close(self) -> None:
        """Close this thread's connection. Using the register again opens a new one."""
        connections[self.alias].close()

    @contextmanager
    def _sole_migrator(self) -> Iterator[None]:
        if self.vendor == "sqlite":
            with Path(self._address.settings["NAME"] + ".migrating").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            return
        with connections[self.alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def open_register(where: str | Path) -> Register:
    """Open the register at a path (SQLite) or a `postgresql://` URL, see `read_address`.

    Nothing is created or read before `migrate()` or the first query.
    """
    address = read_address(where)
    connections.databases[address.alias] = address.settings
    return Register(address)


def _known_migrations() -> set[tuple[str, str]]:
    """(app, migration) of all our apps, by file name: nothing is imported but the packages."""
    known: set[tuple[str, str]] = set()
    for app in apps.get_app_configs():
        try:
            package = importlib.import_module(f"{app.name}.migrations")
        except ModuleNotFoundError:  # an app without tables
            continue
        known.update((app.label, module.name) for module in pkgutil.iter_modules(package.__path__))
    return known


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
