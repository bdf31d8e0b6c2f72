"""Which formats of scans need a translator, and which is it?"""

from __future__ import annotations

from meterhouse.sources.filesystem.find_printf import FindRecords
from meterhouse.sources.filesystem.gpfs_list import GpfsRecords
from meterhouse.sources.filesystem.gufi_trace import GufiRecords
from meterhouse.sources.filesystem.scan_formats import Translator


def translator_of(name: str, columns: str | None, origin: str) -> Translator | None:
    """The translator of a format's records; None for formats whose lines the kernel reads itself."""
    if name == "find":
        return FindRecords()
    if name == "gufi-trace":
        return GufiRecords()
    if name == "gpfs-list":
        return GpfsRecords(columns, origin)
    return None
