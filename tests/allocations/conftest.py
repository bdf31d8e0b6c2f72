"""Which registers are the ledger's tests run on? SQLite and, where it is installed, PostgreSQL.

Each is migrated once; every test runs in a transaction that is taken back.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from meterhouse.register.database import Register, open_register  # noqa: E402
from services.fixtures import postgresql  # noqa: E402, F401
from services.registers import migrated_sqlite  # noqa: E402


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """An empty register, migrated."""
    if request.param == "sqlite":
        where = str(shutil.copy(migrated_sqlite(), tmp_path_factory.mktemp("register") / "register.sqlite"))
    else:
        where = request.getfixturevalue("postgresql").register()
    register = open_register(where)
    yield register
    register.close()


@pytest.fixture
def alias(register: Register) -> Iterator[str]:
    """The alias of a register that is empty again after the test."""
    with transaction.atomic(using=register.alias):
        yield register.alias
        transaction.set_rollback(True, using=register.alias)
