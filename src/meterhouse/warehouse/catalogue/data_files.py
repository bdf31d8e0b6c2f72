"""Which files does the catalogue name, and which may therefore be deleted?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import asked
from meterhouse.warehouse.catalogue.models import DataFile
from meterhouse.warehouse.folder import Folder

_AT_ONCE = 500  # SQLite takes a limited number of parameters


def catalogued(alias: str, paths: Sequence[str]) -> set[str]:
    """Those of the paths (relative to the warehouse) that the catalogue names, live or superseded."""

    def ask() -> set[str]:
        found: set[str] = set()
        for position in range(0, len(paths), _AT_ONCE):
            part = DataFile.objects.using(alias).filter(path__in=paths[position : position + _AT_ONCE])
            found.update(part.values_list("path", flat=True))
        return found

    return asked(alias, ask)


def discard(folder: Folder, alias: str, paths: Iterable[Path]) -> None:
    """Remove files that were written in vain; one that the catalogue names stays."""
    by_name = {folder.relative(path): path for path in paths}
    for name in set(by_name) - catalogued(alias, list(by_name)):
        by_name[name].unlink(missing_ok=True)
