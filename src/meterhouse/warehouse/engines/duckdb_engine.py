"""How does a model run in this process? On DuckDB, in UTC, spilling to disk, and without a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from meterhouse.warehouse.engines import EngineError, Parameters
from meterhouse.warehouse.engines.spill import SpillDirectory

ENGINE = "DuckDB"
# Of what is made once: rows in all, how many of them a table counts for beside its own, and tables at least.
_ROOM, _EACH, _AT_LEAST = 1_000_000, 1000, 8


@dataclass(frozen=True, slots=True)
class _Once:
    """A table that is kept, and the data that it was made of, so that no other has its identity meanwhile."""

    name: str
    rows: int
    read: list[pa.Table]


class DuckDBEngine:
    """One isolated DuckDB session.

    `memory_limit` is a size as DuckDB writes it ("1GiB"); beyond it tables, sorts and joins spill into a
    directory of this session's own below `temp_directory` (without one, below the system's). A session
    is for one thread at a time; another thread asks a session `beside` it.
    """

    def __init__(
        self,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
        temp_directory: Path | None = None,
    ) -> None:
        self._spill: SpillDirectory | None = SpillDirectory.claim(temp_directory)
        settings: dict[str, Any] = {
            "temp_directory": str(self._spill.path),
            "preserve_insertion_order": False,
            # DuckDB 2.0.0 hangs for ever when a COPY to Parquet fails while its writes are in flight, and
            # when memory runs out while it reads ahead; without threads of their own both are done in line.
            "async_threads": 0,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            # Otherwise a misspelt table would be looked up among the caller's Python variables.
            "python_enable_replacements": False,
            # A range join with few rows, as with a calendar, compares with each: sorting both sides (as
            # wide as they are) for a merge costs twice as much.
            "nested_loop_join_threshold": 200,
        }
        if memory_limit is not None:
            settings["memory_limit"] = memory_limit
        if threads is not None:
            settings["threads"] = threads
        self._tables: dict[str, pa.Table] = {}  # what was registered and is still under its name
        self._once: OrderedDict[Hashable, _Once] = OrderedDict()  # by the text, and what it reads
        self._count = count(1)
        self._standing: dict[str, str] = {}  # which of these stands under a name
        self._kinds: dict[str, str] = {}  # of what stands under a name: asking the catalogue takes longer
        try:
            self._connection = duckdb.connect(":memory:", config=settings)
            self._connection.execute("SET TimeZone = 'UTC'")
        except duckdb.Error as error:
            self._spill.release()
            told = f"memory limit {memory_limit}, threads {threads}: {readable(error)}"
            raise EngineError(ENGINE, "", told) from error

    @property
    def threads(self) -> int:
        """How many threads work on a query, of all sessions that are beside one another."""
        return int(self.query("SELECT current_setting('threads') AS threads").column(0)[0].as_py())

    @threads.setter
    def threads(self, threads: int) -> None:
        self._run("threads", f"SET GLOBAL threads = {int(threads)}")

    def beside(self) -> DuckDBEngine:
        """A session for another thread, on the same tables and views; to be closed before this one.

        What one makes of SQL the other sees, too, and may make again. Arrow data is seen by the session that
        was given it, and by those that were opened beside it later; its name stays with them.
        """
        other = copy(self)
        other._spill = None  # what spills lies with this one
        other._tables = dict(self._tables)
        other._once, other._standing = OrderedDict(), {}
        other._connection = self._connection.cursor()
        other._run("", "SET TimeZone = 'UTC'")
        for name, table in self._tables.items():
            other._register(name, table)
        return other

    def relation(self, name: str, source: str | pa.Table | pa.RecordBatchReader) -> None:
        """Make `name` a view of a SELECT text or of Arrow data; a reader is read to its end now."""
        if self._tables.get(name.lower()) is source:
            return
        self._forget(name)
        if isinstance(source, str):
            self._run(name, f"CREATE VIEW {quoted(name)} AS {source}")
            self._kinds[name.lower()] = "VIEW"
        elif isinstance(source, pa.Table):
            self._register(name, source)
            self._kinds[name.lower()] = "VIEW"
            self._tables[name.lower()] = source
        else:
            stream = f"{name} (stream)"
            self._register(stream, source)
            try:
                self._run(name, f"CREATE TABLE {quoted(name)} AS SELECT * FROM {quoted(stream)}")
                self._kinds[name.lower()] = "TABLE"
            finally:
                self._connection.unregister(stream)

    def materialise(self, name: str, sql: str) -> None:
        """Compute `sql` into a table, which spills under the memory limit."""
        # Into a table of another name first: the model may read what stands under `name` until now.
        known = name.lower() in self._kinds
        making = f"{name} (making)" if known else name
        self._run(name, f"CREATE OR REPLACE TABLE {quoted(making)} AS {bare(sql)}")
        if known:
            self._forget(name)
            self._run(name, f"ALTER TABLE {quoted(making)} RENAME TO {quoted(name)}")
        self._kinds[name.lower()] = "TABLE"

    def drop(self, *names: str) -> None:
        """Give back what these tables hold. Views of them can't be asked any more."""
        for name in names:
            self._forget(name)

    def materialise_once(self, name: str, sql: str) -> None:
        """As `materialise`, but what this text made before is used again (see `made_once`)."""
        made = self.made_once(name, sql)
        if self._standing.get(name.lower()) != made:
            self.relation(name, f"SELECT * FROM {quoted(made)}")
            self._standing[name.lower()] = made

    def made_once(self, title: str, sql: str) -> str:
        """The name, with `title` in it, of a table that holds the rows of `sql`, made before or now.

        The text may read files, which never change, Arrow data, and tables that this gave a name: it is made
        again where the data is other data. Of all that is kept so the least lately used goes first.
        """
        read = [table for name, table in self._tables.items() if name in sql]
        key = (sql, *map(id, read))
        if key not in self._once:
            name = f"{title} {next(self._count)}"
            self.materialise(name, sql)
            [[rows]] = self._run(name, f"SELECT COUNT(*) FROM {quoted(name)}").fetchall()
            self._once[key] = _Once(name, rows, read)
        self._once.move_to_end(key)
        kept = self._once[key].name
        while sum(one.rows + _EACH for one in self._once.values()) > _ROOM and len(self._once) > _AT_LEAST:
            _, unused = self._once.popitem(last=False)
            self._forget(unused.name)
        return kept

    def query(self, sql: str, parameters: Parameters = (), *, name: str = "") -> pa.Table:
        """The rows of `sql`; parameters are `?` or `$1` with a sequence, `$word` with a mapping."""
        try:
            return self._connection.sql(sql, params=parameters or None).to_arrow_table()
        except duckdb.Error as error:
            raise EngineError(ENGINE, name, readable(error)) from error

    def reader(self, sql: str, parameters: Parameters = (), *, name: str = "") -> pa.RecordBatchReader:
        """The rows of `sql` as a stream, to be read before the engine is asked anything else."""
        try:
            return self._connection.sql(sql, params=parameters or None).to_arrow_reader(100_000)
        except duckdb.Error as error:
            raise EngineError(ENGINE, name, readable(error)) from error

    def copy(self, sql: str, path: Path, *, order_by: str = "", name: str = "") -> int:
        """Write the rows of `sql` to a new Parquet file (zstd), streaming; returns how many.

        `order_by` is a comma-separated list of columns. A failure leaves no file. Of zstd's levels 1 takes a
        fifth less time than 3, for files of spans that are a twentieth larger, and others that aren't.
        """
        select = f"SELECT * FROM ({bare(sql)}) ORDER BY {order_by}" if order_by else bare(sql)
        try:
            copied = self._run(
                name or path.name,
                f"COPY ({select}) TO {literal(str(path))} "
                "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
            ).fetchone()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if copied is None:
            raise EngineError(ENGINE, name or path.name, "COPY did not say how many rows it wrote")
        return int(copied[0])

    def close(self) -> None:
        """Close the session and remove what it spilled."""
        self._connection.close()
        if self._spill is not None:
            self._spill.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, model: str, sql: str, parameters: Parameters = ()) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql, parameters) if parameters else self._connection.execute(sql)
        except (duckdb.Error, pa.ArrowException) as error:
            raise EngineError(ENGINE, model, readable(error)) from error

    def _register(self, name: str, source: pa.Table | pa.RecordBatchReader) -> None:
        try:
            self._connection.register(name, source)
        except duckdb.Error as error:
            raise EngineError(ENGINE, name, readable(error)) from error

    def _forget(self, name: str) -> None:
        self._standing.pop(name.lower(), None)
        self._tables.pop(name.lower(), None)
        if kind := self._kinds.pop(name.lower(), None):
            self._run(name, f"DROP {kind} {quoted(name)}")


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def bare(sql: str) -> str:
    """A model without the semicolon that may end it; a comment at its end can't swallow what follows."""
    return sql.rstrip().rstrip(";") + "\n"


def readable(error: Exception) -> str:
    """DuckDB's message on one line: what is wrong, and the line of SQL it stands on."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if line.strip("^") and not line.startswith("Stack Trace")]
    return " | ".join(told) or type(error).__name__
