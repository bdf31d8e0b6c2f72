"""What damage costs: the line where it is, and nothing else; and no more memory than usual."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from scan_reading import NOW, Entry, lines, mpistat, read, read_stream, wrstat

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.scans import ScannedVolume

GOOD = Entry(b"/l/good", 5)
GOOD_LINE = mpistat(GOOD)
QUOTED = wrstat(GOOD)


def columns(**changed: bytes) -> bytes:
    """A good line with some columns changed."""
    names = ["path", "size", "uid", "gid", "atime", "mtime", "ctime", "type", "inode", "links", "device"]
    return b"\t".join(
        changed.get(name, said) for name, said in zip(names, GOOD_LINE.split(b"\t"), strict=True)
    )


def encoded(path: bytes) -> bytes:
    return base64.b64encode(path)


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        (b"", "path", "base64"),
        (b"\t" * 10, "size", "an integer"),
        (columns(path=b"L2wv*XZp"), "path", "base64"),
        (columns(path=b"L2wvZ"), "path", "base64"),
        (columns(path=b"L2wvZQ="), "path", "base64"),
        (columns(path=b"=L2wvZQ="), "path", "base64"),
        (columns(path=b"L2w=L2wv"), "path", "base64"),
        (columns(path=encoded(b"relative")), "path", "a path that begins with /"),
        (columns(path=encoded(b"/l/a\0b")), "path", "a path without NUL"),
        (columns(path=encoded(b"/l//b")), "path", "names between slashes"),
        (columns(path=encoded(b"/l/b/")), "path", "a slash at the end of directories only"),
        (columns(path=encoded(b"/x" * 20_000)), "path", "at most 16,384 directories above"),
        (columns(size=b"-5"), "size", "no negative number"),
        (columns(size=b"%d" % 2**63), "size", "an integer that fits"),
        (columns(size=b"%d" % 2**64), "size", "an integer that fits"),
        (columns(size=b"9" * 5000), "size", "an integer that fits"),
        (columns(size=b"1e5"), "size", "an integer"),
        (columns(size=b"12\x0034"), "size", "an integer"),
        (columns(size=b""), "size", "an integer"),
        (columns(uid=b"%d" % 2**32), "uid", "an integer that fits"),
        (columns(gid=b"-1"), "gid", "no negative number"),
        (columns(mtime=b"yesterday"), "modification time", "an integer"),
        (columns(atime=b"%d" % 10**30), "access time", "an integer that fits"),
        (columns(type=b"Q"), "type", "one of f d l s b c F X p D"),
        (columns(type=b"ff"), "type", "one of f d l s b c F X p D"),
        (columns(type=b""), "type", "one of f d l s b c F X p D"),
        (columns(inode=b"%d" % 2**64), "inode", "an integer that fits"),
        (columns(links=b"-1"), "links", "no negative number"),
        (GOOD_LINE + b"\tmore", "", "the end of the line"),
        (GOOD_LINE.rsplit(b"\t", 1)[0], "", "more columns"),
        (GOOD_LINE + b"\r", "device", "an integer"),
        (b"\0" * 100, "path", "base64"),
        (b"\xff\xfe" * 50, "path", "base64"),
    ],
)
def test_a_damaged_line_is_kept_aside_with_its_number_and_costs_only_itself(tmp_path, line, field, expected):
    scanned = read(tmp_path, lines(GOOD, line, Entry(b"/l/after", 7)))
    (rejection,) = scanned.rejections
    assert (rejection.record, rejection.field, rejection.expected) == (2, field, expected)
    assert len(rejection.excerpt) <= 200
    assert (scanned.total("apparent_bytes"), scanned.total("files")) == (12, 2)
    assert (scanned.scan["lines"], scanned.scan["bad_lines"]) == (3, 1)


@pytest.mark.parametrize(
    "path",
    [
        b"/l/open",
        b'"/l/open',
        b'"/l/a\\q"',
        b'"/l/a\\x4"',
        b'"/l/a\\xzz"',
        b'"/l/\\UFFFFFFFF"',
        b'"/l/a"b"',
        b'"',
    ],
)
def test_damaged_quotes_cost_only_their_line(tmp_path, path):
    line = b"\t".join([path, *QUOTED.split(b"\t")[1:]])
    scanned = read(tmp_path, lines(QUOTED, line, wrstat(Entry(b"/l/after", 7))))
    assert [(one.record, one.field, one.expected) for one in scanned.rejections] == [
        (2, "path", "a path in quotes")
    ]
    assert scanned.total("apparent_bytes") == 12


def test_sizes_up_to_63_bits_add_up_exactly(tmp_path):
    entries = [Entry(b"/l/%d" % n, 2**63 - 1) for n in range(5)]
    scanned = read(tmp_path, lines(*entries))
    assert scanned.total("apparent_bytes") == 5 * (2**63 - 1)
    assert scanned.directories()["/"]["apparent_bytes"] == 5 * (2**63 - 1)
    amounts = [row["apparent_bytes"] for row in scanned.rows["filesystem_usage"]]
    assert min(amounts) >= 0


def test_times_far_from_now_are_ignored_and_counted(tmp_path):
    after_2262 = 9_300_000_000
    scanned = read(
        tmp_path, lines(Entry(b"/a", atime=after_2262, mtime=2**63 - 1), Entry(b"/b", atime=-(2**62)))
    )
    assert (scanned.scan["future_accesses"], scanned.scan["future_modifications"]) == (1, 1)
    assert scanned.scan["early_times"] == 1
    (row,) = scanned.usage().values()
    assert row["oldest_access"] is None
    assert int(row["newest_modification"].timestamp()) == NOW - 86_400


def test_many_bad_lines_are_counted_exactly_and_a_thousand_kept(tmp_path):
    scanned = read(tmp_path, lines(GOOD) + b"bad\n" * 5000 + lines(GOOD))
    assert (scanned.scan["bad_lines"], len(scanned.rejections)) == (5000, 1000)
    assert [one.record for one in scanned.rejections] == list(range(2, 1002))


def test_a_directory_4000_levels_deep_has_a_row_for_each_level(tmp_path):
    deep = b"/d" * 4000
    scanned = read(tmp_path, lines(Entry(deep + b"/f", 3), Entry(b"/g", 4)))
    found = scanned.directories()
    assert len(found) == 4001
    assert found["/"]["apparent_bytes"] == 7
    assert {row["apparent_bytes"] for name, row in found.items() if name != "/"} == {3}
    assert scanned.total("apparent_bytes", directory="/d/d/d/d/d") == 3


def test_owners_without_end_add_up_in_bounded_memory(tmp_path):
    entries = [Entry(b"/l/%d/x/y" % (n // 500), 1, uid=n) for n in range(2500)]
    scanned = read(tmp_path, lines(*entries))
    assert scanned.directories()["/l"]["files"] == 2500
    assert scanned.directories()["/l/3/x"]["files"] == 500
    assert len(scanned.directories("directory", "uid", directory="/l")) == 2500


def test_a_line_of_a_gigabyte_is_one_bad_line():
    """It is made while it is read, and never held."""
    first = lines(GOOD)
    last = lines(Entry(b"/l/after", 7))
    gigabyte = 1 << 30

    def pieces() -> Iterator[bytes]:
        yield first
        block = b"A" * (1 << 20)
        for _ in range(gigabyte // len(block)):
            yield block
        yield b"\n" + last

    scan, scanned, grown = read_stream(pieces())
    assert scan.count(at.LINES) == 3
    assert [(one.record, one.expected) for one in scanned.rejections] == [
        (2, "a line of at most 1,048,576 bytes")
    ]
    assert scanned.total("apparent_bytes") == 12
    assert grown < 200 << 20


def test_lines_that_cross_blocks_are_whole(tmp_path):
    """A block is a mebibyte: lines of many lengths end and begin at its edges."""
    entries = [Entry(b"/l/" + b"n" * (n % 4001 + 1) + b"/%d" % n, n) for n in range(3000)]
    scanned = read(tmp_path, lines(*entries))
    assert (scanned.scan["lines"], scanned.scan["bad_lines"]) == (3000, 0)
    assert scanned.total("apparent_bytes") == sum(range(3000))
    assert scanned.directories()["/l"]["files"] == 3000


def test_a_long_line_below_the_limit_is_read(tmp_path):
    path = b"/l/" + b"/".join([b"n" * 250] * 2000)  # half a megabyte, 2,000 levels
    scanned = read(tmp_path, lines(GOOD, Entry(path, 9), GOOD), volume=ScannedVolume("v1", directories=False))
    assert scanned.rejections == []
    assert scanned.total("apparent_bytes") == 19
