"""What people see on a terminal: sizes with units, no empty columns, and headings that can be read."""

from __future__ import annotations

from scan_reading import Entry

from meterhouse.reports.storage.amounts import with_unit

TOP = b"/lustre/s119/realdata/mdt0/projects/"
GIB = 2**30


def shown(world, *arguments: str) -> list[list[str]]:
    """The cells of a table's lines, without rulers."""
    lines = world.done("storage", *arguments).splitlines()
    return [line.split() for line in lines if line.strip() and "─" not in line]


def test_sizes_have_the_greatest_unit_of_which_there_is_one():
    assert [with_unit(one) for one in (0, 1023, 1024, 1536, 2**40 - 1, 5 * 2**40, 2**63)] == [
        "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1024.0 GiB", "5.0 TiB", "8.0 EiB",
    ]  # fmt: skip


def test_groups_and_projects_in_words(world):
    world.scan(
        "s119",
        "2024-01-05",
        Entry(TOP + b"p/a/x.bam", 3 * GIB, gid=7),
        Entry(TOP + b"p/y", 512, gid=7, inode=2),
    )
    world.quota("s119", "2024-01-05", hgi=2**32)
    asked = ("2024-01-05", "--volume", "s119")
    heading, row = shown(world, "groups", *asked)
    assert " ".join(heading) == "date volume group used quota consumption days since change own scanned at"
    assert row[:7] == ["2024-01-05", "s119", "hgi", "3.0", "GiB", "4.0", "TiB"]
    heading, whole, part = shown(world, "projects", *asked)
    assert " ".join(heading) == (
        "project directory volume files total bam cram vcf pedbed days since change group project total"
    )
    assert whole[:6] == ["projects/p", "*TOTAL*", "s119", "2", "3.0", "GiB"]
    assert part[:6] == ["projects/p", "a", "s119", "1", "3.0", "GiB"]
    world.done("storage", "decide", "s119", "projects/p", "a", "--status", "open")
    assert shown(world, "projects", *asked)[0][-1] == "status"


def test_what_is_asked_by_stands_above_it_and_amounts_have_their_unit(world):
    world.scan("s119", "2024-01-05", Entry(TOP + b"p/a/x.bam", 3 * GIB, gid=7))
    world.quota("s119", "2024-01-05", hgi=2**32)
    asked = ("2024-01-05", "--volume", "s119")
    assert shown(world, "cost", *asked, "--rate", "150", "--by", "class") == [
        ["volume", "class", "bytes", "rate", "cost", "per", "year"],
        ["s119", "bam", "3.0", "GiB", "150", "0.44"],
    ]
    assert shown(world, "forecast", *asked) == [
        ["volume", "group", "measure", "used", "quota", "points", "level"],
        ["s119", "hgi", "bytes", "3.0", "GiB", "4.0", "TiB", "1", "OK"],
        ["s119", "hgi", "inodes", "1", "1", "OK"],
    ]


def test_a_quota_may_name_a_group_by_its_id_where_nobody_knows_its_name(world):
    world.scan("s119", "2024-01-05", Entry(TOP + b"p/a", 3 * GIB, gid=555))
    world.quota("s119", "2024-01-05", **{"555": 2**22})
    (row,) = world.table("storage", "groups", "2024-01-05", "--volume", "s119")
    assert row["consumption"] == "0.0 TiB of 0.0 TiB (75.0%)"
    rows = world.table("storage", "forecast", "2024-01-05", "--volume", "s119")
    assert {row["measure"]: row["quota"] for row in rows} == {"bytes": str(4 * GIB), "inodes": ""}
