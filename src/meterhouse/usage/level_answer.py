"""How full, how busy? Answers for meters over levels: averages, extremes, last values and what they come to.

A level of an item on a day is the average of the day, exact as a fraction. What a source sampled is in the
table `level`; what exists in one size for a while (volumes, snapshots, images, claims) is in the spans, and
counts for the part of the day that it was there. Items are added up day by day; then

    average   the sum over the days, divided by the days of which there is data of that resource
    maximum   the highest day, where each item counts with its highest value of the day; minimum likewise
    last      the last day of which there is data of the resource: each item with its last value
    kept      level times time, as for GiB hours
    months    level times time, in calendar months: one unit kept through a month is 1, however long it is
    amount    what was used in all, where a level is a rate (cores used times time)
    share     what was used of what could have been, in percent: only where a limit was said
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from meterhouse.usage.answer_rows import Key, Quantity, divisor
from meterhouse.usage.answer_sql import group_names, grouped, months, rows_of
from meterhouse.usage.attribution import UNKNOWN, Attribution, kept, named, text, texts
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.meters import Meter
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Quantities = dict[Key, dict[str, Quantity]]

# What a span says of a measure that isn't sampled: a column of spans.
_SAID_BY_SPANS = {"stored_bytes": "space_bytes", "files": "files"}
_SPAN_KINDS = ("volume", "snapshot", "image", "container", "claim")
_OWN = (
    "resource", "kind", "item", "name", "project_ref", "project_name", "user_ref", "user_name", "domain",
    "class", "group_name",
)  # fmt: skip
# What groupings may ask of usage, and levels don't have.
_UNSAID = (
    *(("vcpus", "BIGINT"), ("memory_mib", "BIGINT"), ("disk_gib", "BIGINT"), ("gpus", "BIGINT")),
    *(("gpu_model", "VARCHAR"), ("nodes", "BIGINT"), ("cpu_millis", "BIGINT"), ("qos", "VARCHAR")),
)


def level_quantities(
    question: Question, meters: list[Meter], view: View, engine: DuckDBEngine, time_zone: str
) -> Quantities:
    """The exact quantity of each meter, by row of the answer. Reads `calendar` and the dimension tables."""
    found: Quantities = {}
    engine.relation("calendar_month", _whole_months(question, time_zone))
    for measure, states in sorted({(meter.measure, meter.states) for meter in meters}):
        engine.materialise("level_said", _levels(question, measure, states, view))
        asked = [meter for meter in meters if (meter.measure, meter.states) == (measure, states)]
        days = _days_with_data(question, engine)
        for key, by_day in _sums(question, engine).items():
            of_period = days[key[0]]
            for meter in asked:
                values = found.setdefault(key, {})
                values[meter.name] = _quantity(meter, by_day, of_period)
                if meter.function == "share":
                    values[divisor(meter)] = sum((one.limited for one in by_day.values()), Fraction(0))
    return found


def _whole_months(question: Question, time_zone: str) -> pa.Table:
    """The months that the question touches, with their seconds from end to end."""
    after = (question.last.replace(day=1) + timedelta(days=32)).replace(day=1)
    days = calendar_table(question.first.replace(day=1), after - timedelta(days=1), time_zone).to_pylist()
    seconds: dict[str, int] = defaultdict(int)
    for day in days:
        seconds[day["month"]] += (day["day_end"] - day["day_start"]) // timedelta(seconds=1)
    return pa.table(
        {"month": pa.array(seconds, pa.string()), "seconds": pa.array(seconds.values(), pa.int64())}
    )


@dataclass(slots=True)
class _Sums:
    """What the items of a row add up to, of one resource on one day."""

    day_seconds: int
    month_seconds: int
    average: Fraction = Fraction(0)
    total: Fraction = Fraction(0)
    limited_total: Fraction = Fraction(0)
    limited: Fraction = Fraction(0)
    maximum: Fraction = Fraction(0)
    minimum: Fraction = Fraction(0)
    last: Fraction = Fraction(0)

    def divide(self, scale: int) -> None:
        """Undo what shares were multiplied by to be whole numbers."""
        self.average /= scale
        self.total /= scale
        self.limited_total /= scale
        self.limited /= scale
        self.maximum /= scale
        self.minimum /= scale
        self.last /= scale


_ByDay = dict[tuple[str, date], _Sums]  # by resource and day


def _quantity(meter: Meter, by_day: _ByDay, days: dict[str, list[date]]) -> Fraction:
    """One meter of one row; `days` are those of which there is data, by resource."""
    if meter.function == "average":
        return sum((one.average / len(days[resource]) for (resource, _), one in by_day.items()), Fraction(0))
    if meter.function in ("maximum", "minimum"):
        a_day: dict[date, Fraction] = defaultdict(Fraction)
        for (_, day), one in by_day.items():
            a_day[day] += one.maximum if meter.function == "maximum" else one.minimum
        every = {day for of_resource in days.values() for day in of_resource}
        values = [a_day.get(day, Fraction(0)) for day in every]
        return max(values) if meter.function == "maximum" else min(values)
    if meter.function == "last":
        return sum(
            (by_day[resource, of_resource[-1]].last for resource, of_resource in days.items()
             if (resource, of_resource[-1]) in by_day),
            Fraction(0),
        )  # fmt: skip
    if meter.function == "kept":
        return sum((one.average * one.day_seconds for one in by_day.values()), Fraction(0))
    if meter.function == "months":
        return sum(
            (one.average * one.day_seconds / one.month_seconds for one in by_day.values()), Fraction(0)
        )
    if meter.function == "amount":
        return sum((one.total for one in by_day.values()), Fraction(0))
    assert meter.function == "share"
    return sum((one.limited_total for one in by_day.values()), Fraction(0))


def _levels(question: Question, measure: str, states: tuple[str, ...], view: View) -> str:
    """SQL: levels of items by day, with the columns that groupings may ask for.

    `weight` divides `total` to the day's average; `is_whole` where it stands for the whole day already.
    """
    unsaid = ", ".join(f"CAST(NULL AS {type_}) AS {name}" for name, type_ in _UNSAID)
    own = ", ".join(f'"{name}"' for name in _OWN)
    days = f"day BETWEEN DATE '{question.first}' AND DATE '{question.last}'"
    parts = [
        f"""SELECT {own}, 'active' AS state, {unsaid}, day, FALSE AS is_whole, weight, total,
                CASE WHEN limited IS NOT NULL THEN total END AS limited_total, limited,
                maximum, minimum, last
            FROM ({view.select("level", partition=month)})
            WHERE kind IN ({texts(question.realm.kinds)}) AND measure = {text(measure)} AND {days}"""
        for month in months(question)
    ]
    column = _SAID_BY_SPANS.get(measure)
    if column and set(question.realm.kinds) & set(_SPAN_KINDS):
        # An item whose newest span this is was not heard to go: it is still there.
        parts.append(
            f"""SELECT {", ".join(f's."{name}"' for name in _OWN)}, s.state, {unsaid}, c.day,
                TRUE AS is_whole,
                EPOCH_US(c.day_end) // 1000000 - EPOCH_US(c.day_start) // 1000000 AS weight,
                CAST(s.{column} AS DECIMAL(38, 0)) * (EPOCH_US(LEAST(s."end", c.day_end)) // 1000000
                    - EPOCH_US(GREATEST(s."start", c.day_start)) // 1000000) AS total,
                NULL AS limited_total, NULL AS limited,
                s.{column} AS maximum,
                CASE WHEN s."start" <= c.day_start AND (s."end" >= c.day_end OR s.is_last)
                    THEN s.{column} ELSE 0 END AS minimum,
                CASE WHEN s."end" >= c.day_end OR s.is_last THEN s.{column} ELSE 0 END AS last
            FROM ({view.select("span")}) AS s
            JOIN calendar AS c ON s."start" < c.day_end AND s."end" > c.day_start
            WHERE {rows_of(question)} AND kind IN ({texts(_SPAN_KINDS)}) AND state IN ({texts(states)})
                AND s.{column} IS NOT NULL"""
        )
    return " UNION ALL ".join(parts)


def _days_with_data(question: Question, engine: DuckDBEngine) -> dict[str, dict[str, list[date]]]:
    """By period and resource: the days of which anything is known, in order, whatever the filters."""
    rows = engine.query(
        f"""SELECT DISTINCT {_period(question)} AS period, l.resource, l.day
            FROM level_said AS l JOIN calendar AS c ON c.day = l.day ORDER BY l.day"""
    ).to_pylist()
    wanted = next((values for one, values in question.filters if one.name == "resource"), None)
    found: dict[str, dict[str, list[date]]] = {}
    for row in rows:
        if wanted is None or row["resource"] in wanted:
            found.setdefault(row["period"], {}).setdefault(row["resource"], []).append(row["day"])
    return found


def _sums(question: Question, engine: DuckDBEngine) -> dict[Key, _ByDay]:
    count = len(question.groupings)
    found: dict[Key, _ByDay] = {}
    for period, labels, ids, (resource, day, weight, day_seconds, month_seconds), sums in _rows(
        engine, _sums_sql(question), count
    ):
        by_day = found.setdefault((period, labels, ids), {})
        one = by_day.setdefault((resource, day), _Sums(int(day_seconds), int(month_seconds)))
        total, limited_total, limited, maximum, minimum, last = sums
        one.average += total / int(weight)
        one.total += total
        one.limited_total += limited_total
        one.limited += limited
        one.maximum += maximum
        one.minimum += minimum
        one.last += last
    scale = Attribution.of(question.groupings, question.filters).scale
    if scale != 1:
        for by_day in found.values():
            for one in by_day.values():
                one.divide(scale)
    return found


def _rows(
    engine: DuckDBEngine, sql: str, count: int
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], tuple[Any, ...], Iterable[Fraction]]]:
    columns = [column.to_pylist() for column in engine.query(sql, name="levels").columns]
    for cells in zip(*columns, strict=True):
        labels = tuple(UNKNOWN if cell is None else str(cell) for cell in cells[1 : 1 + count])
        ids = tuple("" if cell is None else str(cell) for cell in cells[1 + count : 1 + 2 * count])
        rest = cells[1 + 2 * count :]
        yield (
            str(cells[0]), labels, ids, rest[:5],
            [Fraction(0 if cell is None else int(cell)) for cell in rest[5:]],
        )  # fmt: skip


def _sums_sql(question: Question) -> str:
    attribution = Attribution.of(question.groupings, question.filters)
    names = group_names(question.groupings)

    def of_item(function: str, column: str) -> str:
        whole = f"CAST({function}(u.{column}) AS DECIMAL(38, 0))"
        return f"{attribution.weighted(whole)} AS {column}"

    share = ", f.millionths" if attribution.scale != 1 else ""
    return f"""
        WITH item_day AS (
            SELECT u.resource, u.day{grouped(question.groupings)}, u.kind, u.item{share},
                CASE WHEN u.is_whole THEN MAX(u.weight) ELSE SUM(u.weight) END AS weight,
                {of_item("SUM", "total")}, {of_item("SUM", "limited_total")},
                {of_item("SUM", "limited")}, {of_item("MAX", "maximum")},
                {of_item("MIN", "minimum")}, {of_item("MAX", "last")}
            FROM ({named("SELECT * FROM level_said")}) AS u
            {attribution.joins("u.day")}
            WHERE {kept(question.filters)}
            GROUP BY u.resource, u.day, u.kind, u.item, u.is_whole{names}{share}
        )
        SELECT {_period(question)} AS period{names}, l.resource, l.day, l.weight,
            EPOCH_US(c.day_end) // 1000000 - EPOCH_US(c.day_start) // 1000000 AS day_seconds,
            m.seconds AS month_seconds,
            SUM(total), SUM(limited_total), SUM(limited), SUM(maximum), SUM(minimum), SUM(last)
        FROM item_day AS l
        JOIN calendar AS c ON c.day = l.day
        JOIN calendar_month AS m ON m.month = c.month
        GROUP BY ALL
        ORDER BY l.day"""


def _period(question: Question) -> str:
    return {None: "''", "day": "CAST(l.day AS VARCHAR)"}.get(question.period, f"c.{question.period}")
