"""How do the four hierarchy files get onto the disk? Each whole, a new file in place of the old."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.hierarchy import hierarchy
from meterhouse.directory.state import Directory
from meterhouse.feeds.hierarchy_files import Columns, ambiguous, hierarchy_files

if TYPE_CHECKING:
    from meterhouse.site import Site


def export_hierarchy(
    site: Site, folder: Path, day: date, known: datetime | None, columns: Columns
) -> tuple[dict[Path, int], list[str]]:
    """Write the files of a day, as known at a moment; lines by path, and names that several PIs have."""
    found = hierarchy(Directory(site.register.alias, known), day)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, content in hierarchy_files(found, columns).items():
        path, making = folder / name, folder / f".{name}.making"
        with making.open("w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
        written[path] = content.count("\n")
    return written, ambiguous(found)
