"""Who changes owner inside a month, and what is recorded of them day by day?

They are few, and finding their rows means reading all of a file of daily usage. So the rows are kept beside
the file's sums, under a name that says of whom they are: a cache, which can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.usage.rollups import DAYS_OF_MOVERS, kept_at
from meterhouse.usage.whose import Side, Whose, same
from meterhouse.warehouse.engines import EngineError

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.view import View

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Moved:
    """Those of a side who change owner inside a month."""

    side: Side
    keys: tuple[str, ...]  # the columns of usage that tell who it is
    names: dict[date, str]  # for each month, a name for those who move in it: for others it is another
    told_by: str  # the one of these columns that is enough to leave out most others, or ""

    @property
    def table(self) -> str:
        return moved_table(self.side)

    @property
    def months(self) -> Collection[date]:
        return self.names.keys()

    def joined(self) -> str:
        """A join of rows u of usage with their months."""
        return (
            f"JOIN {self.table} AS x ON {same(self.keys, 'x', 'u')} AND u.day >= x.month AND u.day < x.after"
        )

    def of_month(self, rows: str, month: date) -> str:
        """SQL: those of the `rows` of a month that are theirs."""
        theirs = f"(SELECT * FROM {self.table} WHERE month = DATE '{month}')"
        if self.told_by:
            # One column tells of most, fast, that they don't move.
            told = f'SEMI JOIN {theirs} AS t ON t."{self.told_by}" = u."{self.told_by}"'
            rows = f"SELECT u.* FROM ({rows}) AS u {told}"
        return f"SELECT u.* FROM ({rows}) AS u SEMI JOIN {theirs} AS x ON {same(self.keys, 'x', 'u')}"


def moved_table(side: Side) -> str:
    """The name of the table of those of a side who move: month, after, and the keys."""
    return f"moved_{side.table}"


def find_moved(engine: DuckDBEngine, whose: Whose) -> Iterator[Moved]:
    """Make the tables of those who change owner inside a month; who there are, for each side with any."""
    for side in whose.sides:
        engine.materialise(moved_table(side), whose.moved(side))
        found = engine.query(f"SELECT * EXCLUDE (after) FROM {moved_table(side)} ORDER BY ALL")
        who = defaultdict(list)
        for month, *one in zip(*(column.to_pylist() for column in found.columns), strict=True):
            who[month].append(one)
        names = {
            month: hashlib.sha256(repr((found.column_names, those)).encode()).hexdigest()[:24]
            for month, those in who.items()
        }
        keys = whose.keys(side)
        told_by = next((key for key in side.columns if key in keys and not found[key].null_count), "")
        if names:
            yield Moved(side, tuple(keys), names, told_by)


def days_kept(view: View, engine: DuckDBEngine, file: TableFile, moved: Moved, month: date) -> Path | None:
    """A file with those rows of `file`, which is of one month, that are of those who move in it.

    It is made now if it isn't there. None where nothing can be written.
    """
    path = kept_at(view, file) / f"{DAYS_OF_MOVERS}{moved.side.table}-{moved.names[month]}.parquet"
    if path.exists():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _DAY:
                os.utime(path)  # still asked for
        return path
    making = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    try:
        engine.copy(moved.of_month(view.select_files("daily", [file]), month), making)
        making.replace(path)
    except (EngineError, OSError):
        # What can't be kept is read where it is. Should that fail, too, it says why.
        making.unlink(missing_ok=True)
        return None
    return path
