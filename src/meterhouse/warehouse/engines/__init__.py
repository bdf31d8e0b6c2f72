"""What runs a model? An engine: give it tables, run SQL in DuckDB's dialect, get Arrow back.

Models are SQL texts in DuckDB's dialect, kept to the subset of `portable`. `DuckDBEngine` runs them as
they are; `SparkEngine` and `PostgreSQLEngine` translate them first. All work in UTC, share nothing with
other engines that are open, and say which model failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from meterhouse.errors import MeterhouseError

Parameters = Mapping[str, Any] | Sequence[Any]


class EngineError(MeterhouseError):
    """An engine could not do what it was asked; the message names the model and says why."""

    def __init__(self, engine: str, model: str, reason: str) -> None:
        super().__init__(f"{engine}: {model}: {reason}" if model else f"{engine}: {reason}")
        self.engine = engine
        self.model = model
        self.reason = reason


class Engine(Protocol):
    """What every engine can do. Names are plain identifiers; a name that is given again is replaced."""

    def relation(self, name: str, source: str | pa.Table | pa.RecordBatchReader) -> None:
        """Make `name` stand for a SELECT text, or for Arrow data."""

    def materialise(self, name: str, sql: str) -> None:
        """Compute `sql` once and keep its rows under `name` for as long as the engine is open."""

    def query(self, sql: str, parameters: Parameters = (), *, name: str = "") -> pa.Table:
        """The rows of `sql`; `name` is the model to speak of when it fails."""

    def close(self) -> None:
        """Free everything that the engine holds. Closing twice does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
