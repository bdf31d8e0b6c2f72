"""How much was used? Answers a question from daily usage and spans, joined with dimension tables.

Sums over time come from daily usage; what can't be added up over days (how many different VMs) comes
from spans; how full something was comes from levels (usage.level_answer). Quantities are summed as integers
and divided and rounded once, half up, at the end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.usage.answer_rows import Row, Sums, divisor, rows_of_sums, together
from meterhouse.usage.answer_sql import grouped, rows_of
from meterhouse.usage.attribution import UNKNOWN, Attribution, kept, named, text, texts
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.capacity import Capacities, core_utilisation_percent
from meterhouse.usage.daily_source import DailySource
from meterhouse.usage.level_answer import level_quantities
from meterhouse.usage.meters import LEVEL_FUNCTIONS, Meter
from meterhouse.usage.question import Question
from meterhouse.usage.whose import Whose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View


_FROM_DAILY = ("sum", "ratio", "utilisation", "begun", "ceased")
_FROM_SPANS = ("items", "touched")


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows, ordered by period and label. No rows means no data, which is not the same as zero."""

    question: Question
    snapshot: int
    rows: tuple[Row, ...]

    def columns(self) -> list[str]:
        """Names of the columns of `records`, in order."""
        names = [self.question.period] if self.question.period else []
        for grouping in self.question.groupings:
            names.append(grouping.name)
            if grouping.id:
                names.append(f"{grouping.name}_id")
        return [*names, *(meter.name for meter in self.question.meters)]

    def records(self) -> list[dict[str, str | Decimal | None]]:
        """The rows as dictionaries with the names of `columns`."""
        found = []
        columns = self.columns()
        for row in self.rows:
            cells: list[str | Decimal | None] = [row.period] if self.question.period else []
            for grouping, label, id_ in zip(self.question.groupings, row.labels, row.ids, strict=True):
                cells.append(label)
                if grouping.id:
                    cells.append(id_)
            found.append(dict(zip(columns, [*cells, *row.values], strict=True)))
        return found


@contextmanager
def _no_cycles() -> Iterator[None]:
    """While rows are made: many small things, none of which can refer to itself.

    Python would look through all of them for cycles again and again, which takes a third of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_no_cycles()
def answer(
    question: Question,
    view: View,
    engine: DuckDBEngine,
    dimensions: Mapping[str, pa.Table],
    time_zone: str,
    capacities: Capacities | None = None,
) -> Answer:
    """Answer `question` as known in `view`. `dimensions` are tables as directory.dimensions makes them.

    Meters of utilisation need `capacities` of the resources; where one is missing, QuestionError.
    """
    for name, table in dimensions.items():
        engine.relation(name, table)
    engine.relation("calendar", calendar_table(question.first, question.last, time_zone))
    parts: list[Sums] = []
    by_day = [meter for meter in question.meters if meter.function in _FROM_DAILY]
    by_span = [meter for meter in question.meters if meter.function in _FROM_SPANS]
    by_level = [meter for meter in question.meters if meter.function in LEVEL_FUNCTIONS]
    if any(grouping.spans_only for grouping in (*question.groupings, *(g for g, _ in question.filters))):
        raise QuestionError("by: item can be asked with `meterhouse spans`")
    # Open XDMoD's tables by month, quarter and year count a session as ended by what opened it.
    if question.realm.rules == "xdmod" and question.period not in (None, "day"):
        by_span += [meter for meter in by_day if meter.function == "ceased"]
        by_day = [meter for meter in by_day if meter.function != "ceased"]
    if by_day:
        empty = [name for name, table in dimensions.items() if not table.num_rows]
        whose = Whose(question, empty)
        sql = _daily_sql(question, by_day, DailySource(view, engine), whose)
        parts.append(_added_up(question, by_day, engine, sql, whose.scale))
    for meter in by_span:
        parts.append(_added_up(question, [meter], engine, _span_sql(question, meter, view)))
    if by_level:
        parts.append(Sums.of_rows(level_quantities(question, by_level, view, engine, time_zone)))
    available = _Available(question, view, engine, capacities or {}, time_zone)
    rows = rows_of_sums(together(parts), question.meters, available.percent)
    return Answer(question, view.snapshot, tuple(rows))


class _Available:
    """What the resources had, for meters of utilisation."""

    def __init__(
        self, question: Question, view: View, engine: DuckDBEngine, capacities: Capacities, time_zone: str
    ) -> None:
        self._question = question
        self._capacities = capacities
        self._time_zone = time_zone
        self._days: dict[str, tuple[date, date]] = {}
        self._resources: list[str] = []
        if not any(meter.function == "utilisation" for meter in question.meters):
            return
        unit = f"CAST({question.period} AS VARCHAR)" if question.period else "''"
        for row in engine.query(
            f"SELECT {unit} AS period, MIN(day) AS first, MAX(day) AS last FROM calendar GROUP BY 1"
        ).to_pylist():
            self._days[row["period"]] = (row["first"], row["last"])
        found = DailySource(view, engine).resources(question)
        wanted = next((values for grouping, values in question.filters if grouping.name == "resource"), None)
        self._resources = [name for name in found if wanted is None or name in wanted]

    def percent(
        self, core_seconds: int | Fraction, meter: Meter, period: str, labels: tuple[str, ...]
    ) -> Decimal:
        names = [grouping.name for grouping in self._question.groupings]
        resources = [labels[names.index("resource")]] if "resource" in names else self._resources
        first, last = self._days[period]
        return core_utilisation_percent(
            Fraction(core_seconds) / meter.per,
            self._capacities,
            resources,
            first,
            last,
            self._time_zone,
            meter.decimals,
        )


def _added_up(
    question: Question, meters: list[Meter], engine: DuckDBEngine, sql: str, scale: int = 1
) -> Sums:
    """The rows of `sql`, whose numbers are `scale` times what they stand for."""
    names = [
        name
        for meter in meters
        for name in (meter.name, *([divisor(meter)] if meter.function == "ratio" else []))
    ]
    found = engine.query(sql, name=f"usage {question.realm.name}")
    return Sums.of_columns(found, len(question.groupings), names, scale)


def _daily_sql(question: Question, meters: list[Meter], source: DailySource, whose: Whose) -> str:
    """Adds up by days and by whose it was, in codes; labels come last."""
    asked = [
        (quantity, meter)
        for meter in meters
        for quantity in (meter.quantity or meter.function, *([meter.of] if meter.of else []))
    ]
    quantities = sorted({"spans", *(quantity for quantity, _ in asked)})
    rows = source.of_question(question, quantities, whose)
    counted = []
    for quantity, meter in asked:
        added = whose.weighted(f'u."{quantity}"')
        counted.append(f"SUM(CASE WHEN u.state IN ({texts(meter.states)}) THEN {added} END)")
    columns = [
        *([f"c.{question.period} AS period"] if question.period else []),
        *whose.groups(),
        *(f"{one} AS m{n}" for n, one in enumerate(counted)),
        "SUM(u.spans) AS spans",
    ]
    added_up = f"""
        SELECT {", ".join(columns)}
        FROM ({rows}) AS u JOIN calendar AS c ON c.day = u.day
        {whose.joins()}
        WHERE {whose.condition()}
        GROUP BY ALL"""
    period = "CAST(u.period AS VARCHAR)" if question.period else "''"
    sums = [f"CAST(SUM(u.m{n}) AS DECIMAL(38, 0)) AS m{n}" for n in range(len(asked))]
    # What was taken back altogether, and nothing at all, is no row.
    labelled = f"{whose.labelled(added_up, period, sums)} HAVING SUM(u.spans) <> 0"
    return f"SELECT * FROM ({labelled}) ORDER BY {_as_written(question)}"


def _as_written(question: Question) -> str:
    """The order of an answer's rows, in SQL: of what is written for the period, the labels and the ids."""
    count = len(question.groupings)
    labels = [f"COALESCE(CAST(label_{n} AS VARCHAR), {text(UNKNOWN)})" for n in range(count)]
    ids = [f"COALESCE(CAST(id_{n} AS VARCHAR), '')" for n in range(count)]
    return ", ".join(["period", *labels, *ids])


def _span_sql(question: Question, meter: Meter, view: View) -> str:
    xdmod = question.realm.rules == "xdmod"
    unit = {None: "''", "day": "CAST(day AS VARCHAR)"}.get(question.period, question.period)
    if meter.function == "items":
        measure = "COUNT(DISTINCT u.resource || chr(31) || u.kind || chr(31) || u.item)"
        touches = 'u."end" > c.period_start OR u."start" >= c.period_start'
    elif meter.function == "touched":
        # A session that a confirmed resize opened in the period went on: it isn't another one.
        measure = 'COUNT(*) FILTER (u.begins = 1 OR u."start" < c.period_start)'
        touches = 'u."end" >= c.period_start'
    else:
        measure = "SUM(u.begins)"
        touches = 'u."end" >= c.period_start AND u."end" < c.period_end'
    assert xdmod or meter.function == "items"
    window_start = f"TIMESTAMPTZ '{question.first - timedelta(days=2)} 00:00:00+00'"
    groups = grouped(question.groupings)
    attribution = Attribution.of(question.groupings, question.filters)
    # Whose it was when it began, or when the period did.
    joins = attribution.joins("GREATEST(COALESCE(d.day, c.first_day), c.first_day)")
    if attribution.dated:
        joins = f'LEFT JOIN calendar AS d ON u."start" >= d.day_start AND u."start" < d.day_end {joins}'
    return f"""
        WITH period AS (
            SELECT {unit} AS period, MIN(day_start) AS period_start, MAX(day_end) AS period_end,
                MIN(day) AS first_day
            FROM calendar GROUP BY 1
        )
        SELECT c.period{groups}, {measure}
        FROM ({
        named(
            f"SELECT * FROM ({view.select('span')}) WHERE {rows_of(question)} "
            f'AND state IN ({texts(meter.states)}) AND "end" >= {window_start}'
        )
    }) AS u
        JOIN period AS c ON u."start" < c.period_end AND ({touches})
        {joins}
        WHERE {kept(question.filters)}
        GROUP BY ALL
        HAVING COUNT(*) > 0"""
