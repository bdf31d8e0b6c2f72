"""Scans and quotas on the command line: what lands, what doesn't, and what a killed reading leaves."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys

import pytest
from scan_reading import Entry, lines

from meterhouse.cli.main import app
from meterhouse.site import Site
from services.invoked import CliRunner

SETTINGS = """
[site]
name = "test"

[[resources]]
name = "lustre"
kind = "filesystem"

[[volumes]]
name = "s119"
resource = "lustre"
path = "/l/s"
group_file = "group"
[[volumes.roots]]
path = "/l/s/mdt[0-9]/projects"
shown_as = "/l/s/projects"
"""
SCAN = lines(
    Entry(b"/l/s", 4096, type="d"),
    Entry(b"/l/s/mdt0/projects/p/sub/deeper/f.bam", 1000, gid=7),
    Entry(b"/l/s/mdt0/projects/p/sub/users/u/g.bam", 100, gid=7),
)


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory):
    """Made once: migrating a register takes longer than a test."""
    path = tmp_path_factory.mktemp("site") / "site"
    Site.init(path, settings_text=SETTINGS).close()
    (path / "group").write_text("hgi:x:7:\n")
    return path


@pytest.fixture
def site(tmp_path, empty_site):
    return shutil.copytree(empty_site, tmp_path / "site")


def run(site, *arguments):
    return CliRunner().invoke(app, ["--site", str(site), *map(str, arguments)], catch_exceptions=False)


def rows(site, table, columns):
    with Site.open(site) as opened, opened.engine() as engine:
        view = opened.warehouse.view()
        files = [str(one.path) for one in view.files(table)]
        if not files:
            return []
        listed = ", ".join(f"'{one}'" for one in files)
        found = engine.query(f"SELECT {columns} FROM read_parquet([{listed}]) ORDER BY ALL")
        return [tuple(row.values()) for row in found.to_pylist()]


def test_a_scan_lands_once_and_as_the_settings_say(site, tmp_path):
    (tmp_path / "20240101_s119.gz").write_bytes(gzip.compress(SCAN))
    told = run(site, "ingest", "scan", "--volume", "s119", tmp_path / "20240101_s119.gz")
    assert told.exit_code == 0, told.output
    assert "ok, mpistat (11 columns), scanned 2024-01-01T23:59:59Z (file name): 3 lines, 0 bad" in told.output
    assert rows(site, "filesystem_usage", "directory, group_name, apparent_bytes") == [
        ("/l/s", None, 4096),
        ("/l/s/mdt0/projects/p/sub", "hgi", 1100),  # one row: class and ages are the same
    ]
    again = run(site, "ingest", "scan", "--volume", "s119", tmp_path / "20240101_s119.gz")
    assert "already there" in again.output
    assert len(rows(site, "filesystem_scan", "volume")) == 1


def test_of_an_incomplete_scan_only_that_fact_lands(site, tmp_path):
    path = tmp_path / "20240101_s119.gz"
    path.write_bytes(gzip.compress(SCAN * 5000)[:-20])
    told = run(site, "ingest", "scan", "--volume", "s119", path)
    assert told.exit_code == 3
    assert "the gzip stream ends too early; nothing of it is published" in told.output
    assert rows(site, "filesystem_usage", "1") == []
    assert rows(site, "filesystem_scan", "complete, reason") == [(False, "the gzip stream ends too early")]
    with Site.open(site) as opened:
        assert [one.outcome for one in opened.warehouse.view().coverage()] == ["failed"]


def test_bad_lines_are_reported_and_no_failure(site, tmp_path):
    (tmp_path / "scan").write_bytes(SCAN + b"broken\n")
    told = run(site, "ingest", "scan", "--volume", "s119", tmp_path / "scan")
    assert told.exit_code == 0
    assert "4 lines, 1 bad" in told.output
    assert "record 4, field path: expected base64" in told.output


def test_quotas_land(site, tmp_path):
    (tmp_path / "quota").write_text("hgi,100\n")
    told = run(site, "ingest", "quota", "--volume", "s119", tmp_path / "quota")
    assert told.exit_code == 0, told.output
    assert rows(site, "filesystem_quota", "volume, owner_name, hard_bytes") == [("s119", "hgi", 102_400)]


def test_a_scan_of_this_machine_lands(site, tmp_path):
    tree = tmp_path / "tree" / "sub"
    tree.mkdir(parents=True)
    (tree / "a.bam").write_bytes(b"x" * 10)
    told = run(site, "scan", tmp_path / "tree", "--volume", "here", "--resource", "lustre")
    assert told.exit_code == 0, told.output
    assert rows(site, "filesystem_scan", "volume, files, directories, unreadable") == [("here", 1, 2, 0)]


def test_volume_and_resource_must_fit(site, tmp_path):
    (tmp_path / "scan").write_bytes(SCAN)
    for arguments, message in (
        (["scan"], "expected --volume NAME"),
        (["scan", "--volume", "new"], "expected --resource NAME"),
        (["scan", "--volume", "s119", "-r", "other"], "expected resource lustre"),
        (["scan", "--volume", "s119", "--scanned-at", "noon"], "expected a moment"),
    ):
        with pytest.raises(Exception, match=message):
            run(site, "ingest", *arguments, tmp_path / "scan")


_KILLED = """
import os, signal, sys
from meterhouse.cli.main import app
from meterhouse.sources.filesystem import scan_pass
from meterhouse.warehouse import landing
taken = landing._BatchBeingWritten.take
def take(batch, part):
    taken(batch, part)
    if getattr(part, "table", "") == "filesystem_usage":
        os.kill(os.getpid(), signal.SIGKILL)
landing._BatchBeingWritten.take = take
app(sys.argv[1:])
"""


def test_a_killed_reading_publishes_nothing_and_the_next_has_it_all(site, tmp_path):
    scan = tmp_path / "20240101_s119.gz"
    scan.write_bytes(gzip.compress(SCAN))
    command = ["--site", str(site), "ingest", "scan", "--volume", "s119", str(scan)]
    killed = subprocess.run([sys.executable, "-c", _KILLED, *command], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    assert rows(site, "filesystem_usage", "1") == []
    assert rows(site, "filesystem_directory", "1") == []
    assert run(site, *command[2:]).exit_code == 0
    assert rows(site, "filesystem_usage", "sum(apparent_bytes)") == [(5196,)]
