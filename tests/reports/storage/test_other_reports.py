"""Users, top directories, old data, forecasts and the cost of keeping, in numbers to add up by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from scan_reading import Entry

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.forecast import Trend, level_of
from services.storage_world import DAY, TIB, moment

NOON = moment("2024-01-05")
TOP = "/lustre/s119"


def file(path: str, size: int, gid: int = 7, uid: int = 10, age: int = 1, read: int = 1, **more) -> Entry:
    times = {"mtime": NOON - age * DAY, "atime": NOON - read * DAY}
    return Entry(path.encode(), size, gid=gid, uid=uid, **times, **more)


def rows(world, report, *arguments, day="2024-01-05", volume="s119"):
    return world.table("storage", report, day, "--volume", volume, *arguments)


def test_users_by_group_and_volume(world):
    world.scan(
        "s119",
        "2024-01-05",
        file(f"{TOP}/a", 100, inode=2, links=3, age=4),  # 33
        file(f"{TOP}/b", 1, age=2),
        file(f"{TOP}/c", 2, gid=8),
        file(f"{TOP}/d", 4, gid=8, uid=999, age=-1),
    )
    columns = ("user", "group", "used_bytes", "files", "last_modified")
    assert [tuple(row[name] for name in columns) for row in rows(world, "users")] == [
        ("999", "humgen", "4", "1", ""),
        ("ann", "hgi", "34", "2", "2024-01-03"),
        ("ann", "humgen", "2", "1", "2024-01-04"),
    ]


def test_users_as_the_replaced_pipeline_writes_them(world):
    world.scan("s118", "2024-01-05", file("/lustre/s118/a", 3 * 2**19, gid=8))
    world.scan("s119", "2024-01-05", file(f"{TOP}/a", 2**20, age=3), file(f"{TOP}/b", 2**21, gid=8, age=2))
    told = world.done("storage", "users", "2024-01-05", "--format", "tsv")
    assert told.splitlines() == [
        "Username\tData\tGroup\ts118\ts119",
        "ann\tsize\thgi\t-\t1.00",
        "ann\tmtime\thgi\t-\t2024-01-02",
        "ann\tsize\thumgen\t1.50\t2.00",
        "ann\tmtime\thumgen\t2024-01-04\t2024-01-03",
    ]


def test_top_directories_of_one_depth_hold_what_is_below(world):
    world.scan(
        "s119",
        "2024-01-05",
        file(f"{TOP}/a/x/deep/f", 10),
        file(f"{TOP}/a/f", 1, gid=8),
        file(f"{TOP}/b/f", 5),
        file(f"{TOP}/b/g", 4, uid=11),
    )
    told = [(row["directory"], row["bytes"], row["files"]) for row in rows(world, "top")]
    assert told == [(f"{TOP}/a", "11", "2"), (f"{TOP}/b", "9", "2")]
    assert [row["directory"] for row in rows(world, "top", "--depth", 2)] == [f"{TOP}/a/x"]
    assert [row["bytes"] for row in rows(world, "top", "--depth", 0)] == ["20"]
    bob = rows(world, "top", "--user", "bob")
    assert [(row["directory"], row["bytes"]) for row in bob] == [(f"{TOP}/b", "4")]
    hgi = rows(world, "top", "--group", "hgi", "--by", "files", "--limit", 1)
    assert [(row["directory"], row["files"]) for row in hgi] == [(f"{TOP}/b", "2")]
    with pytest.raises(QuestionError, match="by: expected one of bytes, files"):
        rows(world, "top", "--by", "name")


def test_old_data_by_last_reading_or_change(world):
    world.scan(
        "s119",
        "2024-01-05",
        file(f"{TOP}/a", 1, read=400, age=900),
        file(f"{TOP}/b", 2, read=10, age=500),
        file(f"{TOP}/c", 4, gid=8, read=364, age=364),
        file(f"{TOP}/d", 8, gid=8, read=365, age=365),
        file(f"{TOP}", 4096, type="d", read=999, age=999),
    )
    columns = ("what", "old_bytes", "old_files", "all_bytes")

    def told(*arguments):
        return [tuple(row[name] for name in columns) for row in rows(world, "old", *arguments)]

    assert told() == [("humgen", "8", "1", "12"), ("hgi", "1", "1", "3")]
    assert told("--since", "modification") == [("humgen", "8", "1", "12"), ("hgi", "3", "2", "3")]
    assert told("--days", 730, "--since", "modification", "--by", "user") == [("ann", "1", "1", "15")]
    with pytest.raises(QuestionError, match=r"days: expected one of 0, 30, 60, 180, 365, .*, found 100"):
        told("--days", 100)


def test_a_quota_is_full_where_the_line_through_the_last_three_scans_meets_it(world):
    for day, size, files in (("2024-01-01", 5000, 1), ("2024-01-03", 40, 1), ("2024-01-05", 90, 2)):
        world.scan("s119", day, *(file(f"{TOP}/{n}", size // files) for n in range(files)))
    world.scan("s119", "2024-01-07", file(f"{TOP}/0", 60), file(f"{TOP}/1", 50, gid=8))
    quota = world.folder / "quota.txt"
    quota.write_text(
        "Disk quotas for grp hgi (gid 7):\n"
        "     Filesystem    kbytes   quota   limit   grace   files   quota   limit   grace\n"
        "      /lustre/s119       1       0       1       -       1       0      10       -\n"
    )
    world.done("ingest", "quota", "--volume", "s119", "--scanned-at", "2024-01-02T00:00:00", quota)
    columns = ("group", "measure", "used", "quota", "points", "per_day", "full_on", "level")
    told = [tuple(row[name] for name in columns) for row in rows(world, "forecast", day="2024-01-07")]
    # hgi: 40 bytes on the 3rd, 60 on the 7th: 5 a day; 964 more take 192.8 days
    assert told == [
        ("hgi", "bytes", "60", "1024", "3", "5", "2024-07-18", "OK"),
        ("hgi", "inodes", "1", "10", "3", "0", "", "OK"),
        ("humgen", "bytes", "50", "", "3", "12", "", "OK"),
        ("humgen", "inodes", "1", "", "3", "0", "", "OK"),
    ]


@pytest.mark.parametrize(
    ("points", "per_day", "level"),
    [
        ([70, 0, 80], 1, "Not OK"),  # 83 in three days
        ([54, 0, 74], 2, "Kinda OK"),  # 80 in three days is not above 80; 88 in seven
        ([71, 99, 71], 0, "OK"),
        ([64, 0, 74], 1, "OK"),  # 77, 81
        ([90, 0, 80], -1, "OK"),
        ([81], 0, "Not OK"),  # no trend: as it is
        ([80], 0, "OK"),
        ([500, 54, 0, 74], 2, "Kinda OK"),  # only the last three
        ([64, 74], 2, "Kinda OK"),
    ],
)
def test_warning_levels(points, per_day, level):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    trend = Trend.through([(start + timedelta(days=5 * n), used) for n, used in enumerate(points)])
    assert trend.per_day == Fraction(per_day)
    assert level_of(trend, 100) == level
    assert level_of(trend, None) == level_of(trend, 0) == "OK"


def test_a_quota_that_is_exceeded_is_full_now_and_one_that_isnt_approached_never():
    at = datetime(2024, 1, 5, tzinfo=UTC)
    assert Trend(at, 101, Fraction(-1)).reaches(100) == at
    assert Trend(at, 99, Fraction(0)).reaches(100) is None
    assert Trend(at, 0, Fraction(1, 10**6)).reaches(100) is None  # in 270,000 years
    assert Trend(at, 90, Fraction(1, 2)).reaches(100) == at + timedelta(days=20)


def test_the_cost_of_keeping_is_bytes_times_rate(world):
    world.scan("s118", "2024-01-05", file("/lustre/s118/a.bam", TIB // 4))
    world.scan("s119", "2024-01-05", file(f"{TOP}/a.cram", TIB), file(f"{TOP}/b", TIB // 3, gid=8))

    def told(*arguments):
        columns = ("volume", "what", "rate", "cost_per_year")
        found = world.table("storage", "cost", "2024-01-05", *arguments)
        return [tuple(row[name] for name in columns) for row in found]

    assert told("--rate", "150", "--rate", "s118=75.50") == [
        ("s119", "hgi", "150", "150.00"),
        ("s119", "humgen", "150", "50.00"),
        ("s118", "hgi", "75.50", "18.88"),  # 18.875
    ]
    assert [one[1] for one in told("--rate", "1", "--by", "class")] == ["cram", "other", "bam"]
    with pytest.raises(QuestionError, match="rate: expected one for volume s119, found none"):
        told("--rate", "s118=1")
    with pytest.raises(QuestionError, match="a number from 0 on, found 's118=-1'"):
        told("--rate", "s118=-1")
