"""What counts how in a scan: each rule on a few lines, with numbers that a person can add up."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from scan_reading import DAY, NOW, Entry, lines, mpistat, read, read_files, taken_apart

from meterhouse.sources.filesystem.scans import IncompleteScan, ScannedVolume

TOP = ScannedVolume("v1", "/l/s", 2)


def test_a_hard_linked_file_counts_once_and_its_names_share_it(tmp_path):
    scanned = read(
        tmp_path,
        lines(
            Entry(b"/l/s/a/one", 1000, gid=7, inode=5, links=3),
            Entry(b"/l/s/b/two", 1000, gid=7, inode=5, links=3),
            Entry(b"/l/s/c/three", 1000, gid=7, inode=5, links=3),
            Entry(b"/l/s/c/other", 10, gid=7, inode=6),
        ),
    )
    group = scanned.usage("gid")[7]
    assert group["apparent_bytes"] == 1010  # 1000 once, 10
    assert group["shared_bytes"] == 333 + 333 + 333 + 10
    assert group["repeated_bytes"] == 2000
    assert (group["files"], group["inodes"]) == (4, 2)


def test_an_inode_of_another_device_is_another_file(tmp_path):
    scanned = read(
        tmp_path,
        lines(
            Entry(b"/a", 8, inode=5, links=2, device=1),
            Entry(b"/b", 8, inode=5, links=2, device=2),
        ),
    )
    assert scanned.total("apparent_bytes") == 16


def test_an_inode_number_is_free_for_another_file_when_all_its_names_were_seen(tmp_path):
    one = [Entry(b"/a%d" % n, 100, inode=5, links=2) for n in range(2)]
    other = [Entry(b"/b%d" % n, 7, inode=5, links=2) for n in range(2)]
    assert read(tmp_path, lines(*one, *other)).total("apparent_bytes") == 107


def test_a_directory_is_never_a_hard_link_but_shares_like_the_replaced_pipeline(tmp_path):
    scanned = read(tmp_path, lines(Entry(b"/l", 4096, type="d", links=4, inode=9)))
    row = scanned.usage("file_class")["directory"]
    assert (row["apparent_bytes"], row["shared_bytes"], row["directories"]) == (4096, 1024, 1)


def test_a_name_without_links_is_being_deleted_and_counts_nowhere(tmp_path):
    scanned = read(tmp_path, lines(Entry(b"/a", 50, links=0), Entry(b"/b", 7)))
    assert (scanned.total("apparent_bytes"), scanned.total("files")) == (7, 1)
    assert (scanned.scan["unlinked"], scanned.scan["lines"]) == (1, 2)


def test_times_in_the_future_are_ignored_and_counted(tmp_path):
    scanned = read(
        tmp_path,
        lines(
            Entry(b"/a", atime=NOW + 1, mtime=NOW + 400 * DAY),
            Entry(b"/b", atime=NOW - 31 * DAY, mtime=NOW - 400 * DAY),
        ),
    )
    (row,) = scanned.usage().values()
    assert row["newest_modification"] == datetime.fromtimestamp(NOW - 400 * DAY, UTC)
    assert row["oldest_access"] == datetime.fromtimestamp(NOW - 31 * DAY, UTC)
    assert (scanned.scan["future_accesses"], scanned.scan["future_modifications"]) == (1, 1)
    assert set(scanned.usage("access_age_days", "modification_age_days")) == {(None, None), (30, 365)}


def test_times_before_1970_are_ignored_and_counted(tmp_path):
    scanned = read(tmp_path, lines(Entry(b"/a", atime=-1, mtime=-(2**40)), Entry(b"/b", atime=0, mtime=0)))
    (row,) = scanned.usage().values()
    assert row["oldest_access"] == row["newest_modification"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert scanned.scan["early_times"] == 2


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        *[(0, 0), (30 * DAY - 1, 0), (30 * DAY, 30), (59 * DAY, 30), (60 * DAY, 60), (180 * DAY, 180)],
        *[(365 * DAY, 365), (730 * DAY, 730), (1095 * DAY, 1095), (1825 * DAY, 1825), (9000 * DAY, 2555)],
    ],
)
def test_an_age_bucket_begins_with_its_day(tmp_path, age, bucket):
    scanned = read(tmp_path, lines(Entry(b"/a", mtime=NOW - age)))
    assert list(scanned.usage("modification_age_days")) == [bucket]


@pytest.mark.parametrize(
    ("name", "file_class"),
    [
        ("a.bam", "bam"),
        ("A.SAM.GZ", "bam"),
        ("a.cram", "cram"),
        ("a.gvcf.gz", "vcf"),
        ("a.ped", "pedbed"),
        ("a.fq.gz", "fastq"),
        ("a.fa", "fasta"),
        ("a.cram.crai", "index"),
        ("a.txt.gz", "compressed"),
        ("a.bam.tmp", "temp"),
        ("tmp.abc", "temp"),
        ("job.o", "log"),
        ("notes.md", "text"),
        ("bam", "other"),
        ("a.bamx", "other"),
        ("tmp/a.bam", "bam"),  # what it is, before where it is
        ("tmp/x/a.txt", "temp"),
        ("tmpx/a.txt", "text"),
    ],
)
def test_a_class_is_the_first_pattern_that_fits(tmp_path, name, file_class):
    scanned = read(tmp_path, lines(Entry(b"/l/" + name.encode(), 3)))
    assert list(scanned.usage("file_class")) == [file_class]


def test_links_and_special_files_are_classes_of_their_own(tmp_path):
    entries = [Entry(b"/%d.bam" % n, 1, type=kind) for n, kind in enumerate("lsbcFX")]
    by_class = read(tmp_path, lines(*entries)).usage("file_class")
    assert {name: row["others"] for name, row in by_class.items()} == {"link": 1, "special": 5}


def test_usage_is_told_apart_to_a_depth_and_below_users_one_deeper(tmp_path):
    scanned = read(
        tmp_path,
        lines(
            Entry(b"/l/s/p/sub/deep/er/f", 1),
            Entry(b"/l/s/p/sub/g", 2),
            Entry(b"/l/s/p/h", 4),
            Entry(b"/l/s/p/Users/ada/x/i", 8),
            Entry(b"/l/s/p/users/bob/j", 16),
            Entry(b"/l/s/p/users/k", 32),
            Entry(b"/l/s/users/ada/x/m", 64),
        ),
        volume=TOP,
    )
    by_directory = scanned.usage("directory")
    assert {name: row["apparent_bytes"] for name, row in by_directory.items()} == {
        "/l/s/p/sub": 3,
        "/l/s/p": 4,
        "/l/s/p/Users/ada": 8,
        "/l/s/p/users/bob": 16,
        "/l/s/p/users": 32,
        "/l/s/users/ada": 64,
    }
    assert {row["depth"] for row in scanned.rows["filesystem_usage"]} == {3, 4, 5}


def test_directories_hold_everything_below_them(tmp_path):
    scanned = read(
        tmp_path,
        lines(
            Entry(b"/l", 4096, type="d"),
            Entry(b"/l/a", 4096, type="d"),
            Entry(b"/l/a/b/c/f", 10),
            Entry(b"/l/a/g", 5),
            Entry(b"/l/h", 1),
        ),
    )
    found = scanned.directories()
    assert {
        name: (row["apparent_bytes"], row["files"], row["directories"]) for name, row in found.items()
    } == {
        "/": (8208, 3, 2),
        "/l": (8208, 3, 2),
        "/l/a": (4111, 2, 1),
        "/l/a/b": (10, 1, 0),
        "/l/a/b/c": (10, 1, 0),
    }


def test_a_walk_that_comes_back_adds_up(tmp_path):
    there_and_back = [b"/l/a/f1", b"/l/b/f2", b"/l/a/f3", b"/l/b/c/f4", b"/l/a/f5"]
    found = read(tmp_path, lines(*(Entry(path, 1) for path in there_and_back))).directories()
    assert {name: row["files"] for name, row in found.items()} == {
        "/": 5, "/l": 5, "/l/a": 3, "/l/b": 2, "/l/b/c": 1
    }  # fmt: skip


def test_several_files_are_one_scan_and_share_their_hard_links(tmp_path):
    paths = [tmp_path / "00.out", tmp_path / "01.out"]
    paths[0].write_bytes(lines(Entry(b"/l/a", 100, inode=4, links=2)))
    paths[1].write_bytes(lines(Entry(b"/l/b", 100, inode=4, links=2), Entry(b"/l/c", 1)))
    scanned = read_files(paths)
    assert scanned.total("apparent_bytes") == 101
    assert scanned.scan["lines"] == 3
    assert scanned.scan["top"] == "/"  # neither begins with a directory


def test_owners_are_named_by_the_files_that_are_given(tmp_path):
    (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\nada:x:10:100::/:/bin/sh\nada2:x:10:1::/:\n")
    (tmp_path / "group").write_text("team:x:100:ada\n")
    volume = ScannedVolume("v1", passwd_file=tmp_path / "passwd", group_file=tmp_path / "group")
    scanned = read(tmp_path, lines(Entry(b"/a"), Entry(b"/b", uid=11, gid=101)), volume=volume)
    assert set(scanned.usage("uid", "user_name", "gid", "group_name")) == {
        (10, "ada", 100, "team"),
        (11, None, 101, None),
    }


def test_a_site_may_have_classes_of_its_own(tmp_path):
    (tmp_path / "classes.csv").write_text("class,title,match,patterns\ncad,Drawings,suffix,.dwg .step\n")
    volume = ScannedVolume("v1", classes_file=tmp_path / "classes.csv")
    scanned = read(tmp_path, lines(Entry(b"/a.DWG"), Entry(b"/b.bam")), volume=volume)
    assert set(scanned.usage("file_class")) == {"cad", "other"}


_WHOLE = gzip.compress(lines(*(Entry(b"/l/%d" % n) for n in range(50_000))), mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_WHOLE[:-6], "the gzip stream ends too early"),
        (_WHOLE[: len(_WHOLE) // 2], "the gzip stream ends too early"),
        (_WHOLE[:1000] + b"\0" * 50 + _WHOLE[1050:], "the gzip stream is damaged"),
        (_WHOLE[:-8] + b"\0" * 8, "the gzip stream is damaged"),
        (b"", "it is empty"),
        (gzip.compress(b"", mtime=0), "it is empty"),
        (lines(Entry(b"/a")) + mpistat(Entry(b"/b")), "the last line has no end"),
        (lines(Entry(b"/a", -1)), "no line of it could be used"),
    ],
)
def test_a_scan_that_is_not_whole_is_told_of_and_not_published(tmp_path, content, reason):
    path = tmp_path / "scan"
    path.write_bytes(content)
    with pytest.raises(IncompleteScan, match=reason) as raised:
        read_files([path])
    told = taken_apart(raised.value.report.stream)
    assert set(told.rows) == {"filesystem_scan"}
    assert told.scan["complete"] is False
    assert reason in told.scan["reason"]
    assert [one.outcome for one in told.coverage] == ["failed"]


@pytest.mark.parametrize(
    ("name", "moment", "known_from"),
    [
        ("20231105_scratch119.dat", datetime(2023, 11, 5, 23, 59, 59, tzinfo=UTC), "file name"),
        ("20210617-200000_vol.stats", datetime(2021, 6, 17, 20, tzinfo=UTC), "file name"),
        ("scan.dat", None, "file changed"),
    ],
)
def test_when_a_scan_was_made_is_told_by_its_name_else_by_its_file(tmp_path, name, moment, known_from):
    scanned = read(tmp_path, lines(Entry(b"/a")), name, scanned_at=None)
    assert scanned.scan["time_from"] == known_from
    changed = datetime.fromtimestamp(int((tmp_path / name).stat().st_mtime), UTC)
    assert scanned.scan["scanned_at"] == (moment or changed)


def test_the_scan_says_what_was_read(tmp_path):
    scanned = read(
        tmp_path, lines(Entry(b"/l", 4096, type="d"), Entry(b"/l/a", 5), b"bad", Entry(b"/l/b", type="l"))
    )
    row = scanned.scan
    assert (row["complete"], row["format"], row["size_is"]) == (
        True,
        "mpistat (11 columns)",
        "smaller of both",
    )
    assert (row["lines"], row["bad_lines"], row["files"], row["directories"], row["others"]) == (
        4,
        1,
        1,
        1,
        1,
    )
    assert (row["top"], row["apparent_bytes"], row["allocated_bytes"]) == ("/l", 4101, None)
    assert [(one.outcome, one.records) for one in scanned.coverage] == [("ok", 3)]
