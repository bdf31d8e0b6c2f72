"""How is daily usage not added up anew for every question? Each of its files is, once, and the sums are kept.

Files of daily usage never change, so their sums never do: by day and by month, over the columns that
questions mostly ask for together. They are a cache: what isn't there is read from daily usage itself, with
the same result, and the folder can be deleted at any time (the next `meterhouse build` makes it again).
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.usage.meters import profiles
from meterhouse.usage.tables import DAILY

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.view import View

FOLDER = ".rollups"
ALWAYS = ("rules", "kind", "state")
_PROJECT = ("project_ref", "project_name", "domain", "group_name")
_USER = ("user_ref", "user_name")
_SIZE = ("class", "qos", "vcpus", "memory_mib", "gpus", "gpu_model")
# Which columns sums are kept by, beside ALWAYS and the day or month. Each is made from the one it names.
SETS: dict[str, tuple[tuple[str, ...], str]] = {
    "project_user_size": (("resource", *_PROJECT, *_USER, *_SIZE), ""),
    "project_size": (("resource", *_PROJECT, *_SIZE), ""),
    "project_user": (("resource", *_PROJECT, *_USER), ""),
    "size": (("resource", *_SIZE), "project_size"),
    "user": (("resource", *_USER), "project_user"),
    "project": (("resource", *_PROJECT), "project_user"),
    "resource": (("resource",), "project"),
}
_MONTHS_ONLY = ("project_user_size",)  # so many values a day that little would be gained
# Fewer rows are read as fast as they are.
SMALL = 500_000
# Sums are kept where at least so many rows became one.
WORTH = 2
_MAKING, _LONGEST_MAKING = "making", 86_400
# What begins so beside the sums is usage.mover_days's; it goes when nobody asked for it for so many seconds.
DAYS_OF_MOVERS, _LONGEST_UNASKED = "days-of-", 7 * 86_400


@cache
def quantities() -> tuple[str, ...]:
    """All that meters add up over daily usage, as SQL over its columns; sums are kept under these names."""
    meters = [
        meter
        for realms in profiles().values()
        for realm in realms.values()
        for meter in realm.meters.values()
    ]
    asked = {text for one in meters for text in (one.quantity, one.of) if text}
    counted = {one.function for one in meters if one.function in ("begun", "ceased")}
    return tuple(sorted(asked | counted | {"wall_seconds", "spans"}))


def widened(quantity: str) -> str:
    """SQL of a quantity whose first factor is widened, so that no product overflows."""
    first, _, rest = quantity.partition(" * ")
    return f"CAST({first} AS DECIMAL(38, 0))" + (f" * {rest}" if rest else "")


def kept_at(view: View, file: TableFile) -> Path:
    """The folder of a file's sums. The name says the very content, and of what they are made."""
    return view.root / FOLDER / f"{file.path.stem}-{file.sha256[:16]}-{_shape()}"


@cache
def _shape() -> str:
    told = repr((SETS, _MONTHS_ONLY, ALWAYS, quantities(), DAILY.names, "2"))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def roll_up(view: View, open_engine: Callable[[], DuckDBEngine]) -> int:
    """Make what sums of the files in `view` are missing, drop those of files that are gone; how many made."""
    files = {kept_at(view, file): file for file in view.files("daily") if file.rows >= SMALL}
    missing = [path for path in files if not path.is_dir()]
    if missing:
        with open_engine() as engine, view.reading():
            for path in missing:
                _make(engine, view, files[path], path)
    _drop_unneeded(view)
    return len(missing)


def _drop_unneeded(view: View) -> None:
    """Sums of files that are gone or of another shape, what nobody asks for, what was left half made."""
    stems = {path.stem for path in (view.root / "daily").glob("*.parquet")}
    for kept in (view.root / FOLDER).glob("*"):
        stem, _, shape = kept.name.rpartition("-")
        if shape == _MAKING:
            with suppress(FileNotFoundError):
                if kept.stat().st_mtime < time.time() - _LONGEST_MAKING:
                    shutil.rmtree(kept, ignore_errors=True)
        elif shape != _shape() or stem.rpartition("-")[0] not in stems:
            shutil.rmtree(kept, ignore_errors=True)
        else:
            for days in kept.glob(f"{DAYS_OF_MOVERS}*"):
                with suppress(OSError):
                    if days.stat().st_mtime < time.time() - _LONGEST_UNASKED:
                        days.unlink()


def _make(engine: DuckDBEngine, view: View, file: TableFile, path: Path) -> None:
    """Whole or not at all."""
    making = path.with_name(f"{path.name}-{secrets.token_hex(4)}-{_MAKING}")
    making.mkdir(parents=True)
    try:
        daily = f"SELECT *, day AS last_day FROM ({view.select_files('daily', [file])})"
        entered = _sums_of_entries(engine, daily)
        kept = {name: f'CAST(SUM("{name}") AS {type_})' for name, (_, type_) in entered.items()}
        for name, (columns, of) in SETS.items():
            sums = kept if of else {one: sql for one, (sql, _) in entered.items()}
            source = f"rollup_{of}" if of else f"({daily})"
            if name not in _MONTHS_ONLY:
                engine.materialise(f"rollup_{name}", _added_up(source, ("day", *columns), sums))
                _write(engine, f"rollup_{name}", columns, making / f"{name}-day.parquet", file.rows)
                sums, source = kept, f"rollup_{name}"
            month = f"(SELECT * REPLACE (CAST(DATE_TRUNC('month', day) AS DATE) AS day) FROM {source})"
            engine.materialise("rollup_month", _added_up(month, ("day", *columns), sums))
            _write(engine, "rollup_month", columns, making / f"{name}-month.parquet", file.rows)
        with suppress(OSError):  # another process was faster
            making.replace(path)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _sums_of_entries(engine: DuckDBEngine, daily: str) -> dict[str, tuple[str, str]]:
    """SQL and type of the sum of each quantity: 64 bits wide where all of the file can't exceed them."""
    factors = sorted({factor for one in quantities() for factor in one.split(" * ")})
    most = ", ".join(f'MAX(ABS({factor})) AS "{factor}"' for factor in factors)
    [largest] = engine.query(f"SELECT COUNT(*) AS rows, {most} FROM ({daily})").to_pylist()
    found = {}
    for one in quantities():
        of_factors = [largest[factor] for factor in one.split(" * ")]
        if None in of_factors:
            found[one] = ("CAST(NULL AS BIGINT)", "BIGINT")
        elif prod(of_factors) * largest["rows"] < 2**63:
            found[one] = (f"CAST(SUM({one}) AS BIGINT)", "BIGINT")
        else:
            found[one] = (f"CAST(SUM({widened(one)}) AS DECIMAL(38, 0))", "DECIMAL(38, 0)")
    return found


def _added_up(source: str, columns: Iterable[str], sums: dict[str, str]) -> str:
    keys = ", ".join(f'"{one}"' for one in (*ALWAYS, *columns))
    added = ", ".join(f'{sql} AS "{name}"' for name, sql in sums.items())
    return f"SELECT {keys}, MAX(last_day) AS last_day, {added} FROM {source} GROUP BY {keys}"


def _write(engine: DuckDBEngine, table: str, columns: tuple[str, ...], path: Path, rows: int) -> None:
    """Sums that aren't far fewer than the rows they are made of aren't kept."""
    [[count]] = engine.query(f"SELECT COUNT(*) FROM {table}").columns[0:1]
    if count.as_py() * WORTH <= rows:
        order = ", ".join(f'"{one}"' for one in (*columns, "day"))
        engine.copy(f"SELECT * FROM {table}", path, order_by=order)
