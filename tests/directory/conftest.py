"""A directory on either database, and sites with usage to attribute."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from meterhouse.register.database import Register, open_register  # noqa: E402
from meterhouse.site import Site  # noqa: E402
from services.fixtures import postgresql  # noqa: E402, F401
from services.postgresql import PostgreSQL  # noqa: E402
from services.registers import migrated_sqlite  # noqa: E402

SETTINGS = """\
[site]
name = "Test"
[warehouse]
threads = 1
[[resources]]
name = "cloud"
kind = "cloud"
[[resources]]
name = "shift"
kind = "cluster"
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    """A migrated register, on each database."""
    if request.param == "sqlite":
        register = open_register(shutil.copy(migrated_sqlite(), tmp_path / "register.sqlite3"))
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        register = open_register(server.register())
    yield register
    register.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A new site with a cloud and a container cluster."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(migrated_sqlite(), folder / "register.sqlite3")
    (folder / "meterhouse.toml").write_text(SETTINGS)
    with Site.open(folder) as site, site.warehouse:
        yield site
