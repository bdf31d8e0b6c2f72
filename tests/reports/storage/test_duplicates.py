"""Which files may be there twice? Those of one size that are different inodes."""

from __future__ import annotations

import pytest
from scan_reading import Entry

from meterhouse.errors import QuestionError

TOP = b"/lustre/s119/"
MIB = 2**20


@pytest.fixture
def keeping(world):
    """A site that keeps the entries of scans."""
    settings = world.path / "meterhouse.toml"
    settings.write_text(
        settings.read_text().replace('group_file = "group"', 'group_file = "group"\nentries = true')
    )
    return world


def file(name: bytes, size: int, inode: int, **more) -> Entry:
    return Entry(TOP + name, size, **({"gid": 7} | more), inode=inode)


def found(world, *options):
    rows = world.table("storage", "duplicates", "2024-01-05", "--volume", "s119", *options)
    return [
        (int(row["set"]), int(row["size"]), int(row["copies"]), int(row["spare_bytes"]), row["path"])
        for row in rows
    ]


ENTRIES = (
    file(b"a/x.bam", 300 * MIB, 1),
    file(b"b/x.bam", 300 * MIB, 2, gid=8, uid=11),
    file(b"b/hard", 300 * MIB, 2, gid=8, uid=11, links=2),  # of the inode above
    file(b"c/other.bam", 300 * MIB, 3),
    file(b"c/once", 400 * MIB, 4),
    file(b"c/y", 500 * MIB, 5),
    file(b"d/y", 500 * MIB, 6, uid=999),
    file(b"d/small", 1000, 7),
    file(b"e/small", 1000, 8),
    file(b"e/gone", 500 * MIB, 9, links=0),
    Entry(TOP + b"e/link", 500 * MIB, type="l", inode=10),
)


def test_files_of_one_size_are_a_set_and_hard_links_one_file(keeping):
    keeping.scan("s119", "2024-01-05", *ENTRIES)
    top = "/lustre/s119/"
    assert found(keeping) == [
        (1, 300 * MIB, 3, 600 * MIB, f"{top}a/x.bam"),
        (1, 300 * MIB, 3, 600 * MIB, f"{top}b/hard"),  # the first of its names
        (1, 300 * MIB, 3, 600 * MIB, f"{top}c/other.bam"),
        (2, 500 * MIB, 2, 500 * MIB, f"{top}c/y"),
        (2, 500 * MIB, 2, 500 * MIB, f"{top}d/y"),
    ]
    assert [row[:4] for row in found(keeping, "--names", "1", "--limit", "1")] == [
        (1, 300 * MIB, 3, 600 * MIB)
    ]
    assert {row[1] for row in found(keeping, "--min-size", "1k")} == {300 * MIB, 500 * MIB}
    assert {row[1] for row in found(keeping, "--min-size", "1000")} == {300 * MIB, 500 * MIB, 1000}
    assert found(keeping, "--min-size", "1G") == []


def test_a_set_may_be_of_one_name_or_of_one_owner(keeping):
    keeping.scan("s119", "2024-01-05", *ENTRIES)
    assert {row[4].rpartition("/")[2] for row in found(keeping, "--same-name")} == {"y"}
    assert {row[4][-3:] for row in found(keeping, "--group", "hgi")} == {"bam", "c/y", "d/y"}
    assert found(keeping, "--group", "hgi", "--user", "ann") == [
        (1, 300 * MIB, 2, 300 * MIB, "/lustre/s119/a/x.bam"),
        (1, 300 * MIB, 2, 300 * MIB, "/lustre/s119/c/other.bam"),
    ]


def test_a_scan_without_its_entries_cant_tell(world):
    world.scan("s119", "2024-01-05", *ENTRIES)
    with pytest.raises(QuestionError, match="set entries = true"):
        world.run("storage", "duplicates", "2024-01-05", "--volume", "s119")
