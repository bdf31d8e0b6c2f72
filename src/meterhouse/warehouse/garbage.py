"""Which files does nobody need any more? Superseded ones after a grace time, and those of dead writers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import TruncDay

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import committed
from meterhouse.warehouse.catalogue.data_files import catalogued
from meterhouse.warehouse.catalogue.models import DataFile, Snapshot
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.tables import Tables


@dataclass(frozen=True, slots=True)
class GarbageReport:
    """What was deleted."""

    superseded_files: int
    orphaned_files: int
    bytes: int


def collect_garbage(folder: Folder, alias: str, tables: Tables, grace: timedelta) -> GarbageReport:
    """Delete files that were superseded longer than `grace` ago and that no kept snapshot needs.

    Raw files that were compacted are needed by none: the compacted file answers for all snapshots.
    Also deletes files that no catalogue entry names, older than `grace`, of writers that are gone.
    """
    gone = committed(alias, lambda: _forget_superseded(alias, tables, datetime.now(UTC) - grace))
    freed = 0
    for (
        path,
        size,
    ) in gone:  # after the transaction: were it not committed, they would still be needed
        (folder.root / path).unlink(missing_ok=True)
        freed += size
    orphans, orphan_bytes = _remove_orphans(folder, alias, grace)
    folder.forget_dead_writers()
    return GarbageReport(len(gone), orphans, freed + orphan_bytes)


def release_snapshots(alias: str, before: datetime) -> int:
    """Cease to keep snapshots made before a time, but for the newest of them; returns how many.

    Derived tables can't be read as of such a snapshot any more, raw tables can.
    """

    def release() -> int:
        lock_catalogue(alias)
        old = Snapshot.objects.using(alias).filter(created_at__lt=before).order_by("-number")
        newest = old.first()
        if newest is None:
            return 0
        return Snapshot.objects.using(alias).filter(number__lt=newest.number, kept=True).update(kept=False)

    return committed(alias, release)


def thin_snapshots(alias: str, before: datetime) -> int:
    """Of the snapshots made before a time, keep only the last of each day (UTC); returns how many go.

    As with `release_snapshots`, raw tables still answer for those that are no longer kept.
    """

    def thin() -> int:
        lock_catalogue(alias)
        old = Snapshot.objects.using(alias).filter(created_at__lt=before)
        last_of_day = (
            old.annotate(day=TruncDay("created_at", tzinfo=UTC)).values("day").annotate(last=Max("number"))
        )
        last = [row["last"] for row in last_of_day]
        thinned = 0
        for lower, upper in pairwise([0, *sorted(last)]):
            between = old.filter(number__gt=lower, number__lt=upper, kept=True)
            thinned += between.update(kept=False)
        return thinned

    return committed(alias, thin)


def _forget_superseded(alias: str, tables: Tables, removed_before: datetime) -> list[tuple[str, int]]:
    """Take superseded files out of the catalogue; (path, bytes) of each."""
    lock_catalogue(alias)
    still_read = Snapshot.objects.using(alias).filter(
        kept=True,
        number__gte=OuterRef("added_snapshot_id"),
        number__lt=OuterRef("removed_snapshot_id"),
    )
    superseded = (
        DataFile.objects.using(alias)
        .filter(removed_snapshot__created_at__lte=removed_before)
        .filter(Q(table__in=tables.raw_names()) | ~Exists(still_read))
    )
    found = list(superseded.values_list("id", "path", "bytes"))
    ids = [id_ for id_, _, _ in found]
    for position in range(0, len(ids), 500):
        DataFile.objects.using(alias).filter(id__in=ids[position : position + 500]).delete()
    return [(path, size) for _, path, size in found]


def _remove_orphans(folder: Folder, alias: str, grace: timedelta) -> tuple[int, int]:
    """Delete files that no catalogue entry names and that nobody can publish any more."""
    old = time.time() - grace.total_seconds()
    unclaimed: dict[str, int] = {}
    for path in folder.files():
        try:
            status = path.stat()
        except FileNotFoundError:  # another process collects as well
            continue
        if status.st_mtime <= old and not folder.writer_is_alive(path):
            unclaimed[folder.relative(path)] = status.st_size
    # Asked after their writers were found gone: what those published is in the catalogue by now.
    orphans = set(unclaimed) - catalogued(alias, list(unclaimed))
    for orphan in orphans:
        (folder.root / orphan).unlink(missing_ok=True)
    return len(orphans), sum(unclaimed[orphan] for orphan in orphans)
