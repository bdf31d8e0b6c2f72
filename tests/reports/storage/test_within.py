"""What lies in a directory? Sizes to add up by hand; who sees only theirs sees nobody else's files."""

from __future__ import annotations

from datetime import date

import pytest
from scan_reading import Entry

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.owners import Owners
from meterhouse.reports.storage.question import StorageQuestion, asked
from meterhouse.reports.storage.within import within
from meterhouse.site import Site
from services.storage_world import DAY, moment

NOON = moment("2024-01-05")
TOP = "/lustre/s119"


def file(path: str, size: int, gid: int = 7, uid: int = 10, read: int = 1) -> Entry:
    times = {"mtime": NOON - DAY, "atime": NOON - read * DAY}
    return Entry(f"{TOP}/{path}".encode(), size, gid=gid, uid=uid, **times)


def directory(path: str) -> Entry:
    return Entry(f"{TOP}/{path}".rstrip("/").encode(), 0, type="d", mtime=NOON - DAY)


@pytest.fixture
def scanned(world):
    world.scan(
        "s119",
        "2024-01-05",
        directory(""),
        directory("genes"),
        directory("genes/raw"),
        directory("tides"),
        file("genes/raw/a.bam", 700, read=3),
        file("genes/b.txt", 30, read=400),
        file("tides/c.txt", 200, gid=8, uid=999),
        file("d.txt", 5),
    )
    return world


def found(world, path: str, owners: Owners | None = None):
    question = StorageQuestion(date(2024, 1, 5), volumes=("s119",), owners=owners)
    with Site.open(world.path) as site, asked(site, question) as opened:
        return within(opened, opened.scans[0], path)


def sizes(rows) -> dict[str, int]:
    return {row.what: row.bytes for row in rows if row.bytes}


def test_the_whole_is_its_directories_and_the_files_right_there(scanned):
    top = found(scanned, TOP)
    assert (top.bytes, top.files) == (935, 4)
    assert [(one.directory, one.bytes, one.files) for one in top.below] == [
        (f"{TOP}/genes", 730, 2),
        (f"{TOP}/tides", 200, 1),
    ]
    assert sizes(top.groups) == {"hgi": 735, "humgen": 200}
    assert sizes(top.users) == {"ann": 735, "999": 200}
    assert sizes(top.classes) == {"bam": 700, "text": 235}
    assert sizes(top.ages) == {"0": 905, "365": 30}


def test_a_directory_below_has_what_lies_in_it(scanned):
    genes = found(scanned, f"{TOP}/genes")
    assert (genes.bytes, [one.directory for one in genes.below]) == (730, [f"{TOP}/genes/raw"])


def test_who_sees_a_group_or_a_user_sees_what_is_theirs(scanned):
    group = found(scanned, TOP, Owners(frozenset({("lustre", "humgen")}), frozenset()))
    assert (group.bytes, [one.directory for one in group.below]) == (200, [f"{TOP}/tides"])
    user = found(scanned, TOP, Owners(frozenset(), frozenset({("", "ann")})))
    assert (user.bytes, user.files) == (735, 3)
    assert found(scanned, TOP, Owners(frozenset({("elsewhere", "humgen")}), frozenset())).bytes == 0
    assert found(scanned, TOP, Owners(frozenset(), frozenset())).bytes == 0


@pytest.mark.parametrize("path", ["/etc", "/lustre/s11", "/lustre", f"{TOP}/../s118", "/lustre/s119x"])
def test_what_is_not_below_the_top_is_refused_or_empty(scanned, path):
    if path.startswith(f"{TOP}/"):
        assert found(scanned, path).files == 0
    else:
        with pytest.raises(QuestionError, match="directory: expected one of /lustre/s119"):
            found(scanned, path)


def test_a_name_with_quotes_is_a_name(scanned):
    assert found(scanned, f"{TOP}/x' OR '1'='1").files == 0
