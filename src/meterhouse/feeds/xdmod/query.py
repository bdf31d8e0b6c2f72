"""What would Open XDMoD answer? One statistic of one realm, by a group, as a time series or as a whole.

Facts are summed as exact integers over the sessions that touch each period; the statistic's one division
and rounding (half up, to the decimals that MySQL prints) come last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.periods import UNITS, Period, Unit, periods
from meterhouse.feeds.xdmod.realms import CAPACITY, GroupBy, Realm, Statistic, find_realm
from meterhouse.usage.attribution import JOINS, UNKNOWN, named, text, texts
from meterhouse.usage.calendar import day_start
from meterhouse.usage.capacity import Capacities, known_core_seconds, rounded

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Mode = Literal["timeseries", "aggregate"]
MODES: tuple[str, ...] = get_args(Mode)
# What Open XDMoD prints for a label in a period that none of its sessions touches.
ABSENT = "0"


@dataclass(frozen=True, slots=True)
class Query:
    """Checked: every name is in the catalogue. `unit` is the table that is asked, in both modes."""

    realm: Realm
    statistic: Statistic
    group_by: GroupBy
    unit: Unit
    first: date
    last: date
    mode: Mode

    @classmethod
    def ask(
        cls,
        *,
        realm: str,
        statistic: str,
        first: date,
        last: date,
        group_by: str = "none",
        unit: str = "day",
        mode: str = "timeseries",
    ) -> Query:
        """Make a query from names. Raises QuestionError that says what was expected and found."""
        if last < first:
            raise QuestionError(f"period: expected the first day before the last, found {first} to {last}")
        if unit not in UNITS:
            raise QuestionError(f"unit: expected one of {', '.join(UNITS)}, found {unit!r}")
        if mode not in MODES:
            raise QuestionError(f"mode: expected one of {', '.join(MODES)}, found {mode!r}")
        chosen = find_realm(realm)
        # Literal types can't see the checks above.
        return cls(
            chosen,
            chosen.statistic(statistic),
            chosen.group_by(group_by),
            unit,  # type: ignore[arg-type]
            first,
            last,
            mode,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as Open XDMoD prints it; `period` is "" for the whole range."""

    period: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class SiteNames:
    """What the site is called, and to which organization each resource belongs."""

    site: str
    organizations: Mapping[str, str]


@dataclass(slots=True)
class _Cell:
    """What the sessions of one label add up to in one period (or in all of them)."""

    sums: dict[str, int] = field(default_factory=dict)
    resources: set[str] = field(default_factory=set)

    def add(self, name: str, amount: int) -> None:
        self.sums[name] = self.sums.get(name, 0) + amount


@dataclass(frozen=True, slots=True)
class _Label:
    identity: str
    text: str
    rank: Any


def answer_query(
    query: Query,
    view: View,
    engine: DuckDBEngine,
    dimensions: Mapping[str, pa.Table],
    names: SiteNames,
    capacities: Capacities,
    time_zone: str,
    generic_batches: Sequence[str] = (),
) -> list[Row]:
    """The figures by period and label, in Open XDMoD's order of labels (the greatest first).

    A time series has every label in every period of the range; a label without sessions in a period
    has ABSENT there. No rows at all means that no session touches the range. `generic_batches` are
    the batches in the generic cloud format, which says no submission venue. Raises QuestionError for
    a share of a capacity that is not known.
    """
    for name, table in dimensions.items():
        engine.relation(name, table)
    _register_names(engine, names, generic_batches)
    units = periods(query.unit, query.first, query.last)
    whole = [Period("", units[0].first, units[-1].last)]
    if query.statistic.distinct:
        overall = _cells(query, whole, view, engine, time_zone)[0]
        by_period = _cells(query, units, view, engine, time_zone) if query.mode == "timeseries" else []
    else:
        by_period = _cells(query, units, view, engine, time_zone)
        overall = _added_up(query, by_period)
    asked = _Asked(query.statistic, capacities, time_zone)
    totals = {label: asked.value(cell, whole[0]) for label, cell in overall.items()}
    order = sorted(totals, key=lambda label: _order(query.group_by, label, totals[label]))
    decimals = query.statistic.decimals
    if query.mode == "aggregate":
        return [Row("", label.text, _printed(totals[label], decimals)) for label in order]
    return [
        Row(
            unit.label,
            label.text,
            _printed(asked.value(cells[label], unit), decimals) if label in cells else ABSENT,
        )
        for unit, cells in zip(units, by_period, strict=True)
        for label in order
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A statistic with what it needs beside the facts."""

    statistic: Statistic
    capacities: Capacities
    time_zone: str

    def value(self, cell: _Cell, period: Period) -> Fraction:
        """Exact; 0 where Open XDMoD's COALESCE makes one of a division by nothing."""
        statistic = self.statistic
        if statistic.distinct:
            return Fraction(cell.sums["distinct"])
        above = cell.sums[statistic.numerator] * statistic.times
        below = statistic.per
        if statistic.denominator == CAPACITY:
            below *= known_core_seconds(
                self.capacities, cell.resources, period.first, period.last, self.time_zone
            )
        elif statistic.denominator:
            below *= cell.sums[statistic.denominator]
        return Fraction(above, below) if below else Fraction(0)


def _printed(value: Fraction, decimals: int) -> str:
    return f"{rounded(value, decimals):f}"


def _order(group_by: GroupBy, label: _Label, value: Fraction) -> tuple[Any, ...]:
    rank = label.rank.casefold() if isinstance(label.rank, str) else label.rank
    return (0 if group_by.by_rank else -value, rank, label.text, label.identity)


def _added_up(query: Query, by_period: list[dict[_Label, _Cell]]) -> dict[_Label, _Cell]:
    """The periods of the range together; what is carried over counts once."""
    realm = query.realm
    found: dict[_Label, _Cell] = {}
    for number, cells in enumerate(by_period):
        for label, cell in cells.items():
            total = found.setdefault(label, _Cell())
            total.resources |= cell.resources
            for name, amount in cell.sums.items():
                if name not in realm.carried:
                    total.add(name, amount)
            for name in _carried(query):
                carried = realm.carried[name]
                total.add(name, cell.sums[carried.later if number else carried.first])
    return found


def _carried(query: Query) -> list[str]:
    named = (query.statistic.numerator, query.statistic.denominator)
    return [name for name in query.realm.carried if name in named]


def _facts(query: Query) -> dict[str, str]:
    """The facts that the statistic needs, each with its SQL."""
    realm, statistic = query.realm, query.statistic
    wanted = {statistic.numerator, statistic.denominator}
    for name in _carried(query):
        wanted |= {realm.carried[name].first, realm.carried[name].later}
    return {name: sql for name, sql in realm.facts.items() if name in wanted}


def _cells(
    query: Query, units: list[Period], view: View, engine: DuckDBEngine, time_zone: str
) -> list[dict[_Label, _Cell]]:
    """What each label adds up to in each of `units`."""
    facts = _facts(query)
    zone = ZoneInfo(time_zone)
    bounds = [(day_start(unit.first, zone), day_start(unit.last + timedelta(days=1), zone)) for unit in units]
    moment = pa.timestamp("us", tz="UTC")
    engine.relation(
        "asked_period",
        pa.table(
            {
                "number": pa.array(range(len(units)), pa.int64()),
                "period_start": pa.array([start for start, _ in bounds], moment),
                "period_end": pa.array([end for _, end in bounds], moment),
            }
        ),
    )
    if query.statistic.distinct:
        # Distinct values of several resources don't add up: the resource is not a key here.
        resource, sums = "NULL", [f"COUNT(DISTINCT {query.statistic.distinct}) AS distinct_values"]
    else:
        resource, sums = "u.resource", [f"SUM({sql}) AS fact_{n}" for n, sql in enumerate(facts.values())]
    sql = _sessions_sql(query, resource, sums, view, (bounds[0][0], bounds[-1][1]))
    found: list[dict[_Label, _Cell]] = [{} for _ in units]
    names = ["distinct"] if query.statistic.distinct else list(facts)
    table = engine.query(sql, name=f"xdmod {query.realm.name} {query.statistic.name}")
    for number, identity, label, rank, one, *amounts in zip(
        *(column.to_pylist() for column in table.columns), strict=True
    ):
        key = _Label(str(identity), label, rank)
        cell = found[number].setdefault(key, _Cell())
        if one is not None:
            cell.resources.add(one)
        for name, amount in zip(names, amounts, strict=True):
            cell.add(name, int(amount))
    for cells in found:
        for cell in cells.values():
            for name in _carried(query):
                cell.sums[name] = cell.sums[query.realm.carried[name].first]
    return found


def _sessions_sql(
    query: Query, resource: str, sums: list[str], view: View, window: tuple[datetime, datetime]
) -> str:
    realm, group_by = query.realm, query.group_by
    ceases = "u.ceases" if query.unit == "day" else "u.begins"
    start, end = (f"TIMESTAMPTZ {text(moment.isoformat())}" for moment in window)
    sessions = (
        f"SELECT * FROM ({view.select('span', overlapping=window)}) "
        f"WHERE rules = {text(realm.rules)} AND kind IN ({texts(realm.kinds)}) "
        f'AND state IN ({texts(realm.states)}) AND "start" < {end} AND "end" >= {start}'
    )
    label = f"COALESCE(CAST({group_by.label} AS VARCHAR), {text(UNKNOWN)})"
    return f"""
        WITH session AS ({named(sessions)}),
        part AS (
            SELECT u.*, c.number,
                CAST(EPOCH(DATE_TRUNC('second', LEAST(u."end", c.period_end))) AS BIGINT)
                    - CAST(EPOCH(DATE_TRUNC('second', GREATEST(u."start", c.period_start))) AS BIGINT)
                    AS seconds,
                CASE WHEN u."start" >= c.period_start THEN 1 ELSE 0 END AS starts_here,
                CASE WHEN u."end" < c.period_end THEN 1 ELSE 0 END AS ends_here,
                CASE WHEN u."end" < c.period_end THEN {ceases} ELSE 0 END AS ceases_here
            FROM session AS u
            JOIN asked_period AS c ON u."start" < c.period_end AND u."end" >= c.period_start
        )
        SELECT u.number, {group_by.identity} AS identity, {label} AS label,
            COALESCE({group_by.rank}, {_unknown_rank(group_by)}) AS rank,
            {resource} AS resource, {", ".join(sums)}
        FROM part AS u {JOINS}
        LEFT JOIN resource_organization AS r ON r.resource = u.resource
        LEFT JOIN generic_batch AS g ON g.batch_id = u.opened_batch
        CROSS JOIN site_name AS s
        GROUP BY ALL
        ORDER BY u.number, identity, label"""


def _unknown_rank(group_by: GroupBy) -> str:
    return text(UNKNOWN) if group_by.rank == group_by.label else "0"


def _register_names(engine: DuckDBEngine, names: SiteNames, generic_batches: Sequence[str]) -> None:
    organizations = names.organizations
    engine.relation(
        "resource_organization",
        pa.table(
            {
                "resource": pa.array(list(organizations), pa.string()),
                "organization": pa.array(list(organizations.values()), pa.string()),
            }
        ),
    )
    engine.relation("generic_batch", pa.table({"batch_id": pa.array(list(generic_batches), pa.string())}))
    engine.relation("site_name", pa.table({"site_name": pa.array([names.site], pa.string())}))
