"""Which registers are the warehouse's tests run on? SQLite and, where it is installed, PostgreSQL."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from warehouse_examples import COUNTED  # noqa: E402

from meterhouse.register.database import Register, open_register  # noqa: E402
from meterhouse.warehouse import Warehouse  # noqa: E402
from services.fixtures import postgresql  # noqa: E402, F401
from services.postgresql import PostgreSQL  # noqa: E402
from services.registers import migrated_sqlite  # noqa: E402


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a register can be, with nothing in it yet."""
    if request.param == "sqlite":
        return str(tmp_path / "register.sqlite")
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a register is that has its tables, and nothing in them."""
    if request.param == "sqlite":
        return str(shutil.copy(migrated_sqlite(), tmp_path / "register.sqlite"))
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.register()


@pytest.fixture
def register(url: str) -> Iterator[Register]:
    register = open_register(url)
    yield register
    register.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


@pytest.fixture
def warehouse(root: Path, register: Register) -> Iterator[Warehouse]:
    with Warehouse(root, register, {"counted": COUNTED}) as warehouse:
        yield warehouse
