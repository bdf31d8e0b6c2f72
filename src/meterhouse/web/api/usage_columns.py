"""Which columns has an answer about usage? Text, and exact decimals for the meters."""

from __future__ import annotations

import pyarrow as pa

from meterhouse.usage.question import Question


def usage_columns(question: Question) -> dict[str, pa.DataType]:
    """Names and types, in the order of `Answer.columns`."""
    columns: dict[str, pa.DataType] = {question.period: pa.string()} if question.period else {}
    for grouping in question.groupings:
        columns[grouping.name] = pa.string()
        if grouping.id:
            columns[f"{grouping.name}_id"] = pa.string()
    return columns | {meter.name: pa.decimal128(38, meter.decimals) for meter in question.meters}
