"""How does a test get scans and quotas into a site? With the commands, as people do."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from scan_reading import Entry, lines

from meterhouse.cli.main import app
from services.invoked import CliRunner
from strategies.sites import made_site

SETTINGS = """
[site]
name = "test"
[warehouse]
threads = 1

[[resources]]
name = "lustre"
kind = "filesystem"

[[volumes]]
name = "s118"
resource = "lustre"
path = "/lustre/s118"
group_file = "group"
passwd_file = "passwd"
[[volumes.roots]]
path = "/lustre/s118/projects"

[[volumes]]
name = "s119"
resource = "lustre"
path = "/lustre/s119"
group_file = "group"
passwd_file = "passwd"
[[volumes.roots]]
path = "/lustre/s119/realdata/mdt[0-9]/teams"
shown_as = "/lustre/s119/teams"
[[volumes.roots]]
path = "/lustre/s119/realdata/mdt[0-9]/projects"
shown_as = "/lustre/s119/projects"
"""
TIB = 2**40
DAY = 86_400


def moment(day: str) -> int:
    """Noon of a day in UTC, when scans are made here."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp())


class World:
    """A site, and the commands that are run on it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder

    def run(self, *arguments: object) -> Result:
        return CliRunner().invoke(
            app, ["--site", str(self.path), *map(str, arguments)], catch_exceptions=False
        )

    def done(self, *arguments: object) -> str:
        """What a command printed that succeeded."""
        told = self.run(*arguments)
        assert told.exit_code == 0, told.output
        return told.stdout

    def scan(self, volume: str, day: str, *entries: Entry | bytes) -> None:
        """Take in a scan of a volume, made at noon of a day."""
        path = self.folder / f"{day}-{volume}-{len(list(self.folder.iterdir()))}.dat"
        path.write_bytes(lines(*entries))
        self.done("ingest", "scan", "--volume", volume, "--scanned-at", f"{day}T12:00:00", path)

    def quota(self, volume: str, day: str, **limits: int) -> None:
        """Take in quotas of groups in KiB."""
        path = self.folder / f"quota-{len(list(self.folder.iterdir()))}.csv"
        path.write_text("".join(f"{group},{kib}\n" for group, kib in limits.items()))
        self.done("ingest", "quota", "--volume", volume, "--scanned-at", f"{day}T00:00:00", path)

    def groups(self, text: str) -> Path:
        """A CSV file of groups."""
        path = self.folder / "groups.csv"
        path.write_text(text)
        return path

    def table(self, *arguments: object) -> list[dict[str, str]]:
        """The rows that a command prints as CSV."""
        return list(csv.DictReader(io.StringIO(self.done(*arguments, "--format", "csv"))))


@pytest.fixture(scope="session")
def empty_storage_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: people and groups do not change."""
    path = tmp_path_factory.mktemp("site") / "site"
    made_site(path, SETTINGS).close()
    (path / "group").write_text("hgi:x:7:\nhumgen:x:8:\nleft:x:9:\n")
    (path / "passwd").write_text("ann:x:10:7::/:\nbob:x:11:8::/:\n")
    return path


@pytest.fixture
def world(tmp_path: Path, empty_storage_site: Path) -> World:
    """A site with volumes s118 and s119, of which nothing was scanned yet."""
    return World(Path(shutil.copytree(empty_storage_site, tmp_path / "site")), tmp_path)
