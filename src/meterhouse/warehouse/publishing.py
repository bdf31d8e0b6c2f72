"""How do newly built files take the place of older ones? In one transaction, for one builder at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.transactions import asked, committed
from meterhouse.warehouse.catalogue.data_files import discard
from meterhouse.warehouse.catalogue.models import Build, DataFile
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot
from meterhouse.warehouse.errors import BuildConflict, WarehouseError
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.parquet import put_on_disk
from meterhouse.warehouse.tables import Tables


@dataclass(frozen=True, slots=True)
class NewFile:
    """A derived file that was written to `Warehouse.new_path(table)`, to be published.

    Times None: it is never passed over by time.
    """

    table: str
    path: Path
    partition: str
    min_time: datetime | None
    max_time: datetime | None
    rows: int


@dataclass(frozen=True, slots=True)
class PublishedBuild:
    """A build: made from the raw tables as of `input_snapshot`, visible from `snapshot` on."""

    number: int
    input_snapshot: int
    snapshot: int
    models_key: str


def publish(
    folder: Folder,
    alias: str,
    tables: Tables,
    *,
    kind: str,
    previous_build: int | None,
    input_snapshot: int,
    models_key: str,
    add: Sequence[NewFile],
    remove: Sequence[int],
) -> int:
    """Swap derived files and note the build; returns the snapshot from which it can be seen.

    Files without rows are deleted instead of published. BuildConflict: another build came in between;
    then nothing has changed and the new files are deleted.
    """
    filled = [file for file in add if file.rows]
    for file in add:
        if tables[file.table].is_raw:
            raise WarehouseError(f"table {file.table} is a raw table; only deliveries add to it")
    on_disk = [(file, folder.relative(file.path), *put_on_disk(file.path)) for file in filled]
    folder.settle(file.path for file in filled)
    gone = sorted(set(remove))
    previous = previous_build or 0

    def swap() -> int:
        counter = lock_catalogue(alias)
        newest = Build.objects.using(alias).order_by("-number").first()
        if newest is not None and newest.number == previous + 1 and on_disk:
            # Committed already by a go whose answer got lost: then these very files are there.
            paths = [path for _, path, _, _ in on_disk]
            if DataFile.objects.using(alias).filter(path__in=paths).count() == len(paths):
                return int(newest.snapshot_id)
        if (newest.number if newest else 0) != previous:
            found = newest.number if newest else "none"
            raise BuildConflict(f"expected build {previous or 'none'} to be the newest, found {found}")
        snapshot = next_snapshot(alias, kind, counter)
        removed = sum(
            DataFile.objects.using(alias)
            .filter(id__in=gone[position : position + 500], removed_snapshot=None)
            .exclude(table__in=tables.raw_names())
            .update(removed_snapshot=snapshot)
            for position in range(0, len(gone), 500)
        )
        if removed != len(gone):
            raise BuildConflict(f"expected {len(gone)} live derived files to remove, found {removed}")
        DataFile.objects.using(alias).bulk_create(
            [
                DataFile(
                    table=file.table,
                    path=path,
                    partition=file.partition,
                    rows=file.rows,
                    bytes=size,
                    sha256=digest,
                    min_time=file.min_time,
                    max_time=file.max_time,
                    first_snapshot=snapshot.number,
                    last_snapshot=snapshot.number,
                    added_snapshot=snapshot,
                )
                for file, path, size, digest in on_disk
            ],
            batch_size=500,
        )
        Build.objects.using(alias).create(
            number=previous + 1,
            previous=previous,
            input_snapshot=input_snapshot,
            snapshot=snapshot,
            models_key=models_key,
        )
        return snapshot.number

    try:
        return committed(alias, swap)
    finally:  # the empty ones, and after a conflict all
        discard(folder, alias, [file.path for file in add])


def last_build(alias: str, snapshot: int) -> PublishedBuild | None:
    """The newest build that can be seen as of a snapshot."""
    builds = Build.objects.using(alias).filter(snapshot_id__lte=snapshot).order_by("-number")
    build = asked(alias, builds.first)
    if build is None:
        return None
    return PublishedBuild(build.number, build.input_snapshot, build.snapshot_id, build.models_key)
