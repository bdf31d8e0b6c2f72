"""A directory with very many files adds up in the memory of any other. `make scan-wide`: ten million."""

from __future__ import annotations

import base64
import os
import resource
from collections.abc import Iterator

from scan_reading import NOW, SCANNED_AT, taken_apart

from meterhouse.sources.filesystem import kernel_layout as at
from meterhouse.sources.filesystem.file_classes import file_classes
from meterhouse.sources.filesystem.pass_state import Wanted
from meterhouse.sources.filesystem.scan_formats import MPISTAT
from meterhouse.sources.filesystem.scan_pass import ScanPass
from meterhouse.sources.filesystem.scan_rows import ScanRows

FILES = int(os.environ.get("METERHOUSE_WIDE_FILES", "200000"))


def pieces() -> Iterator[bytes]:
    """Lines of files of 0, 1, 2 ... bytes, ten thousand at a time."""
    rest = b"\t10\t100\t%d\t%d\t0\tf\t1\t1\t5\n" % (NOW - 5, NOW - 9)
    for start in range(0, FILES, 10_000):
        numbers = range(start, min(start + 10_000, FILES))
        yield b"".join(b"%b\t%d%b" % (base64.b64encode(b"/l/wide/%09d" % n), n, rest) for n in numbers)


def test_a_directory_of_very_many_files_is_one_row():
    stream = pieces()
    left = b""

    def fill(buffer: memoryview) -> int:
        nonlocal left
        done = 0
        while done < len(buffer):
            left = left or next(stream, b"")
            if not left:
                break
            part = left[: len(buffer) - done]
            buffer[done : done + len(part)] = part
            done, left = done + len(part), left[len(part) :]
        return done

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = ScanRows("lustre", "v1", SCANNED_AT, False, file_classes(), {}, {})
    scan = ScanPass.begin(MPISTAT.layout, rows, 5, Wanted())
    scanned = taken_apart([*scan.file(fill, "stream"), *scan.end()])
    (row,) = scanned.rows["filesystem_usage"]
    assert (row["directory"], row["files"], row["apparent_bytes"]) == (
        "/l/wide",
        FILES,
        FILES * (FILES - 1) // 2,
    )
    assert len(scanned.rows["filesystem_directory"]) == 3
    assert scan.count(at.BAD_LINES) == 0
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 256 << 20
