"""Cases are played in a database of their own: on PostgreSQL it is made beside the site's, and dropped."""

from __future__ import annotations

import psycopg
import pytest

from meterhouse.errors import MeterhouseError
from meterhouse.operations.allocations.scratch import scratch_register
from services.postgresql import PostgreSQL


def databases(postgresql: PostgreSQL) -> set[str]:
    with postgresql.connect() as connection:
        return {str(name) for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_a_scratch_database_is_gone_afterwards(postgresql: PostgreSQL) -> None:
    url = postgresql.database()
    before = databases(postgresql)
    with scratch_register(url) as alias:
        assert alias
        [made] = databases(postgresql) - before
        assert made.startswith("meterhouse_scratch_")
    assert databases(postgresql) == before


def test_who_may_make_no_database_is_told_so(postgresql: PostgreSQL) -> None:
    url = postgresql.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS poor")
        connection.execute("CREATE ROLE poor LOGIN")
    with (
        pytest.raises(MeterhouseError, match="can't make a scratch database"),
        scratch_register(url.replace("postgres@", "poor@")),
    ):
        pass
