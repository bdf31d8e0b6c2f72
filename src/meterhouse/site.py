"""Where does everything of one site stand? Its folder, settings, register and warehouse."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.errors import ConfigurationError
from meterhouse.settings import SETTINGS_FILE, Settings, load_settings

if TYPE_CHECKING:
    from meterhouse.register.database import Register
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.store import Warehouse

_FIRST_SETTINGS = """\
# Meterhouse: what this site measures. A mistake here is told by the next command.

[site]
name = "{name}"
time_zone = "UTC"            # days, months and reports follow this clock

# [register]                 # SQLite in this folder unless said otherwise
# url = "postgresql://meterhouse@db.example.org/meterhouse"
# password = {{ env = "METERHOUSE_DB_PASSWORD" }}

# A resource is a cloud, cluster, file system or object store.
# [[resources]]
# name = "cloud"
# kind = "cloud"
# title = "Research cloud"
# capacity = [{{ start = 2025-01-01, cores = 234 }}]

# A source is where a resource's records come from; `meterhouse collect` reads it.
# [[sources]]
# name = "cloud-api"
# kind = "openstack"
# resource = "cloud"
# cloud = "mycloud"           # an entry of clouds.yaml
"""


class Site:
    """A folder with meterhouse.toml, the register and the warehouse. Everything starts with `Site.open`."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings

    @classmethod
    def open(cls, path: Path | str = ".") -> Site:
        """Open the site in folder `path`. Raises ConfigurationError when there is none or it is faulty."""
        path = Path(path).resolve()
        return cls(path, load_settings(path / SETTINGS_FILE))

    @classmethod
    def init(cls, path: Path | str, name: str | None = None, settings_text: str | None = None) -> Site:
        """Make a site in `path`, which must not hold one already. Asks nothing."""
        path = Path(path).resolve()
        settings_file = path / SETTINGS_FILE
        if settings_file.exists():
            raise ConfigurationError(f"{settings_file}: expected no site here, found one")
        path.mkdir(parents=True, exist_ok=True)
        title = (name or path.name or "Meterhouse").replace("\\", "\\\\").replace('"', '\\"')
        settings_file.write_text(settings_text or _FIRST_SETTINGS.format(name=title))
        site = cls.open(path)
        site.register.migrate()
        return site

    @cached_property
    def register(self) -> Register:
        """The register, opened and migrated."""
        from meterhouse.register.database import open_register

        section = self.settings.register_
        if "://" not in section.url:
            register = open_register(self.path / section.url)
        else:
            register = open_register(section.with_password_reference(self.path))
        register.migrate()
        return register

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse: raw and derived tables, with their catalogue in the register."""
        from meterhouse.usage.tables import DERIVED_TABLES
        from meterhouse.warehouse.store import Warehouse

        warehouse = Warehouse(self.path / self.settings.warehouse.path, self.register)
        for name, (schema, time_column) in DERIVED_TABLES.items():
            warehouse.declare(name, schema, time_column)
        return warehouse

    def engine(self) -> DuckDBEngine:
        """A new engine with this site's limits; close it, or use it as a context manager."""
        from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

        section = self.settings.warehouse
        return DuckDBEngine(
            memory_limit=section.memory_limit,
            threads=section.threads,
            temp_directory=self.path / section.path / "tmp",
        )

    def close(self) -> None:
        """Close the register, if it was opened."""
        if "register" in self.__dict__:
            self.register.close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
