"""How does a site answer a question? Usage and directory are put together here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.usage.answer import Answer, answer
from meterhouse.usage.capacity import Capacities, chosen_capacities, declared_capacities
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    import pyarrow as pa

    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine


def answer_question(
    site: Site,
    question: Question,
    as_of: int | datetime | None = None,
    dimensions: Mapping[str, pa.Table] | None = None,
    kept: DuckDBEngine | None = None,
) -> Answer:
    """Answer `question` as known at `as_of` (now when None).

    Whoever asks often may hand in the `dimensions` of that moment and an engine that is `kept` open; they are
    read, and one is opened, otherwise.
    """
    view = site.warehouse.view(as_of)
    with nullcontext(kept) if kept else site.engine() as engine, view.reading():
        if dimensions is None:
            dimensions = dimension_tables(view, engine)
        time_zone = site.settings.site.time_zone
        capacities: Capacities = {}
        if any(meter.function == "utilisation" for meter in question.meters):
            declared = declared_capacities(site.settings.resources)
            capacities = chosen_capacities("auto", declared, view, engine, time_zone)
        return answer(question, view, engine, dimensions, time_zone, capacities)
