"""How does a CSV import replace the one before it, without rewriting what was known then?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.errors import MeterhouseError

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.landing import Landed


def import_csv(site: Site, kind: str, path: Path) -> Landed:
    """Land one of Open XDMoD's CSV files. The newest of a kind twice in a row is a no-op."""
    from meterhouse.sources.xdmod_csv import read_xdmod_csv

    if not path.is_file():
        raise MeterhouseError(f"directory import: expected a file, found {path}")
    now = datetime.now(UTC)
    before = site.warehouse.view().batches(source=f"xdmod-{kind}")
    if before:
        # What the newest import followed: if this file makes its key again, it is the same import.
        followed = before[-2].id if len(before) > 1 else ""
        again = read_xdmod_csv(kind, path, now, followed)
        if again.content_key.startswith(before[-1].id):
            return site.warehouse.land(again)
    return site.warehouse.land(read_xdmod_csv(kind, path, now, before[-1].id if before else ""))
