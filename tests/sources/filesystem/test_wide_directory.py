"""A directory with very many files adds up in the memory of any other. `make scan-wide`: ten million."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

from scan_reading import NOW, read_stream

from meterhouse.sources.filesystem import kernel_layout as at

FILES = int(os.environ.get("METERHOUSE_WIDE_FILES", "200000"))


def pieces() -> Iterator[bytes]:
    """Lines of files of 0, 1, 2 ... bytes, ten thousand at a time."""
    rest = b"\t10\t100\t%d\t%d\t0\tf\t1\t1\t5\n" % (NOW - 5, NOW - 9)
    for start in range(0, FILES, 10_000):
        numbers = range(start, min(start + 10_000, FILES))
        yield b"".join(b"%b\t%d%b" % (base64.b64encode(b"/l/wide/%09d" % n), n, rest) for n in numbers)


def test_a_directory_of_very_many_files_is_one_row():
    scan, scanned, grown = read_stream(pieces())
    (row,) = scanned.rows["filesystem_usage"]
    assert (row["directory"], row["files"], row["apparent_bytes"]) == (
        "/l/wide",
        FILES,
        FILES * (FILES - 1) // 2,
    )
    assert len(scanned.rows["filesystem_directory"]) == 3
    assert scan.count(at.BAD_LINES) == 0
    assert grown < 256 << 20
