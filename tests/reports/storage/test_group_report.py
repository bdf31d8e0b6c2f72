"""What each group keeps: used, quota, consumption, age, archived directories, known or not."""

from __future__ import annotations

import gzip

import pytest
from scan_reading import Entry, lines

from meterhouse.errors import ConfigurationError, QuestionError
from meterhouse.reports.storage.kept_groups import ReportExists
from services.storage_world import DAY, TIB, moment

NOON = moment("2024-01-05")
TOP = "/lustre/s119/realdata"
GROUPS = "group,pi,gid\nhgi,Smith,7\nhumgen,Durbin,\n"


def file(path: str, size: int, gid: int = 7, age: int = 1, **more) -> Entry:
    """A file that was modified `age` days before the scan."""
    return Entry(path.encode(), size, gid=gid, mtime=NOON - age * DAY, **more)


def report(world, *arguments, day="2024-01-05"):
    return world.table("storage", "groups", day, "--volume", "s119", *arguments)


def by_group(rows, *columns):
    return {row["group"]: tuple(row[name] for name in columns) for row in rows}


def test_the_report_has_the_columns_of_the_replaced_pipeline(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", TIB * 3 // 2), file(f"{TOP}/b", 100 * 2**20, 9, age=40))
    world.quota("s119", "2024-01-04", hgi=3 * 2**30)
    told = world.done(
        *("storage", "groups", "2024-01-05", "--volume", "s119", "--format", "tsv"),
        *("--groups", world.groups(GROUPS)),
    )
    assert told.splitlines() == [
        "Lustre Volume\tPI\tUnix Group\tUsed (bytes)\tQuota (bytes)\tConsumption"
        "\tLast Modified (days)\tArchived Directories\tIs Humgen?",
        "s119\tSmith\thgi\t1649267441664\t3298534883328\t1.5 TiB of 3.0 TiB (50.0%)\t1.0\t-\tTrue",
        "s119\t-\tleft\t104857600\t-\t0.0 TiB\t40.0\t-\tFalse",
    ]


def test_sizes_are_divided_among_hard_links_and_directories_count_too(world):
    world.scan(
        "s119",
        "2024-01-05",
        file(TOP, 4096, type="d", links=2),  # 2048
        file(f"{TOP}/a", 100, inode=2, links=3),  # 33 each
        file(f"{TOP}/b", 100, inode=2, links=3),
        file(f"{TOP}/gone", 10**9, links=0),
    )
    assert by_group(report(world), "used_bytes") == {"hgi": (str(2048 + 33 + 33),)}
    assert by_group(report(world, "--bytes", "apparent", "--replace"), "used_bytes") == {"hgi": ("4196",)}
    with pytest.raises(
        QuestionError, match="expected scans that tell what is allocated, found others of s119"
    ):
        report(world, "--bytes", "allocated", "--replace")


def test_quotas_in_words(world):
    groups = "hgi", "humgen", "left"
    world.scan(
        "s119", "2024-01-05", *(file(f"{TOP}/{name}", TIB, gid) for gid, name in enumerate(groups, start=7))
    )
    world.quota("s119", "2024-01-01", hgi=9 * 2**30, humgen=0)
    world.quota("s119", "2024-01-03", hgi=4 * 2**30)
    world.quota("s119", "2024-01-06", hgi=1)  # after the day of the report
    world.quota("s118", "2024-01-04", left=2**30)  # another volume
    assert by_group(report(world), "quota_bytes", "consumption") == {
        "hgi": (str(4 * TIB), "1.0 TiB of 4.0 TiB (25.0%)"),
        "humgen": ("0", "1.0 TiB (Unlimited)"),
        "left": ("", "1.0 TiB"),
    }


def test_the_newest_change_counts_and_a_time_in_the_future_doesnt(world):
    world.scan(
        "s119",
        "2024-01-05",
        file(f"{TOP}/old", 1, age=30),
        Entry(f"{TOP}/newer".encode(), 1, gid=7, mtime=NOON - 5 * DAY // 2),
        file(f"{TOP}/tomorrow", 1, age=-1),
        file(f"{TOP}/never", 1, gid=9, age=-1),
    )
    found = by_group(report(world), "last_modified_days", "used_bytes")
    assert found == {"hgi": ("2.5", "3"), "left": ("", "1")}


def test_groups_that_nobody_knows_are_shown_by_name_or_id(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1, 7), file(f"{TOP}/b", 2, 9), file(f"{TOP}/c", 4, 555))
    found = report(world, "--groups", world.groups(GROUPS))
    assert by_group(found, "pi", "is_own", "used_bytes") == {
        "hgi": ("Smith", "true", "1"),
        "left": ("", "false", "2"),
        "555": ("", "false", "4"),
    }


def test_groups_stand_in_the_directory_with_their_pi(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1, 7), file(f"{TOP}/b", 2, 9))
    people = world.folder / "people.toml"
    people.write_text(
        """
[[people]]
username = "asmith"
first_name = "Ann"
last_name = "Smith"
[[projects]]
code = "hgi"
[[members]]
project = "hgi"
person = "asmith"
leader = true
[[references]]
project = "hgi"
resource = "lustre"
kind = "unix_group"
ref = "hgi"
"""
    )
    world.done("directory", "load", people, "--ever")
    assert by_group(report(world), "pi", "is_own") == {"hgi": ("Smith", "true"), "left": ("", "false")}


@pytest.mark.parametrize(
    ("marker", "used", "found"),
    [
        (file(f"{TOP}/mdt1/teams/hgi/.imirrored", 0), 0, f"{TOP}/mdt1/teams/hgi"),
        (file(f"{TOP}/mdt1/projects/hgi/.imirrored", 0, type="d"), 0, f"{TOP}/mdt1/projects/hgi"),
        (file(f"{TOP}/mdt1/teams/hgi/sub/.imirrored", 0), 0, ""),  # not right in it
        (file(f"{TOP}/mdt1/teams/humgen/.imirrored", 0), 0, ""),  # another group's
        (file(f"{TOP}/mdt1/teams/hgi/.imirrored", 0), 100 * 2**20 - 1, f"{TOP}/mdt1/teams/hgi"),
        (file(f"{TOP}/mdt1/teams/hgi/.imirrored", 0), 100 * 2**20, ""),  # has data yet
    ],
)
def test_a_group_with_hardly_any_data_may_have_archived_it(world, marker, used, found):
    world.scan("s119", "2024-01-05", marker, file(f"{TOP}/data", used))
    assert by_group(report(world), "archived_directory") == {"hgi": (found,)}


def test_teams_come_before_projects(world):
    both = [file(f"{TOP}/mdt0/{where}/hgi/.imirrored", 0) for where in ("projects", "teams")]
    world.scan("s119", "2024-01-05", *both)
    assert by_group(report(world), "archived_directory") == {"hgi": (f"{TOP}/mdt0/teams/hgi",)}


def test_the_newest_complete_scan_of_the_last_days_is_taken(world):
    world.scan("s119", "2024-01-01", file(f"{TOP}/a", 1))
    world.scan("s119", "2024-01-03", file(f"{TOP}/a", 2))
    world.scan("s119", "2024-01-06", file(f"{TOP}/a", 4))
    broken = world.folder / "20240105_s119.gz"
    broken.write_bytes(gzip.compress(lines(file(f"{TOP}/a", 8)) * 1000)[:-20])
    assert world.run("ingest", "scan", "--volume", "s119", broken).exit_code == 3
    assert by_group(report(world, day="2024-01-05"), "used_bytes") == {"hgi": ("2",)}
    assert by_group(report(world, day="2024-01-12"), "used_bytes") == {"hgi": ("4",)}
    assert by_group(report(world, "--within", 9, day="2024-01-14"), "used_bytes") == {"hgi": ("4",)}
    with pytest.raises(QuestionError, match="s119: expected a complete scan from 2024-01-08 to 2024-01-15"):
        report(world, "--within", 8, day="2024-01-15")


def test_a_volume_without_a_scan_is_no_empty_volume(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1))
    with pytest.raises(QuestionError, match=r"volume s118: expected a complete scan .*--partial"):
        world.run("storage", "groups", "2024-01-05")
    rows = world.table("storage", "groups", "2024-01-05", "--partial")
    assert [row["volume"] for row in rows] == ["s119"]


def test_a_scan_that_was_read_again_counts_once_as_read_last(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1))
    (world.path / "group").write_text("renamed:x:7:\n")
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1))
    assert by_group(report(world), "used_bytes") == {"renamed": ("1",)}


def test_a_report_of_a_date_is_made_once_unless_replaced_and_others_are_kept(world):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1), file(f"{TOP}/b", 1, 9))
    assert len(report(world)) == 2
    world.scan("s119", "2024-01-06", file(f"{TOP}/a", 5))
    with pytest.raises(ReportExists, match="group report of 2024-01-05: expected none yet, found s119"):
        report(world)
    assert by_group(report(world, day="2024-01-06"), "used_bytes") == {"hgi": ("5",)}
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 7))
    assert by_group(report(world, "--show"), "used_bytes") == {"hgi": ("1",), "left": ("1",)}
    assert by_group(report(world, "--replace"), "used_bytes") == {"hgi": ("7",)}
    assert by_group(report(world, "--show"), "used_bytes") == {"hgi": ("7",)}
    assert by_group(report(world, "--show", day="2024-01-06"), "used_bytes") == {"hgi": ("5",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group,gid\nhgi,7\n", "line 1: expected the columns group and pi, found group, gid"),
        ("group,pi\nhgi,A\nhgi,B\n", "line 3, group: expected a name that stands there once, found 'hgi'"),
        ("group,pi,gid\nhgi,A,x\n", "line 2, gid: expected a number, found 'x'"),
    ],
)
def test_mistakes_in_the_file_of_groups_are_named(world, text, message):
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 1))
    with pytest.raises(ConfigurationError, match=message):
        report(world, "--groups", world.groups(text))
