"""Whatever a scan says, the one pass and plain Python over a list agree to the last byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scan import totals
from scan_reading import DAY, NOW, SUMS, Entry, lines, mpistat, read, wrstat

from meterhouse.sources.filesystem.path_text import path_of_text
from meterhouse.sources.filesystem.scans import ScannedVolume

_NAMES = st.sampled_from(
    [
        b"a",
        b"b",
        b"ab",
        b"users",
        b"Users",
        b"tmp",
        b"x\xff",
        "é".encode(),
        b"n\nl",
        b'q"\\',
        b"tmp.1",
        b"c.d",
    ]
)
_FILES = st.one_of(
    st.sampled_from([b"r.bam", b"r.cram", b"R.CRAM", b"v.vcf.gz", b"p.bed", b"f.fq.gz", b"i.bam.bai"]),
    st.sampled_from([b"t.tmp", b"l.log", b"z.gz", b".tmp.x", b"noext", b"t.csv", b"x\xfe.bam", b".bam"]),
)
_TIMES = st.one_of(
    st.integers(NOW - 3000 * DAY, NOW + 10), st.sampled_from([-1, 0, NOW, NOW + 1, NOW - 30 * DAY, 2**62])
)


@st.composite
def scans(draw: st.DrawFn) -> list[Entry]:
    """Entries in any order, some of them further names of inodes that were there."""
    entries: list[Entry] = []
    for _ in range(draw(st.integers(1, 40))):
        above = draw(st.lists(_NAMES, max_size=6))
        kind = draw(st.sampled_from("fffffdls"))
        name = draw(_NAMES if kind == "d" else _FILES)
        path = b"/" + b"/".join([*above, name])
        known = [one for one in entries if one.links > 1 and one.type != "d"]
        if known and kind == "f" and draw(st.booleans()):
            one = draw(st.sampled_from(known))
            entries.append(Entry(path, one.size, one.uid, one.gid, one.atime, one.mtime, one.type, one.inode,
                                 one.links, one.device, allocated=one.allocated))  # fmt: skip
            continue
        entries.append(
            Entry(
                path,
                draw(st.one_of(st.integers(0, 1000), st.just(2**62))),
                draw(st.sampled_from([0, 7, 2**32 - 1])),
                draw(st.sampled_from([0, 9, 2**32 - 1])),
                draw(_TIMES),
                draw(_TIMES),
                kind,
                len(entries) + 1,
                draw(st.sampled_from([1, 1, 1, 2, 3, 0])),
                draw(st.sampled_from([1, 2**63 + 5])),
                allocated=draw(st.integers(0, 9)) * 512,
            )
        )
    return entries


@settings(max_examples=40, deadline=None)
@given(scans(), st.integers(0, 4), st.sampled_from(["mpistat", "wrstat-blocks"]))
def test_usage_and_directories_are_what_plain_python_adds_up(entries, limit, form):
    if form == "mpistat":
        content = lines(*entries, form=mpistat)
    else:
        content = lines(*(wrstat(one, blocks=True) for one in entries))
    with tempfile.TemporaryDirectory() as folder:
        volume = ScannedVolume("v1", "/", limit)
        scanned = read(Path(folder), content, "scan.dat", volume, scan_format=form)
    assert scanned.rejections == []
    usage, directories = totals(entries, limit)
    found = scanned.usage("directory", "gid", "uid", "file_class", "access_age_days", "modification_age_days")
    assert _plain(found, form) == _without(usage, form)
    assert _plain(scanned.directories("directory", "gid", "uid"), form) == _without(directories, form)


def _plain(found, form):
    """Rows as plain Python has them: paths in bytes, times in seconds."""
    return {
        (path_of_text(key[0]), *key[1:]): {name: row[name] for name in SUMS}
        | {
            name: None if row[name] is None else int(row[name].timestamp())
            for name in ("oldest_access", "newest_modification")
        }
        for key, row in found.items()
    }


def _without(expected, form):
    """mpistat doesn't say what is allocated."""
    return {
        key: row | ({"allocated_bytes": None} if form == "mpistat" else {}) for key, row in expected.items()
    }
