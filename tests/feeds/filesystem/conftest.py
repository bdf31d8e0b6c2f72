"""Which sites, servers and stores do the tests of feeds of file systems share?"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
sys.path[:0] = [
    *(str(Path(__file__).parent), str(TESTS), str(TESTS / "reports" / "storage")),
    str(TESTS / "sources" / "filesystem"),
]

from storage_world import SETTINGS, World  # noqa: E402

from meterhouse.site import Site  # noqa: E402
from services.mariadb import MariaDBMissing, running_mariadb  # noqa: E402
from services.postgresql import PostgreSQLMissing, running_postgresql  # noqa: E402


@pytest.fixture(scope="session")
def empty_storage_site(tmp_path_factory):
    """Made once: migrating a register takes longer than a test."""
    path = tmp_path_factory.mktemp("site") / "site"
    Site.init(path, settings_text=SETTINGS).close()
    (path / "group").write_text("hgi:x:7:\nhumgen:x:8:\nleft:x:9:\n")
    (path / "passwd").write_text("ann:x:10:7::/:\nbob:x:11:8::/:\n")
    return path


@pytest.fixture
def world(tmp_path, empty_storage_site):
    """A site with volumes s118 and s119, of which nothing was scanned yet."""
    return World(Path(shutil.copytree(empty_storage_site, tmp_path / "site")), tmp_path)


@pytest.fixture(scope="session")
def mariadb():
    try:
        with running_mariadb() as running:
            yield running
    except MariaDBMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgresql():
    try:
        with running_postgresql() as running:
            yield running
    except PostgreSQLMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["mariadb", "postgresql"])
def database_url(request):
    """An empty database of each kind."""
    return request.getfixturevalue(request.param).database()
