"""How does a model run on PostgreSQL? Translated, over temporary tables that Arrow data is copied into."""

from __future__ import annotations

import io
from types import TracebackType
from typing import Any, Self

import psycopg
import pyarrow as pa
import pyarrow.csv as csv
from psycopg import sql as compose

from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.portable import TranslationError, translate

ENGINE = "PostgreSQL"
_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.float64(): "DOUBLE PRECISION",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    # Compared byte by byte, as DuckDB and Spark do, and not by the rules of some language.
    pa.string(): 'TEXT COLLATE "C"',
}
_ARROW = {
    "int8": pa.int64(),
    "int4": pa.int32(),
    "bool": pa.bool_(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "text": pa.string(),
    "varchar": pa.string(),
}


class PostgreSQLEngine:
    """One session on a PostgreSQL server.

    All that it makes is temporary and of this session alone, unless `temporary` is off: then tables are
    unlogged ones, which parallel workers can read, and stay; that is for a database of one's own.
    """

    def __init__(self, url: str, *, temporary: bool = True) -> None:
        try:
            self._connection = psycopg.connect(url, autocommit=True)
            self._connection.execute("SET TIME ZONE 'UTC'")
        except psycopg.Error as error:
            raise EngineError(ENGINE, "", _readable(error)) from error
        self._made: dict[str, str] = {}
        self._kinds = (
            {"VIEW": "TEMP VIEW", "TABLE": "TEMP TABLE"}
            if temporary
            else {"VIEW": "VIEW", "TABLE": "UNLOGGED TABLE"}
        )

    def set(self, name: str, value: str) -> None:
        """A setting of this session, such as `work_mem`."""
        self._run(
            "",
            compose.SQL("SELECT set_config({}, {}, false)").format(
                compose.Literal(name), compose.Literal(value)
            ),
        )

    def relation(self, name: str, source: str | pa.Table | pa.RecordBatchReader) -> None:
        """Make `name` a view of a model, or a temporary table with Arrow data."""
        self._forget(name)
        if isinstance(source, str):
            self._create("VIEW", name, source)
        else:
            self._load(name, source.to_reader() if isinstance(source, pa.Table) else source)

    def materialise(self, name: str, sql: str) -> None:
        """Compute a model into a temporary table, with statistics for the models that read it."""
        making = f"{name} (making)"
        self._create("TABLE", making, sql)
        self._forget(name)
        self._run(
            name,
            compose.SQL("ALTER TABLE {} RENAME TO {}").format(
                compose.Identifier(making), compose.Identifier(name)
            ),
        )
        self._made[name] = self._made.pop(making)
        self._run(name, compose.SQL("ANALYZE {}").format(compose.Identifier(name)))

    def query(self, sql: str, *, name: str = "") -> pa.Table:
        """The rows of a model. NUMERIC comes as the narrowest decimal that holds the values."""
        cursor = self._run(name, self._translated(name, sql))
        columns = cursor.description or []
        rows = cursor.fetchall()
        arrays = [
            pa.array([row[place] for row in rows], self._arrow_type(column, rows))
            for place, column in enumerate(columns)
        ]
        return pa.Table.from_arrays(arrays, names=[column.name for column in columns])

    def close(self) -> None:
        """End the session; the server drops what it made."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self, name: str, reader: pa.RecordBatchReader) -> None:
        columns = compose.SQL(", ").join(
            compose.SQL("{} {}").format(
                compose.Identifier(field.name), compose.SQL(_column_type(name, field))
            )
            for field in reader.schema
        )
        table = compose.Identifier(name)
        self._run(
            name, compose.SQL("CREATE {} {} ({})").format(compose.SQL(self._kinds["TABLE"]), table, columns)
        )
        self._made[name] = "TABLE"
        try:
            with (
                self._connection.cursor() as cursor,
                cursor.copy(compose.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)) as copy,
            ):
                for batch in reader:
                    # Texts are quoted and nulls are not, which is how COPY tells '' from NULL.
                    lines = io.BytesIO()
                    csv.write_csv(batch, lines, csv.WriteOptions(include_header=False))
                    copy.write(lines.getvalue())
        except psycopg.Error as error:
            raise EngineError(ENGINE, name, _readable(error)) from error
        self._run(name, compose.SQL("ANALYZE {}").format(table))

    def _create(self, kind: str, name: str, sql: str) -> None:
        self._run(
            name,
            compose.SQL("CREATE {} {} AS {}").format(
                compose.SQL(self._kinds[kind]),
                compose.Identifier(name),
                self._translated(name, sql),
            ),
        )
        self._made[name] = kind

    def _translated(self, name: str, sql: str) -> compose.SQL:
        try:
            return compose.SQL(translate(sql, "postgres"))
        except TranslationError as error:
            raise EngineError(ENGINE, name, str(error)) from error

    def _forget(self, name: str) -> None:
        kind = self._made.pop(name, None)
        if kind is not None:
            self._run(name, compose.SQL("DROP {} {}").format(compose.SQL(kind), compose.Identifier(name)))

    def _run(self, name: str, statement: compose.SQL | compose.Composed) -> psycopg.Cursor[Any]:
        try:
            return self._connection.execute(statement)
        except psycopg.Error as error:
            raise EngineError(ENGINE, name, _readable(error)) from error

    def _arrow_type(self, column: psycopg.Column, rows: list[Any]) -> pa.DataType | None:
        kind = psycopg.adapters.types.get(column.type_code)
        known = _ARROW.get(kind.name if kind else "")
        if known is None and not rows:
            return pa.decimal128(38, 0)
        return known  # for NUMERIC, Arrow looks at the values


def _column_type(table: str, field: pa.Field) -> str:
    if pa.types.is_decimal(field.type):
        return f"NUMERIC({field.type.precision}, {field.type.scale})"
    try:
        return _TYPES[field.type]
    except KeyError:
        raise EngineError(ENGINE, table, f"column {field.name}: no type for {field.type}") from None


def _readable(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip("^ ")]
    return " | ".join(lines) or type(error).__name__
