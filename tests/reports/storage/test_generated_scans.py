"""Every total of generated scans, in every format, is what plain Python makes of the same entries."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sys
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from random import Random

import plain_reports as plain
import pytest
from plain_reports import PlainVolume, as_text, told_apart
from scan_reading import Entry, lines, mpistat, wrstat
from test_scan_formats import GPFS_COLUMNS, in_find, in_gpfs, in_gufi

from services.reference_input import REFERENCE_INPUT
from services.storage_world import DAY, TIB, moment

NOON = moment("2024-01-05")
GROUPS = {7: "hgi", 8: "humgen", 9: "left"}
USERS = {10: "ann", 11: "bob"}
SIZES_ON_DISK = ("wrstat-blocks", "find", "gufi-trace", "gpfs-list")
FORMS = {
    "mpistat": (mpistat, ()),
    "mpistat, volume first": (lambda one: b"s\t" + mpistat(one), ()),
    "mpistat, class last": (lambda one: mpistat(one) + b"\tbam", ()),
    "wrstat": (wrstat, ("--scan-format", "wrstat")),
    "wrstat-blocks": (lambda one: wrstat(one, blocks=True), ("--scan-format", "wrstat-blocks")),
    "find": (in_find, ()),
    "gufi-trace": (in_gufi, ()),
    "gpfs-list": (in_gpfs, ("--scan-format", "gpfs-list", "--columns", GPFS_COLUMNS)),
}
_NAMES = [
    b"a",
    b"run1",
    b"Users",
    b"users",
    b"tmp",
    b"x\xff",
    "é".encode(),
    b"two words",
    b"b\\c",
    b'q"',
    b"n\nl",
]
_ENDS = (
    b".bam .SAM.gz .cram .CRAM .vcf.gz .gvcf .bed .ped.gz .fastq.gz .fa .bai .tmp .log .gz .txt .png .py .h5"
).split()


def invented(chance: Random, volume: bytes, number: int) -> list[Entry]:
    """A tree as a scan tells it: each directory, then its files, then those below; hard links anywhere."""
    top = b"/lustre/" + volume
    found = [Entry(top, 4096, type="d", mtime=NOON - DAY, inode=1, links=2, allocated=4096)]
    tops = [top + b"/projects", top + b"/other"] if volume == b"s118" else [
        *(top + b"/realdata/mdt%d/%b" % (mdt, kind) for mdt in range(3) for kind in (b"projects", b"teams")),
        top + b"/other",
    ]  # fmt: skip
    inode = 100
    linked: list[Entry] = []
    while len(found) < number:
        where = chance.choice(tops) + b"/" + chance.choice([b"p1", b"P2", b"p3", b"p\xfe"])
        where = b"/".join([where, *(chance.choice(_NAMES) for _ in range(chance.randrange(7)))])
        owner = {"uid": chance.choice([10, 11, 12]), "gid": chance.choice([7, 7, 8, 9, 555])}
        inode += 1
        found.append(Entry(where, 4096, type="d", inode=inode, links=chance.choice([2, 3, 9]),
                           mtime=_time(chance), atime=_time(chance), allocated=8192, **owner))  # fmt: skip
        for _ in range(chance.randrange(8)):
            inode += 1
            name = b"%b/%b%d%b" % (where, chance.choice([b"f", b"tmp.", b"F"]), inode, chance.choice(_ENDS))
            if (
                linked and chance.random() < 0.2
            ):  # a further name of an inode that was there, perhaps elsewhere
                one = linked.pop(chance.randrange(len(linked)))
                found.append(_again(one, name))
                continue
            if chance.random() < 0.1:
                owner = {"uid": chance.choice([10, 11, 12]), "gid": chance.choice([7, 8, 9, 555])}
            size = 0 if chance.random() < 0.1 else int(chance.lognormvariate(14, 5))
            kind = chance.choice("ffffffffl")
            links = chance.choice([1] * 20 + [0, 2, 3]) if kind == "f" else 1
            one = Entry(name, size, type=kind, inode=inode, links=links, mtime=_time(chance),
                        atime=_time(chance), allocated=-(-size // 1024) * 1024, **owner)  # fmt: skip
            found.append(one)
            linked += [one] * (links - 1)
    # names of inodes that are still to come: all names of an inode are in a scan
    found.append(Entry(top + b"/other/late", type="d", inode=2, links=2))
    return [*found, *(_again(one, top + b"/other/late/%d.bam" % left) for left, one in enumerate(linked))]


def _again(one: Entry, path: bytes) -> Entry:
    return Entry(path, one.size, one.uid, one.gid, one.atime, one.mtime, one.type, one.inode, one.links,
                 one.device, allocated=one.allocated)  # fmt: skip


def _time(chance: Random) -> int:
    edge = chance.choice([0, 30, 60, 180, 365, 730, 1095, 1825, 2555]) * DAY
    return NOON - chance.choice([edge, edge - 1, edge + 1, chance.randrange(3000 * DAY), -5 * DAY])


def ingest(world, volume: str, path: Path, how: tuple[str, ...]) -> None:
    world.done("ingest", "scan", "--volume", volume, "--scanned-at", "2024-01-05T12:00:00", *how, path)


@pytest.mark.parametrize("form", FORMS)
def test_totals_of_invented_scans_in_every_format(world, tmp_path, form):
    line, how = FORMS[form]
    chance = Random(f"totals {form}")
    volumes = {}
    for name in ("s118", "s119"):
        entries = invented(chance, name.encode(), 1500)
        if form == "gpfs-list":  # a list shows days and times or seconds; its tests show one access time
            entries = [_with_access(one, moment("2023-12-31") - DAY // 2) for one in entries]
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress(lines(*entries, form=line)))
        ingest(world, name, path, how)
        volumes[name] = PlainVolume(name, entries, NOON)
    every_depth = form in ("mpistat", "wrstat-blocks")  # once for each way to write a path
    every_total_agrees(world, volumes, says_allocated=form in SIZES_ON_DISK, every_depth=every_depth)


def _with_access(one: Entry, time: int) -> Entry:
    return Entry(one.path, one.size, one.uid, one.gid, time, one.mtime, one.type, one.inode, one.links,
                 one.device, allocated=one.allocated)  # fmt: skip


def every_total_agrees(
    world, volumes: dict[str, PlainVolume], *, says_allocated: bool, every_depth: bool
) -> None:
    """Compare what the commands say with the lists."""
    asked = ("2024-01-05",)
    _groups(world, volumes, asked, says_allocated)
    rows = world.table("storage", "users", *asked)
    assert {
        (row["volume"], row["user"], row["group"]): (
            int(row["used_bytes"]),
            int(row["files"]),
            row["last_modified"],
        )
        for row in rows
    } == {
        (v.name, *key): said for v in volumes.values() for key, said in plain.users(v, USERS, GROUPS).items()
    }
    _directories(world, volumes, asked, every_depth)
    _old_and_cost(world, volumes, asked)
    _projects(world, volumes, asked)
    world.done("build")
    rows = world.table(
        *("usage", "--realm", "storage", "--from", *asked, "--to", *asked),
        *("--by", "mountpoint,group,user", "--meter", "stored_last_gib,files_last"),
    )
    kept: Counter[tuple[str, str, str]] = Counter()
    files: Counter[tuple[str, str, str]] = Counter()
    for volume in volumes.values():
        for one in volume.names:
            owner = (
                GROUPS.get(one.entry.gid, str(one.entry.gid)),
                USERS.get(one.entry.uid, str(one.entry.uid)),
            )
            key = f"/lustre/{volume.name}", *owner
            kept[key] += one.apparent
            files[key] += one.files
    assert {
        (row["mountpoint"], row["group"], row["user"]): (row["stored_last_gib"], row["files_last"])
        for row in rows
    } == {key: (str(_rounded(Decimal(kept[key]) / 2**30, 4)), str(files[key])) for key in kept}


def _groups(world, volumes, asked, says_allocated: bool) -> None:
    for counted in ("shared", "apparent", *(["allocated"] if says_allocated else [])):
        rows = world.table("storage", "groups", *asked, "--replace", "--bytes", counted)
        assert {
            (row["volume"], row["group"]): (int(row["used_bytes"]), row["last_modified_days"] or None)
            for row in rows
        } == {
            (volume.name, group): said
            for volume in volumes.values()
            for group, said in plain.groups(volume, GROUPS, counted).items()
        }


def _directories(world, volumes, asked, every_depth: bool) -> None:
    deepest = max(len(one.above) for volume in volumes.values() for one in volume.names)
    for depth in range(deepest - 1) if every_depth else (1, 4, deepest - 2):
        rows = world.table("storage", "top", *asked, "--depth", depth, "--limit", 1_000_000)
        columns = ("bytes", "files", "inodes", "directories")
        assert {
            (row["volume"], row["directory"]): (
                *(int(row[name]) for name in columns),
                row["oldest_access"],
                row["newest_modification"],
            )
            for row in rows
        } == {
            (volume.name, directory): said
            for volume in volumes.values()
            for directory, said in plain.directories(volume, depth + 2).items()
        }, depth


def _old_and_cost(world, volumes, asked) -> None:
    keys = {
        "group": lambda volume: lambda one: GROUPS.get(one.entry.gid, str(one.entry.gid)),
        "user": lambda volume: lambda one: USERS.get(one.entry.uid, str(one.entry.uid)),
        "class": lambda volume: lambda one: one.file_class,
        "directory": lambda volume: lambda one: told_apart(one, 7 if volume == "s119" else 5),
    }
    for place, (by, key_of) in enumerate(keys.items()):
        days, since = ((365, "access"), (30, "modification"), (0, "access"), (2555, "modification"))[place]
        rows = world.table(
            *("storage", "old", *asked, "--days", days, "--since", since, "--by", by, "--limit", 1_000_000)
        )
        columns = ("old_bytes", "old_files", "all_bytes")
        assert {
            (row["volume"], row["what"]): (*(int(row[name]) for name in columns), row["oldest_access"])
            for row in rows
        } == {
            (volume.name, what): said
            for volume in volumes.values()
            for what, said in plain.old(volume, days, since, key_of(volume.name)).items()
        }, by
        rows = world.table("storage", "cost", *asked, "--rate", "s118=12.5", "--rate", "150", "--by", by)
        costs = {(row["volume"], row["what"]): (int(row["bytes"]), row["cost_per_year"]) for row in rows}
        expected = {}
        for volume in volumes.values():
            rate = Decimal("12.5") if volume.name == "s118" else Decimal(150)
            for what, kept in plain.gathered(volume.names, key_of(volume.name)).items():
                bytes_ = sum(one.shared for one in kept)
                expected[volume.name, what] = bytes_, str(_rounded(bytes_ * rate / TIB, 2))
        assert costs == expected, by


def _projects(world, volumes, asked) -> None:
    rows = world.table("storage", "projects", *asked)
    names = [
        name for name in rows[0] if name.endswith("_bytes") and name not in ("total_bytes", "project_bytes")
    ]
    found = {
        (row["volume"], "/".join(filter(None, (row["project"], row["directory"])))): (
            int(row["total_bytes"]),
            int(row["files"]),
            +Counter({name.removesuffix("_bytes"): int(row[name]) for name in names}),
            row["last_modified_days"] or None,
            row["group"],
        )
        for row in rows
    }
    roots = {"s118": rb"/lustre/s118", "s119": rb"/lustre/s119/realdata/mdt[0-9]"}
    expected = {
        (volume.name, place): said
        for volume in volumes.values()
        for place, said in plain.projects(volume, roots[volume.name], GROUPS).items()
        if volume.name == "s119" or place.startswith("projects")
    }
    assert found == expected
    assert len(found) > 30
    # a project's total stands in each of its rows
    for row in rows:
        assert int(row["project_bytes"]) == expected[row["volume"], row["project"]][0]


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


GENERATOR = REFERENCE_INPUT / "tools/gen_mpistat.py"


@pytest.mark.skipif(not GENERATOR.exists(), reason="the generator of mpistat files is not on this machine")
@pytest.mark.parametrize(("form", "seed"), [("mpistat", 1), ("mpistat", 2), ("wrstat", 3)])
def test_totals_of_realistic_scans(world, tmp_path, form, seed):
    path = tmp_path / "scan.gz"
    how = ["--format", form, "--seed", str(seed), "--groups", "20"]
    subprocess.run([sys.executable, GENERATOR, "20000", path, *how], check=True, capture_output=True)
    settings = world.path / "meterhouse.toml"
    settings.write_text(settings.read_text().replace("s119", "scratch119"))
    entries = [_entry(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    ingest(world, "scratch119", path, ())
    volume = PlainVolume("scratch119", entries, NOON)
    rows = world.table("storage", "groups", "2024-01-05", "--partial")
    assert {
        row["group"]: (int(row["used_bytes"]), row["last_modified_days"]) for row in rows
    } == plain.groups(volume, {})
    rows = world.table("storage", "projects", "2024-01-05", "--partial")
    said = plain.projects(volume, rb"/lustre/scratch119/realdata/mdt[0-9]", {})
    assert {
        "/".join(filter(None, (row["project"], row["directory"]))): (
            int(row["total_bytes"]),
            int(row["files"]),
            row["last_modified_days"],
            row["group"],
        )
        for row in rows
    } == {place: (total, files, days, group) for place, (total, files, _, days, group) in said.items()}
    for depth in (0, 3, 4, 6, 9):
        rows = world.table(
            "storage", "top", "2024-01-05", "--partial", "--depth", depth, "--limit", 1_000_000
        )
        assert {row["directory"]: int(row["bytes"]) for row in rows} == {
            directory: amounts[0] for directory, amounts in plain.directories(volume, depth + 2).items()
        }


def _entry(line: bytes) -> Entry:
    """A line of mpistat, or of wrstat as the generator writes it."""
    columns = line.split(b"\t")
    said = columns[0]
    if said.startswith(b'"'):
        path = said[1:-1].replace(b"\\n", b"\n").replace(b"\\xff", b"\xff").rstrip(b"/")
    else:
        path = base64.b64decode(said)
    size, uid, gid, atime, mtime = (int(one) for one in columns[1:6])
    inode, links, device = (int(one) for one in columns[8:11])
    return Entry(path, size, uid, gid, atime, mtime, columns[7].decode(), inode, links, device)


def test_names_as_text_are_the_same_in_both():
    from meterhouse.sources.filesystem.path_text import text_of_path

    odd = b'/a\xff\\ \x01\x7f"\xc3\xa9'
    assert as_text(odd) == text_of_path(odd)
