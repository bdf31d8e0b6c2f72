"""Each dump of quotas says who may keep how much, in bytes; damage costs its line and is told of."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

from scan_reading import Scanned, taken_apart

from meterhouse.sources.filesystem.quotas import read_quotas

KIB = 1024
FIELDS = ("owner_kind", "owner_id", "owner_name", "used_bytes", "soft_bytes", "hard_bytes")
INODES = ("used_inodes", "soft_inodes", "hard_inodes")


def read(tmp_path, text: str, name: str = "quota.txt", **options) -> Scanned:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return taken_apart(read_quotas(path, "lustre", "scratch119", **options).stream)


def said(scanned: Scanned) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in (*FIELDS, *INODES)) for row in scanned.rows["filesystem_quota"]]


LUSTRE = """\
Disk quotas for grp hgi (gid 1313):
     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace
/lustre/scratch119 1048576*      0 2097152       -   12000       0       0       -
Disk quotas for grp unlimited (gid 14):
     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace
/lustre/scratch119/with/a/very/long/path
                     100       50       60   6d23h    [10]      11      12       -
"""


def test_lfs_quota_with_headings(tmp_path):
    scanned = read(tmp_path, LUSTRE)
    assert said(scanned) == [
        ("group", 1313, "hgi", 1 << 30, 0, 2 << 30, 12000, 0, 0),
        ("group", 14, "unlimited", 100 * KIB, 50 * KIB, 60 * KIB, 10, 11, 12),
    ]
    assert [row["grace"] for row in scanned.rows["filesystem_quota"]] == [None, "6d23h"]
    assert {row["format"] for row in scanned.rows["filesystem_quota"]} == {"lfs-quota"}


def test_lfs_quota_q_with_the_owner_before_each_line(tmp_path):
    scanned = read(tmp_path, "hgi /lustre/scratch119 8 0 16 - 3 0 0 -\n", "quota.gz")
    assert said(scanned) == [("group", None, "hgi", 8 * KIB, 0, 16 * KIB, 3, 0, 0)]


def test_lfs_quota_q_of_one_owner_who_is_said(tmp_path):
    scanned = read(
        tmp_path, "     /lustre/scratch119 8 0 16 - 3 0 0 -\n", owner="hgi", mountpoint="/lustre/s"
    )
    assert said(scanned) == [("group", None, "hgi", 8 * KIB, 0, 16 * KIB, 3, 0, 0)]
    assert scanned.rows["filesystem_quota"][0]["mountpoint"] == "/lustre/s"


def test_lfs_quota_of_all_owners(tmp_path):
    scanned = read(tmp_path, "ada 8 0 16 - 3 0 0 -\n", owner_kind="user")
    assert said(scanned) == [("user", None, "ada", 8 * KIB, 0, 16 * KIB, 3, 0, 0)]


def test_a_lustre_line_without_an_owner_is_kept_aside_and_the_reading_failed(tmp_path):
    scanned = read(tmp_path, "/lustre/scratch119 8 0 16 - 3 0 0 -\nada 8 0 16 - 3 0 0 -\n")
    assert [(one.record, one.field) for one in scanned.rejections] == [(1, "owner")]
    assert len(said(scanned)) == 1
    assert [(one.outcome, one.records) for one in scanned.coverage] == [("failed", 1)]


def test_mmrepquota_y(tmp_path):
    head = (
        "mmrepquota::HEADER:version:reserved:reserved:filesystemName:quotaType:id:name:blockUsage:blockQuota:"
        "blockLimit:blockInDoubt:blockGrace:filesUsage:filesQuota:filesLimit:filesInDoubt:filesGrace:"
    )
    text = f"""\
{head}
mmrepquota::0:1:::gpfs0:USR:1001:ada:2048:4096:8192:0:none:5:6:7:0:none:
mmrepquota::0:1:::gpfs0:FILESET:3:proj%3Ax:1:0:0:0:none:1:0:0:0:none:
mmrepquota::0:1:::gpfs0:GRP:12:hgi:many:0:0:0:none:1:0:0:0:none:
"""
    scanned = read(tmp_path, text)
    assert said(scanned) == [
        ("user", 1001, "ada", 2048 * KIB, 4096 * KIB, 8192 * KIB, 5, 6, 7),
        ("project", 3, "proj:x", 1 * KIB, 0, 0, 1, 0, 0),
    ]
    assert [(one.record, one.field) for one in scanned.rejections] == [(4, "blockUsage")]


def test_repquota_csv(tmp_path):
    text = """\
Group,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,BlockGrace,FileUsed,FileSoftLimit,FileHardLimit,FileGrace
hgi,ok,ok,100,0,200,,7,0,0,
#1400,soft,ok,300,200,400,6days,1,2,3,
"""
    assert said(read(tmp_path, text)) == [
        ("group", None, "hgi", 100 * KIB, 0, 200 * KIB, 7, 0, 0),
        ("group", 1400, None, 300 * KIB, 200 * KIB, 400 * KIB, 1, 2, 3),
    ]


def test_zfs_userspace(tmp_path):
    text = "POSIX User\tada\t12345\t20000\t7\tnone\nPOSIX Group\t1313\t1\tnone\t-\t-\n"
    assert said(read(tmp_path, text)) == [
        ("user", None, "ada", 12345, None, 20000, 7, None, 0),
        ("group", 1313, None, 1, None, 0, None, None, None),  # objects aren't counted: no data, not none
    ]


def test_a_list_of_groups_and_limits(tmp_path):
    scanned = read(tmp_path, "group,limit\nhgi,1048576\nteam,-1\nother,2\n")
    assert said(scanned) == [
        ("group", None, "hgi", None, None, 1 << 30, None, None, None),
        ("group", None, "other", None, None, 2 * KIB, None, None, None),
    ]
    assert [(one.record, one.field, one.found) for one in scanned.rejections] == [(3, "limit", '"-1"')]


def test_a_dump_that_is_cut_off_has_failed(tmp_path):
    path = tmp_path / "quota.gz"
    path.write_bytes(gzip.compress(b"".join(b"g%d 8 0 16 - 3 0 0 -\n" % n for n in range(9999)))[:-9])
    scanned = taken_apart(read_quotas(path, "lustre", "v").stream)
    assert scanned.coverage[0].outcome == "failed"
    assert scanned.rejections[0].record == 0


def test_when_a_dump_was_made_is_told_by_its_name(tmp_path):
    scanned = read(tmp_path, "ada 8 0 16 - 3 0 0 -\n", "20231105-103000_quota.txt")
    assert scanned.rows["filesystem_quota"][0]["observed_at"] == datetime(2023, 11, 5, 10, 30, tzinfo=UTC)
