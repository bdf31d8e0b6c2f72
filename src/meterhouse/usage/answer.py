"""How much was used? Answers a question from daily usage and spans, joined with dimension tables.

Sums over time come from daily usage; what can't be added up over days (how many different VMs) comes
from spans. Quantities are summed as integers and divided and rounded once, half up, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.usage.attribution import JOINS, UNKNOWN, kept, named, text, texts
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.capacity import Capacities, core_utilisation_percent
from meterhouse.usage.meters import Grouping, Meter
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View


_FROM_DAILY = ("sum", "utilisation", "begun", "ceased")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an answer: `period` is "" for the whole range; labels and ids in the groupings' order.

    `quantities` are the exact sums, before the meter divides and rounds them to `values`.
    """

    period: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    values: tuple[Decimal, ...]
    quantities: tuple[int, ...]


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

    def records(self) -> list[dict[str, str | Decimal]]:
        """The rows as dictionaries with the names of `columns`."""
        found = []
        for row in self.rows:
            cells: list[str | Decimal] = [row.period] if self.question.period else []
            for grouping, label, id_ in zip(self.question.groupings, row.labels, row.ids, strict=True):
                cells.append(label)
                if grouping.id:
                    cells.append(id_)
            found.append(dict(zip(self.columns(), [*cells, *row.values], strict=True)))
        return found


def exact(quantity: int, meter: Meter) -> Decimal:
    """A summed quantity in the meter's unit, rounded half up to its decimals."""
    step = Decimal(1).scaleb(-meter.decimals)
    return (Decimal(quantity) / meter.per).quantize(step, rounding=ROUND_HALF_UP)


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
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], dict[str, int]] = {}
    by_day = [meter for meter in question.meters if meter.function in _FROM_DAILY]
    by_span = [meter for meter in question.meters if meter.function in ("items", "touched")]
    if any(grouping.spans_only for grouping in (*question.groupings, *(g for g, _ in question.filters))):
        raise QuestionError("by: item can be asked with `meterhouse spans`")
    # Open XDMoD's tables by month, quarter and year count a session as ended by what opened it.
    if question.realm.rules == "xdmod" and question.period not in (None, "day"):
        by_span += [meter for meter in by_day if meter.function == "ceased"]
        by_day = [meter for meter in by_day if meter.function != "ceased"]
    if by_day:
        _collect(found, question, by_day, engine, _daily_sql(question, by_day, view))
    for meter in by_span:
        _collect(found, question, [meter], engine, _span_sql(question, meter, view))
    available = _Available(question, view, engine, capacities or {}, time_zone)
    rows = [
        Row(
            period,
            labels,
            ids,
            tuple(
                available.percent(quantities.get(meter.name, 0), meter, period, labels)
                if meter.function == "utilisation"
                else exact(quantities.get(meter.name, 0), meter)
                for meter in question.meters
            ),
            tuple(quantities.get(meter.name, 0) for meter in question.meters),
        )
        for (period, labels, ids), quantities in found.items()
    ]
    rows.sort(key=lambda row: (row.period, row.labels, row.ids))
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
        found = engine.query(
            f"SELECT DISTINCT resource FROM ({view.select('daily')}) WHERE {_rows_of(question)} "
            f"AND day BETWEEN DATE '{question.first}' AND DATE '{question.last}'"
        )
        wanted = next((values for grouping, values in question.filters if grouping.name == "resource"), None)
        self._resources = [name for name in found.column(0).to_pylist() if wanted is None or name in wanted]

    def percent(self, core_seconds: int, meter: Meter, period: str, labels: tuple[str, ...]) -> Decimal:
        names = [grouping.name for grouping in self._question.groupings]
        resources = [labels[names.index("resource")]] if "resource" in names else self._resources
        first, last = self._days[period]
        return core_utilisation_percent(
            core_seconds, self._capacities, resources, first, last, self._time_zone, meter.decimals
        )


def _collect(
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], dict[str, int]],
    question: Question,
    meters: list[Meter],
    engine: DuckDBEngine,
    sql: str,
) -> None:
    count = len(question.groupings)
    table = engine.query(sql, name=f"usage {question.realm.name}")
    columns = [column.to_pylist() for column in table.columns]
    for cells in zip(*columns, strict=True):
        labels = tuple(UNKNOWN if cell is None else str(cell) for cell in cells[1 : 1 + count])
        ids = tuple("" if cell is None else str(cell) for cell in cells[1 + count : 1 + 2 * count])
        values = found.setdefault((str(cells[0]), labels, ids), {})
        for meter, value in zip(meters, cells[1 + 2 * count :], strict=True):
            values[meter.name] = values.get(meter.name, 0) + (0 if value is None else int(value))


def _grouped(groupings: tuple[Grouping, ...]) -> str:
    labels = [f"{grouping.label} AS label_{n}" for n, grouping in enumerate(groupings)]
    ids = [f"{grouping.id or 'NULL'} AS id_{n}" for n, grouping in enumerate(groupings)]
    return "".join(f", {column}" for column in (*labels, *ids))


def _rows_of(question: Question) -> str:
    kinds = texts(question.realm.kinds)
    return f"rules = {text(question.realm.rules)} AND kind IN ({kinds})"


def _daily_sql(question: Question, meters: list[Meter], view: View) -> str:
    period = {None: "''", "day": "CAST(u.day AS VARCHAR)"}.get(question.period, f"c.{question.period}")
    sums = []
    for meter in meters:
        quantity = meter.quantity or meter.function
        first, _, rest = quantity.partition(" * ")
        # The first factor is widened, so that no product overflows.
        wide = f"CAST({first} AS DECIMAL(38, 0))" + (f" * {rest}" if rest else "")
        sums.append(f"SUM(CASE WHEN u.state IN ({texts(meter.states)}) THEN {wide} END)")
    groups = len(question.groupings)
    names = "".join(f", {column}_{n}" for column in ("label", "id") for n in range(groups))
    months = _months(question)
    source = " UNION ALL ".join(
        view.select("daily", partition=month) for month in months if view.files("daily", partition=month)
    ) or view.select("daily", partition=months[0])
    return f"""
        SELECT period{names}, {", ".join(f"SUM(m{n})" for n in range(len(meters)))}
        FROM (
            SELECT {period} AS period{_grouped(question.groupings)},
                {", ".join(f"{one} AS m{n}" for n, one in enumerate(sums))}
            FROM ({
        named(
            f"SELECT * FROM ({source}) WHERE {_rows_of(question)} "
            f"AND day BETWEEN DATE '{question.first}' AND DATE '{question.last}'"
        )
    }) AS u
            JOIN calendar AS c ON c.day = u.day {JOINS}
            WHERE {kept(question.filters)}
            GROUP BY ALL
            HAVING SUM(u.spans) <> 0 -- what was taken back altogether, and nothing at all, is no row
        )
        GROUP BY ALL
        HAVING COUNT(*) > 0"""


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
    groups = _grouped(question.groupings)
    return f"""
        WITH period AS (
            SELECT {unit} AS period, MIN(day_start) AS period_start, MAX(day_end) AS period_end
            FROM calendar GROUP BY 1
        )
        SELECT c.period{groups}, {measure}
        FROM ({
        named(
            f"SELECT * FROM ({view.select('span')}) WHERE {_rows_of(question)} "
            f'AND state IN ({texts(meter.states)}) AND "end" >= {window_start}'
        )
    }) AS u
        JOIN period AS c ON u."start" < c.period_end AND ({touches})
        {JOINS}
        WHERE {kept(question.filters)}
        GROUP BY ALL
        HAVING COUNT(*) > 0"""


def _months(question: Question) -> list[str]:
    months = []
    year, month = question.first.year, question.first.month
    while (year, month) <= (question.last.year, question.last.month):
        months.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months
