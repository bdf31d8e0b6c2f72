"""Scans are seen by `usage --realm storage`: the last one of a day, once, and beside storage files."""

from __future__ import annotations

import json

from scan_reading import Entry

TOP = "/lustre/s119"
GIB = 2**30


def file(name: str, gib: int, gid: int = 7, uid: int = 10, **more) -> Entry:
    return Entry(f"{TOP}/{name}".encode(), gib * GIB, gid=gid, uid=uid, **more)


def usage(world, by, meters="stored_average_gib", first="2024-01-01", last="2024-01-31"):
    """Figures by labels."""
    world.done("build")
    rows = world.table(
        *("usage", "--realm", "storage", "--from", first, "--to", last, "--by", by, "--meter", meters)
    )
    names = by.split(","), meters.split(",")
    return {tuple(row[one] for one in names[0]): tuple(float(row[one]) for one in names[1]) for row in rows}


def test_what_a_user_of_a_group_keeps_on_a_volume_is_a_level(world):
    world.scan(
        "s119",
        "2024-01-05",
        file("a", 1),
        file("b", 2, inode=2, links=2),
        file("c", 2, inode=2, links=2),  # the same inode
        file("d", 4, 8, 11),
        file("e", 8, 9, 999),  # nobody's
    )
    assert usage(world, "group,user", "stored_average_gib,files_average") == {
        ("hgi", "ann"): (3, 3),
        ("humgen", "bob"): (4, 1),
        ("left", "999"): (8, 1),
    }
    assert usage(world, "mountpoint") == {(TOP,): (15,)}


def test_the_last_complete_scan_of_a_day_counts_alone_in_any_order(world):
    world.scan("s119", "2024-01-05", file("a", 1), file("b", 4, 8))  # at noon
    assert usage(world, "group") == {("hgi",): (1,), ("humgen",): (4,)}
    for hour, entries in (("15", [file("a", 2)]), ("09", [file("a", 16), file("c", 32, 9)])):
        path = world.folder / f"at-{hour}"
        path.write_bytes(b"".join([_line(one) for one in entries]))
        world.done("ingest", "scan", "--volume", "s119", "--scanned-at", f"2024-01-05T{hour}:00:00", path)
        assert usage(world, "group") == {("hgi",): (2,)}


def test_days_are_averaged_over_those_that_were_scanned(world):
    world.scan("s119", "2024-01-05", file("a", 1))
    world.scan("s119", "2024-01-07", file("a", 3), file("b", 4, 8))
    assert usage(world, "group") == {("hgi",): (2,), ("humgen",): (2,)}
    assert usage(world, "day") == {("2024-01-05",): (1,), ("2024-01-07",): (7,)}


def test_a_scan_and_a_storage_file_of_one_mountpoint_and_day_dont_count_twice(world):
    samples = [
        {
            "resource": "lustre",
            "mountpoint": mountpoint,
            "user": "ann",
            "pi": "hgi",
            "file_count": 1,
            "dt": f"2024-01-{day:02}T20:00:00Z",
            "logical_usage": gib * GIB,
            "soft_threshold": 0,
            "hard_threshold": 0,
        }
        for mountpoint, day, gib in ((TOP, 5, 100), (TOP, 6, 200), ("/lustre/s118", 5, 1000))
    ]
    path = world.folder / "storage.json"
    path.write_text(json.dumps(samples))
    world.done("ingest", "storage-usage", "--resource", "lustre", path)
    assert usage(world, "day") == {("2024-01-05",): (1100,), ("2024-01-06",): (200,)}
    world.scan("s119", "2024-01-05", file("a", 7))
    assert usage(world, "day,mountpoint") == {
        ("2024-01-05", TOP): (7,),
        ("2024-01-06", TOP): (200,),
        ("2024-01-05", "/lustre/s118"): (1000,),
    }


def test_sums_beyond_64_bits_dont_stop_a_build(world):
    most = 2**63 - 1
    world.scan(
        "s119", "2024-01-05", Entry(f"{TOP}/a".encode(), most), Entry(f"{TOP}/b.bam".encode(), most, inode=2)
    )
    assert usage(world, "group") == {("100",): (round(most / GIB, 4),)}


LFS = """\
Disk quotas for grp hgi (gid 7):
     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace
/lustre/s119  1048576  0 4194304 - 30 0 120 -
Disk quotas for grp humgen (gid 8):
     Filesystem  kbytes   quota   limit   grace   files   quota   limit   grace
/lustre/s119  1048576  0 0 - 5 0 0 -
"""


def test_quotas_of_groups_are_limits_of_what_they_keep(world):
    world.scan("s119", "2024-01-05", file("a", 1), file("b", 2, 8, inode=2))
    path = world.folder / "lfs.txt"
    path.write_text(LFS)
    world.done("ingest", "quota", "--volume", "s119", "--scanned-at", "2024-01-05T06:00:00", path)
    world.quota("s118", "2024-01-05", hgi=2**20)  # a list of limits says nothing of use
    meters = "stored_last_gib,group_quota_last_gib,group_quota_use_percent,group_files_quota_use_percent"
    world.done("build")
    question = ("--from", "2024-01-01", "--to", "2024-01-31", "--by", "group,mountpoint", "--meter", meters)
    rows = world.table("usage", "--realm", "storage", *question)
    found = {(row["group"], row["mountpoint"]): [row[name] for name in meters.split(",")] for row in rows}
    assert found == {
        ("hgi", TOP): ["1.0000", "4.0000", "25.0000", "25.0000"],
        ("hgi", "/lustre/s118"): ["0.0000", "1.0000", "", ""],
        ("humgen", TOP): ["2.0000", "0.0000", "", ""],  # unlimited
    }


def test_quotas_and_scans_may_be_built_in_any_order(world):
    path = world.folder / "lfs.txt"
    path.write_text(LFS)
    world.done("build")
    world.done("ingest", "quota", "--volume", "s119", "--scanned-at", "2024-01-05T06:00:00", path)
    assert usage(world, "group", "group_quota_last_gib") == {("hgi",): (4,)}
    world.scan("s119", "2024-01-05", file("a", 1))
    assert usage(world, "group", "group_quota_last_gib,stored_last_gib")["hgi",] == (4, 1)
    path.write_text(LFS.replace("4194304", "8388608"))
    world.done("ingest", "quota", "--volume", "s119", "--scanned-at", "2024-01-05T07:00:00", path)
    assert usage(world, "group", "group_quota_last_gib,stored_last_gib")["hgi",] == (8, 1)


def _line(entry: Entry) -> bytes:
    from scan_reading import lines

    return lines(entry)
