"""In which form are rows handed on? As an Arrow table, or a frame of pandas or polars."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa

Frame = Literal["arrow", "pandas", "polars"]
MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def table_of(pages: list[bytes]) -> pa.Table:
    """The rows of all pages, which have the same columns."""
    return pa.concat_tables([pa.ipc.open_stream(page).read_all() for page in pages])


def framed(table: pa.Table, frame: Frame) -> Any:
    """The same rows: pandas keeps decimals as objects and missing whole numbers as missing."""
    if frame == "pandas":
        import pandas

        return table.to_pandas(types_mapper=_Missing(pandas))
    if frame == "polars":
        import polars

        return polars.from_arrow(table)
    return table


class _Missing:
    """Types of pandas that know what is missing: else whole numbers beside it turn into floats."""

    def __init__(self, pandas: Any) -> None:
        self._types = {pa.int64(): pandas.Int64Dtype(), pa.bool_(): pandas.BooleanDtype()}

    def __call__(self, type_: pa.DataType) -> Any:
        return self._types.get(type_)
