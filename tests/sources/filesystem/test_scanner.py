"""The own scanner: everything below a directory, what it can't read, and going on after it was killed."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scan_reading import read_files

from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.path_text import path_of_text
from meterhouse.sources.filesystem.scanner import quoted, scan, unquoted
from meterhouse.sources.filesystem.scans import ScannedVolume


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    for number in range(40):
        folder = top / f"d{number % 4}" / f"e{number}"
        folder.mkdir(parents=True)
        for name in range(5):
            (folder / f"f{name}.bam").write_bytes(b"x" * (number + name))
    os.link(top / "d0" / "e0" / "f1.bam", top / "linked")
    (top / "link").symlink_to("d1")
    os.mkfifo(top / "pipe")
    Path(os.fsdecode(os.fsencode(top) + b'/odd\xff\n"\\name')).write_bytes(b"odd")
    return top


def rows_of(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        return sorted(file.read().splitlines())


def test_a_scan_says_what_lstat_says_of_every_entry(tree, tmp_path):
    result = scan(tree, tmp_path / "s.gz")
    expected = {os.fsencode(tree)}
    for folder, folders, files in os.walk(os.fsencode(tree)):
        expected |= {os.path.join(folder, name) for name in [*folders, *files]}
    scanned = read_files([result.path], ScannedVolume("v", entries=True), scanned_at=None)
    assert scanned.rejections == []
    found = {path_of_text(row["path"]): row for row in scanned.rows["filesystem_entry"]}
    assert set(found) == expected
    assert result.entries == len(expected)
    for path, row in found.items():
        status = os.lstat(path)
        assert (row["size"], row["allocated"]) == (status.st_size, status.st_blocks * 512)
        assert (row["uid"], row["gid"]) == (status.st_uid, status.st_gid)
        assert (row["inode"], row["links"]) == (status.st_ino, status.st_nlink)
        assert row["modified_at"] == int(status.st_mtime)
    assert {row["type"] for row in found.values()} == {"f", "d", "l", "F"}
    assert scanned.total("others") == 2


def test_what_can_not_be_read_is_named_and_counted(tree, tmp_path, monkeypatch):
    refused = os.fsencode(tree / "d1" / "e1")
    real = os.scandir

    def scandir(path):
        if path == refused:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("meterhouse.sources.filesystem.scanner.os.scandir", scandir)
    result = scan(tree, tmp_path / "s.gz")
    assert [str(one) for one in result.unreadable] == [f"{tree}/d1/e1: Permission denied"]
    assert (tmp_path / "s.gz.unreadable").read_text() == f"{tree}/d1/e1: Permission denied\n"
    assert len(rows_of(result.path)) == result.entries
    scanned = read_files([result.path], unreadable=len(result.unreadable))
    assert scanned.scan["unreadable"] == 1


def test_symbolic_links_are_not_followed_and_a_file_is_no_tree(tree, tmp_path):
    assert not [row for row in rows_of(scan(tree, tmp_path / "s.gz").path) if b"/link/" in row]
    with pytest.raises(MeterhouseError, match="expected a directory"):
        scan(tree / "linked", tmp_path / "t.gz")
    with pytest.raises(MeterhouseError, match="No such file"):
        scan(tree / "nowhere", tmp_path / "t.gz")


_KILLED = """
import os, signal, sys
from pathlib import Path
from meterhouse.sources.filesystem import scanner
left = int(sys.argv[3])
def on_chunk(entries):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
scanner.scan(sys.argv[1], Path(sys.argv[2]), threads=3, chunk_bytes=2000, on_chunk=on_chunk)
"""


@pytest.mark.parametrize("after", [1, 2, 5, 9])
def test_a_killed_scan_publishes_nothing_and_the_next_goes_on(tree, tmp_path, after):
    target = tmp_path / "s.gz"
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tree), str(target), str(after)], check=False)
    assert killed.returncode == -9
    assert not target.exists()
    resumed = scan(tree, target, chunk_bytes=2000)
    assert resumed.resumed
    # Access times of directories move when they are listed again.
    without_times = [
        [row.split(b"\t")[n] for n in (0, 1, 2, 3, 5, 7, 8, 9, 10, 11)] for row in rows_of(target)
    ]
    whole = scan(tree, tmp_path / "whole.gz")
    assert without_times == [
        [row.split(b"\t")[n] for n in (0, 1, 2, 3, 5, 7, 8, 9, 10, 11)] for row in rows_of(whole.path)
    ]
    assert resumed.entries == whole.entries
    assert list(tmp_path.glob("*.partial")) == []


def test_what_was_left_of_a_scan_of_another_directory_is_not_taken(tree, tmp_path):
    target = tmp_path / "s.gz"
    subprocess.run([sys.executable, "-c", _KILLED, str(tree), str(target), "2"], check=False)
    with pytest.raises(MeterhouseError, match="belongs to a scan of another directory"):
        scan(tree / "d0", target)


@pytest.mark.parametrize("path", [b"/a b", b'/"\\', b"/\xff\x01\n", "/é".encode()])
def test_a_quoted_path_comes_back(path):
    assert unquoted(quoted(path)) == path
