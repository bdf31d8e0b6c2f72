"""What each project keeps where: roots with globs, several MDTs, users' directories, classes, decisions."""

from __future__ import annotations

import pytest
from scan_reading import Entry

from meterhouse.errors import QuestionError
from services.storage_world import DAY, TIB, moment

NOON = moment("2024-01-05")
TOP = "/lustre/s119/realdata"


def file(path: str, size: int, gid: int = 7, age: int = 1, **more) -> Entry:
    return Entry(path.encode(), size, gid=gid, mtime=NOON - age * DAY, **more)


def report(world, *entries, volume="s119", options=()):
    """Rows by project and directory."""
    if entries:
        world.scan(volume, "2024-01-05", *entries)
    rows = world.table("storage", "projects", "2024-01-05", "--volume", volume, *options)
    return {(row["project"], row["directory"]): row for row in rows}


def sizes(rows):
    return {"/".join(filter(None, key)): int(row["total_bytes"]) for key, row in rows.items()}


def test_directories_are_told_apart_one_below_the_project_and_contain_what_is_deeper(world):
    found = report(
        world,
        file("/lustre/s118/projects/p/sub/deep/er/f", 1),
        file("/lustre/s118/projects/p/sub/f", 2),
        file("/lustre/s118/projects/p/f", 4),
        file("/lustre/s118/projects/q/f", 8),
        file("/lustre/s118/projects/stray", 16),  # in no project
        file("/lustre/s118/elsewhere/f", 32),
        volume="s118",
    )
    assert sizes(found) == {"projects/p": 7, "projects/p/sub": 3, "projects/q": 8}
    assert {key: row["project_bytes"] for key, row in found.items()} == {
        ("projects/p", ""): "7",
        ("projects/p", "sub"): "7",
        ("projects/q", ""): "8",
    }


def test_directories_of_users_are_told_apart_one_deeper_in_any_case(world):
    found = report(
        world,
        file("/lustre/s118/projects/p/users/ann/a/b/c", 1),
        file("/lustre/s118/projects/p/users/bob/f", 2),
        file("/lustre/s118/projects/p/users/f", 4),
        file("/lustre/s118/projects/q/Users/ann/f", 8),
        file("/lustre/s118/projects/q/sub/users/ann/f", 16),  # only right below a project
        volume="s118",
    )
    assert sizes(found) == {
        "projects/p": 7,
        "projects/p/users": 7,
        "projects/p/users/ann": 1,
        "projects/p/users/bob": 2,
        "projects/q": 24,
        "projects/q/Users": 8,
        "projects/q/Users/ann": 8,
        "projects/q/sub": 16,
    }


def test_what_lies_on_several_mdts_is_one_project(world):
    found = report(
        world,
        file(f"{TOP}/mdt0/projects/p/sub/f", 1, age=9),
        file(f"{TOP}/mdt1/projects/p/sub/f", 2, age=3),
        file(f"{TOP}/mdt1/projects/p/other/f", 4, age=5),
        file(f"{TOP}/mdt0/teams/p/f", 8),
        file(f"{TOP}/mdtX/projects/p/f", 16),  # not as the glob says
    )
    assert sizes(found) == {"projects/p": 7, "projects/p/other": 4, "projects/p/sub": 3, "teams/p": 8}
    ages = {key[1]: row["last_modified_days"] for key, row in found.items() if key[0] == "projects/p"}
    assert ages == {"": "3.0", "other": "5.0", "sub": "3.0"}


def test_files_count_divided_among_hard_links_and_directories_dont(world):
    found = report(
        world,
        file("/lustre/s118/projects/p", 4096, type="d", age=2),
        file("/lustre/s118/projects/p/a", 10, inode=2, links=2),
        file("/lustre/s118/projects/p/b", 10, inode=2, links=2),
        file("/lustre/s118/projects/p/link", 50, type="l"),
        file("/lustre/s118/projects/empty", 4096, type="d", age=2),
        volume="s118",
    )
    told = {key[0]: (row["total_bytes"], row["files"]) for key, row in found.items()}
    assert told == {"projects/p": ("10", "2"), "projects/empty": ("0", "0")}
    assert found["projects/empty", ""]["last_modified_days"] == "2.0"


def test_classes_are_told_by_the_ends_of_names(world):
    names = {"a.bam": 1, "b.SAM": 2, "c.cram": 4, "d.gvcf.gz": 8, "e.bed": 16, "f.bam.old": 32, "bam": 64}
    (row,) = report(
        world, *(file(f"/lustre/s118/projects/p/{name}", size) for name, size in names.items()), volume="s118"
    ).values()
    told = {name: int(row[f"{name}_bytes"]) for name in ("bam", "cram", "vcf", "pedbed", "other", "total")}
    assert told == {"bam": 3, "cram": 4, "vcf": 8, "pedbed": 16, "other": 96, "total": 127}


def test_a_directory_is_whose_data_it_mostly_is(world):
    found = report(
        world,
        file("/lustre/s118/projects/p/a/f", 10, 7),
        file("/lustre/s118/projects/p/b/f", 11, 8),
        file("/lustre/s118/projects/p/c", 4096, 9, type="d"),
        file("/lustre/s118/projects/p/d/f", 1, 555),
        volume="s118",
        options=("--groups", world.groups("group,pi\nhgi,Smith\nhumgen,Durbin\n")),
    )
    told = {key[1]: (row["pi"], row["group"]) for key, row in found.items()}
    assert told == {
        "": ("Durbin", "humgen"),
        "a": ("Smith", "hgi"),
        "b": ("Durbin", "humgen"),
        "c": ("", "left"),
        "d": ("", "555"),
    }


def test_decisions_survive_every_scan_and_each_change_is_kept(world):
    report(world, file("/lustre/s118/projects/p/sub/f", 1), volume="s118")
    world.done("storage", "decide", "s118", "projects/p", "sub", "--status", "old", "--action", "delete")
    world.done("storage", "decide", "s118", "projects/p", "--comment", "ask Ann")
    world.scan("s118", "2024-01-05", file("/lustre/s118/projects/p/other/f", 2))  # sub is gone
    assert ("projects/p", "sub") not in report(world, volume="s118", options=("--within", 1))
    world.scan("s118", "2024-01-05", file("/lustre/s118/projects/p/sub/f", 3))
    world.done("storage", "decide", "s118", "projects/p", "sub", "--action", "keep")
    found = report(world, volume="s118")
    columns = ("total_bytes", "status", "action", "comment")
    told = {key[1]: tuple(row[name] for name in columns) for key, row in found.items()}
    assert told == {"": ("3", "", "", "ask Ann"), "sub": ("3", "old", "keep", "")}
    history = world.table("storage", "decisions")
    assert [(one["directory"], one["status"], one["action"], one["comment"]) for one in history] == [
        ("sub", "old", "delete", ""),
        ("", "", "", "ask Ann"),
        ("sub", "old", "keep", ""),
    ]
    assert all(one["who"] for one in history)
    with pytest.raises(QuestionError, match="expected a status, an action or a comment, found none"):
        world.run("storage", "decide", "s118", "projects/p")


def test_the_report_has_the_columns_of_the_replaced_pipeline(world):
    world.scan(
        "s118",
        "2024-01-05",
        file("/lustre/s118/projects/p/sub/f.bam", TIB // 4),
        file("/lustre/s118/projects/p/f.txt", TIB // 8),
    )
    world.done("storage", "decide", "s118", "projects/p", "sub", "--comment", "two\tparts")
    told = world.done("storage", "projects", "2024-01-05", "--volume", "s118", "--format", "tsv")
    assert told.splitlines() == [
        "Project\tDirectory\tTotal\tBAM\tCRAM\tVCF\tPED/BED\tFiles\tLast Modified (days)\tPI\tUnix Group"
        "\tVolume\tProject Total\tStatus\tAction\tComment",
        "projects/p\t*TOTAL*\t0.375\t0.250\t0.000\t0.000\t0.000\t2\t1.0\t-\thgi\ts118\t0.375\t-\t-\t-",
        "projects/p\tsub\t0.250\t0.250\t0.000\t0.000\t0.000\t1\t1.0\t-\thgi\ts118\t0.375\t-\t-\ttwo parts",
    ]


def test_a_volume_must_have_roots_and_be_told_apart_deeply_enough(world):
    settings = world.path / "meterhouse.toml"
    text = settings.read_text()
    world.scan("s118", "2024-01-05", file("/lustre/s118/projects/p/f", 1))
    settings.write_text(text.replace('"/lustre/s118/projects"', '"/lustre/s118/a/b/projects"'))
    with pytest.raises(QuestionError, match="expected a scan that tells 7 names of a path apart, found 5"):
        report(world, volume="s118")
    settings.write_text(text.replace('[[volumes.roots]]\npath = "/lustre/s118/projects"\n', ""))
    with pytest.raises(QuestionError, match=r"volume s118: expected \[\[volumes.roots\]\] in the settings"):
        report(world, volume="s118")
