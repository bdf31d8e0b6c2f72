"""Each format of scans says the same of the same entries, and is recognised by its lines."""

from __future__ import annotations

import pytest
from scan_reading import NOW, Entry, lines, mpistat, quoted, read, read_files, wrstat

from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.path_text import path_of_text, text_of_path
from meterhouse.sources.filesystem.scans import ScannedVolume

ODD = b'/l/a/b\xff\n\t"\\\xc3\xa9\x01'
ENTRIES = [  # each directory before what is in it
    Entry(b"/l", 4096, type="d", inode=1, allocated=8192),
    Entry(b"/l/d.bam", 300, inode=4, links=2, allocated=512),
    Entry(b"/l/e", 9, type="l", inode=5),
    Entry(b"/l/a", 4096, type="d", inode=2, allocated=512),
    Entry(b"/l/a/c.bam", 300, inode=4, links=2, allocated=512),
    Entry(ODD, 700, inode=3, allocated=1024),
]


def in_find(entry):
    blocks = b"%d" % (entry.allocated // 512)
    times = b"\t".join(b"%d.1234567890" % one for one in (entry.atime, entry.mtime, entry.ctime))
    return b"%b\0%d\t%b\t%d\t%d\t%b\t%b\t%d\t%d\t%d" % (
        entry.path, entry.size, blocks, entry.uid, entry.gid, times, entry.type.encode(),
        entry.inode, entry.links, entry.device,
    )  # fmt: skip


def in_gufi(entry):
    name = entry.path.lstrip(b"/")
    fields = [
        entry.type.encode(), b"%d" % entry.inode, b"33188", b"%d" % entry.links, b"%d" % entry.uid,
        b"%d" % entry.gid, b"%d" % entry.size, b"4096", b"%d" % (entry.allocated // 512),
        b"%d" % entry.atime, b"%d" % entry.mtime, b"%d" % entry.ctime, b"0000", b"", b"0",
    ]  # fmt: skip
    return b"%04x" % len(name) + name + b"\x1e" + b"\x1e".join(fields) + b"\x1e"


def in_gpfs(entry):
    from urllib.parse import quote_from_bytes

    mode = {"f": "-", "d": "d", "l": "l"}[entry.type] + "rw-r--r--"
    said = f"{entry.inode} 65536 0  {entry.size} {entry.allocated // 1024} {entry.uid} {entry.gid}"
    times = f"2023-12-31 00:00:00.000000 {entry.mtime}"
    return f"{said} {times} {mode} {entry.links} -- {quote_from_bytes(entry.path)}".encode()


GPFS_COLUMNS = "FILE_SIZE,KB_ALLOCATED,USER_ID,GROUP_ID,ACCESS_TIME,MODIFICATION_TIME,MODE,NLINK"
FORMS = {
    "mpistat (11 columns)": (mpistat, {}),
    "mpistat (12 columns, the volume first)": (lambda one: b"vol\t" + mpistat(one), {}),
    "mpistat (12 columns, a class last)": (lambda one: mpistat(one) + b"\tbam", {}),
    "wrstat (12 columns, quoted paths)": (wrstat, {}),
    "wrstat (12 columns, quoted paths, size in blocks)": (lambda one: wrstat(one, blocks=True), {}),
    "find (path, NUL, 10 columns)": (in_find, {}),
    "gufi-trace (delimiter 0x1E)": (in_gufi, {}),
    "gpfs-list (declared columns)": (in_gpfs, {"scan_format": "gpfs-list", "columns": GPFS_COLUMNS}),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("file_name", ["scan.gz", "scan.txt"])
def test_every_format_says_the_same_of_the_same_entries(tmp_path, name, file_name):
    form, options = FORMS[name]
    scanned = read(tmp_path, lines(*ENTRIES, form=form), file_name, **options)
    assert scanned.rejections == []
    assert scanned.scan["format"] == name
    (row,) = scanned.usage().values()
    assert (row["apparent_bytes"], row["repeated_bytes"]) == (4096 + 4096 + 700 + 300 + 9, 300)
    assert (row["files"], row["directories"], row["others"], row["inodes"]) == (3, 2, 1, 5)
    allocated = 8192 + 512 + 1024 + 512
    if "gpfs" in name:
        allocated = 8192 + 1024  # whole KiB
    has_both = any(word in name for word in ("blocks", "find", "gufi", "gpfs"))
    assert row["allocated_bytes"] == (allocated if has_both else None)
    assert scanned.directories()["/l/a"]["files"] == 2


def test_old_wrstat_is_told_from_mpistat_by_its_name_only(tmp_path):
    found = read(tmp_path, lines(*ENTRIES), "20240101_s.x.y.stats.gz").scan
    assert (found["format"], found["size_is"]) == ("wrstat (11 columns, base64 paths)", "apparent")


@pytest.mark.parametrize("name", [one for one in FORMS if "gpfs" not in one])
def test_a_name_that_is_no_utf8_survives_every_format(tmp_path, name):
    form, options = FORMS[name]
    volume = ScannedVolume("v1", entries=True)
    scanned = read(tmp_path, lines(*ENTRIES, form=form), volume=volume, **options)
    rows = scanned.rows["filesystem_entry"]
    assert [row["path"] for row in rows] == sorted(text_of_path(entry.path) for entry in ENTRIES)
    assert {path_of_text(row["path"]) for row in rows} == {entry.path for entry in ENTRIES}
    assert [row["record"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_paths_as_text_come_back_as_they_were():
    assert text_of_path(ODD) == '/l/a/b\\xff\\x0a\\x09"\\x5cé\\x01'
    for path in (ODD, b"/a\\xff", b"/\\", b"/\xf0\x9f\x98\x80", bytes(range(1, 256))):
        assert path_of_text(text_of_path(path)) == path


def test_a_damaged_first_line_does_not_decide_the_format(tmp_path):
    scanned = read(tmp_path, b"not a line\n" + lines(Entry(b"/a", 3)))
    assert (scanned.scan["format"], scanned.scan["bad_lines"]) == ("mpistat (11 columns)", 1)


def test_files_of_one_scan_must_be_of_one_format(tmp_path):
    (tmp_path / "one").write_bytes(lines(Entry(b"/a")))
    (tmp_path / "two").write_bytes(lines(Entry(b"/b"), form=wrstat))
    with pytest.raises(MeterhouseError, match=r"two: expected mpistat .* as .*one, found wrstat"):
        read_files([tmp_path / "one", tmp_path / "two"])


def test_a_file_of_no_format_is_refused_with_its_beginning(tmp_path):
    with pytest.raises(MeterhouseError, match="found hello world"):
        read(tmp_path, b"hello world\n")


def test_a_gpfs_list_needs_its_columns(tmp_path):
    with pytest.raises(MeterhouseError, match="columns: expected the list's order with access_time"):
        read(tmp_path, b"1 2 0 -- /a\n", scan_format="gpfs-list", columns="file_size")
    with pytest.raises(MeterhouseError, match="found 'colour'"):
        read(tmp_path, b"1 2 0 -- /a\n", scan_format="gpfs-list", columns="colour")


def test_records_of_other_formats_that_can_not_be_used_are_kept_aside_with_their_number(tmp_path):
    good = in_gufi(Entry(b"/l/a", 5))
    scanned = read(
        tmp_path, good + b"\n" + b"zzzz\x1ebroken\n" + good.replace(b"\x1ef\x1e", b"\x1eQ\x1e") + b"\n"
    )
    assert [(one.record, one.field) for one in scanned.rejections] == [(2, "name"), (3, "type")]
    found = in_find(Entry(b"/l/a", 5))
    scanned = read(
        tmp_path, found + b"\n" + b"/l/b\x00too\tfew\n" + found.replace(b"\t10\t", b"\t-1\t") + b"\n"
    )
    assert [(one.record, one.field) for one in scanned.rejections] == [(2, ""), (3, "uid")]
    assert scanned.scan["lines"] == 3


def test_go_escapes_are_the_bytes_that_they_stand_for(tmp_path):
    line = wrstat(Entry(b"/l/X", 5)).replace(
        quoted(b"/l/X"), rb'"/l/\a\b\f\v\'\x00"'.replace(rb"\x00", rb"\u00e9\U0001f600")
    )
    scanned = read(tmp_path, lines(line), volume=ScannedVolume("v1", entries=True))
    (row,) = scanned.rows["filesystem_entry"]
    assert path_of_text(row["path"]) == b"/l/\x07\x08\x0c\x0b'" + "é😀".encode()


def test_neighbours_that_share_escapes_are_told_apart(tmp_path):
    paths = [
        b"/l/\xff\xffa",
        b"/l/\xff\xffb",
        b"/l/\xff\xff\xffb",
        b"/l/\xff",
        b'/l/"',
        b'/l/"x',
        b"/l/\\",
        b"/l/x",
    ]
    scanned = read(
        tmp_path,
        lines(*(Entry(path) for path in paths), form=wrstat),
        volume=ScannedVolume("v1", entries=True),
    )
    assert sorted(path_of_text(row["path"]) for row in scanned.rows["filesystem_entry"]) == sorted(paths)


def test_older_gufi_traces_have_no_lengths_before_names(tmp_path):
    older = b"".join(in_gufi(one)[4:] + b"\n" for one in ENTRIES if one.path != ODD)
    scanned = read(tmp_path, older + b"l/a/db\x1ee\x1e\n")
    assert scanned.rejections == []
    assert scanned.total("files") == 2
    assert set(scanned.directories()) == {"/", "/l", "/l/a"}


def test_fractions_of_seconds_are_left_off(tmp_path):
    scanned = read(tmp_path, lines(Entry(b"/l/a", mtime=NOW - 5), form=in_find))
    (row,) = scanned.usage().values()
    assert int(row["newest_modification"].timestamp()) == NOW - 5
