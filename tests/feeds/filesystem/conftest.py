"""Which sites, servers and stores do the tests of feeds of file systems share?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "sources" / "filesystem"))  # for scan_reading

from services.fixtures import postgresql  # noqa: F401
from services.mariadb import MariaDBMissing, running_mariadb
from services.storage_world import empty_storage_site, world  # noqa: F401


@pytest.fixture(scope="session")
def mariadb():
    try:
        with running_mariadb() as running:
            yield running
    except MariaDBMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["mariadb", "postgresql"])
def database_url(request):
    """An empty database of each kind."""
    return request.getfixturevalue(request.param).database()
