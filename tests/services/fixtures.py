"""Which fixtures do several folders of tests share? A conftest imports those that it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.postgresql import PostgreSQL, PostgreSQLMissing, running_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server, or a skip with the reason."""
    try:
        server = running_postgresql()
        with server as running:
            yield running
    except PostgreSQLMissing as missing:
        pytest.skip(str(missing))
