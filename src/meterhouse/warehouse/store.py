"""What can be done with a warehouse? Land, view, publish, compact and tidy up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
from django.db import DatabaseError

import meterhouse.register.configured  # noqa: F401
from meterhouse.register.database import Register
from meterhouse.register.transactions import asked
from meterhouse.sources.delivery import Delivery
from meterhouse.warehouse import compaction, garbage, landing, publishing
from meterhouse.warehouse.catalogue.data_files import discard
from meterhouse.warehouse.catalogue.snapshots import resolve_snapshot
from meterhouse.warehouse.compaction import CompactionReport
from meterhouse.warehouse.folder import Folder
from meterhouse.warehouse.garbage import GarbageReport
from meterhouse.warehouse.landing import Landed
from meterhouse.warehouse.publishing import NewFile, PublishedBuild
from meterhouse.warehouse.tables import Tables
from meterhouse.warehouse.view import View

GRACE = timedelta(hours=24)  # longer than any query runs
LANDINGS_A_CHECK = 8  # one landing in eight looks whether there is something to compact
_MERGES_AT_ONCE = 8

_log = logging.getLogger(__name__)


class Warehouse:
    """Raw and derived tables as Parquet files under `root`, with their catalogue in the register.

    Any number of processes may use it at once. `derived` declares derived tables by name.
    """

    def __init__(
        self,
        root: Path,
        register: Register,
        derived: Mapping[str, pa.Schema] | None = None,
    ) -> None:
        self.root = Path(root).absolute()
        self.register = register
        self._folder = Folder(self.root)
        self._tables = Tables(derived)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cease to be a writer. The register stays open."""
        self._folder.close()

    def declare(self, name: str, schema: pa.Schema, time_column: str | None = None) -> None:
        """Make a derived table known by name, columns and types."""
        self._tables.declare(name, schema, time_column)

    def land(self, delivery: Delivery) -> Landed:
        """Make a delivery part of the raw tables, or nothing of it. Again the same content: a no-op.

        Raises what the delivery's stream raises, and DeliveryRefused if it breaks its contract.
        """
        landed = landing.land(self._folder, self.register.alias, self._tables, delivery)
        # Chosen by content: counting would need a process that lives long, and a snapshot's number
        # might for ever be odd where each landing is followed by a build.
        if not landed.already_landed and int(landed.batch_id, 16) % LANDINGS_A_CHECK == 0:
            self._compact_a_little()
        return landed

    def view(self, as_of: int | datetime | None = None) -> View:
        """The state as of a snapshot number, of a moment, or (None) now.

        UnknownSnapshot: a number beyond the newest, or a moment before the first.
        """
        alias = self.register.alias
        return View(
            self._folder,
            alias,
            self._tables,
            asked(alias, lambda: resolve_snapshot(alias, as_of)),
        )

    def new_path(self, table: str) -> Path:
        """Where to write a derived file; `publish` makes it part of the table."""
        self._tables[table]  # refuses a table that nobody declared
        return self._folder.new_path(table)

    def discard(self, paths: Iterable[Path]) -> None:
        """Remove files from `new_path` that won't be published after all."""
        discard(self._folder, self.register.alias, paths)

    def publish(
        self,
        kind: str = "build",
        *,
        previous_build: int | None,
        input_snapshot: int,
        models_key: str,
        add: Sequence[NewFile],
        remove: Sequence[int],
    ) -> int:
        """Swap derived files (`remove`: ids of `TableFile`) and note the build; returns its snapshot.

        `previous_build` is the number of the build that this one starts from (None: there is none).
        BuildConflict if another was published in between; then nothing has changed, and the files of
        `add` are deleted.
        """
        return publishing.publish(
            self._folder,
            self.register.alias,
            self._tables,
            kind=kind,
            previous_build=previous_build,
            input_snapshot=input_snapshot,
            models_key=models_key,
            add=add,
            remove=remove,
        )

    def last_build(self, view: View) -> PublishedBuild | None:
        """The newest build that a view sees."""
        return publishing.last_build(self.register.alias, view.snapshot)

    def compact(self, *, every_small_file: bool = False) -> CompactionReport:
        """Merge small raw files. Landing does so by itself; `every_small_file` also merges the rest."""
        return compaction.compact(
            self._folder,
            self.register.alias,
            self._tables,
            every_small_file=every_small_file,
        )

    def collect_garbage(self, grace: timedelta = GRACE) -> GarbageReport:
        """Delete files that were superseded longer than `grace` ago and are needed by no kept snapshot."""
        return garbage.collect_garbage(self._folder, self.register.alias, self._tables, grace)

    def release_snapshots(self, before: datetime) -> int:
        """Cease to keep derived tables for snapshots before a time; returns how many snapshots."""
        return garbage.release_snapshots(self.register.alias, before)

    def thin_snapshots(self, before: datetime) -> int:
        """Of the snapshots made before a time, keep the derived tables of the last of each day only."""
        return garbage.thin_snapshots(self.register.alias, before)

    def _compact_a_little(self) -> None:
        """A few merges after some of the landings, so that landing stays quick.

        The batch has landed whatever becomes of this, so a failure is told and left to the next time.
        """
        alias = self.register.alias
        try:
            report = compaction.compact(self._folder, alias, self._tables, at_most=_MERGES_AT_ONCE)
            if report.merges:
                garbage.collect_garbage(self._folder, alias, self._tables, GRACE)
        except (OSError, DatabaseError, pa.ArrowException):
            _log.warning("compaction after landing failed; it will be tried again", exc_info=True)
