"""Where is all that somebody keeps? In the deepest directory that has all of it."""

from __future__ import annotations

import pytest
from scan_reading import Entry

from meterhouse.errors import QuestionError

TOP = b"/lustre/s119"
ENTRIES = (
    Entry(TOP, 4096, type="d", gid=0, uid=0),
    Entry(TOP + b"/p1/run/a", 1, gid=7, uid=10, inode=1),
    Entry(TOP + b"/p1/run/deep/b", 2, gid=7, uid=11, inode=2),
    Entry(TOP + b"/p2/x/y/c", 4, gid=8, uid=10, inode=3),
    Entry(TOP + b"/p2/x/y/again", 4, gid=8, uid=10, inode=3, links=2),
    Entry(TOP + b"/p2/x/z", 8, type="l", gid=8, uid=10, inode=4),
    Entry(TOP + b"/p1/other/d", 16, gid=8, uid=10, inode=5),
)


def bases(world, *options):
    rows = world.table("storage", "basedirs", "2024-01-05", "--volume", "s119", *options)
    return [(row["owner"], row["directory"], int(row["bytes"]), int(row["files"])) for row in rows]


def test_the_deepest_directory_that_holds_all_of_a_group(world):
    world.scan("s119", "2024-01-05", *ENTRIES)
    top = "/lustre/s119"
    assert bases(world) == [
        ("0", top, 4096, 0),  # the top belongs to somebody, too
        ("hgi", f"{top}/p1/run", 3, 2),
        ("humgen", top, 4 + 2 + 8 + 16, 3),
    ]
    assert bases(world, "--by", "user") == [
        ("0", top, 4096, 0),
        ("ann", top, 31, 4),
        ("bob", f"{top}/p1/run/deep", 2, 1),
    ]


def test_each_area_has_a_base_directory_of_its_own(world):
    world.scan("s119", "2024-01-05", *ENTRIES)
    top = "/lustre/s119"
    assert bases(world, "--split", "1") == [
        ("hgi", f"{top}/p1/run", 3, 2),
        ("humgen", f"{top}/p1/other", 16, 1),
        ("humgen", f"{top}/p2/x", 14, 2),  # the link is the group's, too
    ]


def test_directories_must_have_been_kept(world):
    settings = world.path / "meterhouse.toml"
    settings.write_text(settings.read_text().replace("group_file", "directories = false\ngroup_file"))
    world.scan("s119", "2024-01-05", *ENTRIES)
    with pytest.raises(QuestionError, match="expected a scan with its directories"):
        world.run("storage", "basedirs", "2024-01-05", "--volume", "s119")
