"""What would Open XDMoD answer? One statistic of one realm, by a group, as a time series or as a whole.

Facts are added up as exact integers over the rows of each period; the statistic's one division and rounding
(half up, to the decimals that MySQL prints) come last. Standard errors are floating-point numbers there, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa

from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.figures import Figure, printed, standard_error
from meterhouse.feeds.xdmod.periods import UNITS, Period, Unit, periods
from meterhouse.feeds.xdmod.realms import (
    CAPACITY,
    CORES,
    PERIODS,
    GroupBy,
    Realm,
    Statistic,
    find_realm,
)
from meterhouse.feeds.xdmod.roles import SeenBy
from meterhouse.feeds.xdmod.rows import (
    DISTINCT,
    Cell,
    Label,
    SiteNames,
    Wanted,
    added_up,
    cells,
    register_names,
    wanted_facts,
)
from meterhouse.feeds.xdmod.said_of_jobs import SaidOfJobs
from meterhouse.usage.capacity import Capacities, known_core_seconds, known_cores

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

__all__ = ["MODES", "Mode", "Query", "Row", "SeenBy", "SiteNames", "answer_query"]

Mode = Literal["timeseries", "aggregate"]
MODES: tuple[str, ...] = get_args(Mode)
# What Open XDMoD prints for a label in a period in which it has no rows.
ABSENT = "0"
NOTHING_SAID = SaidOfJobs()


@dataclass(frozen=True, slots=True)
class Query:
    """Checked: every name is in the catalogue. `unit` is the table that is asked, in both modes.

    `seen_by` narrows it to what somebody sees; None sees everything.
    """

    realm: Realm
    statistic: Statistic
    group_by: GroupBy
    unit: Unit
    first: date
    last: date
    mode: Mode
    seen_by: SeenBy | None = None

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
        seen_by: SeenBy | None = None,
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
            seen_by,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as Open XDMoD prints it ("" where it has none); `period` is "" for the whole range."""

    period: str
    label: str
    value: str


def answer_query(
    query: Query,
    view: View,
    engine: DuckDBEngine,
    dimensions: Mapping[str, pa.Table],
    names: SiteNames,
    capacities: Capacities,
    time_zone: str,
    generic_batches: Sequence[str] = (),
    said: SaidOfJobs = NOTHING_SAID,
) -> list[Row]:
    """The figures by period and label, in Open XDMoD's order of labels (the greatest first).

    A time series has every label in every period of the range; a label without rows in a period
    has ABSENT there. No rows at all means that nothing touches the range. `generic_batches` are
    the batches in the generic cloud format, which says no submission venue. Raises QuestionError for
    a share of a capacity that is not known.
    """
    for name, table in dimensions.items():
        engine.relation(name, table)
    register_names(engine, names, generic_batches)
    said.register(engine)
    statistic = query.statistic
    facts = wanted_facts(query.realm, statistic.facts)
    wanted = Wanted(query.realm, query.group_by, query.unit, facts, statistic.distinct, query.seen_by)
    units = periods(query.unit, query.first, query.last)
    whole = Period("", units[0].first, units[-1].last)
    if statistic.distinct:
        overall = cells(wanted, [whole], view, engine, time_zone)[0]
        by_period = cells(wanted, units, view, engine, time_zone) if query.mode == "timeseries" else []
    else:
        by_period = cells(wanted, units, view, engine, time_zone)
        overall = added_up(query.realm, by_period)
    asked = _Asked(statistic, capacities, time_zone)
    totals = {label: asked.value(cell, whole) for label, cell in overall.items()}
    order = sorted(totals, key=lambda label: _order(query.group_by, label, totals[label]))
    if query.mode == "aggregate":
        return [Row("", label.text, printed(totals[label], statistic.decimals)) for label in order]
    decimals = statistic.decimals if statistic.series_decimals is None else statistic.series_decimals
    return [
        Row(
            unit.label,
            label.text,
            printed(asked.of_series(labels[label], unit), decimals) if label in labels else ABSENT,
        )
        for unit, labels in zip(units, by_period, strict=True)
        for label in order
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A statistic with what it needs beside the facts."""

    statistic: Statistic
    capacities: Capacities
    time_zone: str

    def value(self, cell: Cell, period: Period) -> Figure:
        """Exact, but for standard errors; 0 where COALESCE makes one of a division by nothing."""
        statistic = self.statistic
        if statistic.error is not None:
            return standard_error(cell.sums, statistic.error, statistic.per)
        if statistic.distinct:
            return Fraction(cell.sums[DISTINCT])
        above = cell.sums.get(statistic.numerator, 0) * statistic.times
        below = statistic.per
        for denominator in statistic.denominators:
            below *= self._denominator(denominator, cell, period)
        return Fraction(above, below) if below else Fraction(0)

    def of_series(self, cell: Cell, period: Period) -> Figure:
        """The value for one period of a time series."""
        if self.statistic.series_error is not None:
            return standard_error(cell.sums, self.statistic.series_error, self.statistic.per)
        return self.value(cell, period)

    def _denominator(self, name: str, cell: Cell, period: Period) -> int:
        if name == CAPACITY:
            return known_core_seconds(
                self.capacities, cell.resources, period.first, period.last, self.time_zone
            )
        if name == CORES:
            return known_cores(self.capacities, cell.resources, period.last)
        if name == PERIODS:
            return cell.periods
        return cell.sums.get(name, 0)


def _order(group_by: GroupBy, label: Label, value: Figure) -> tuple[Any, ...]:
    rank = label.rank.casefold() if isinstance(label.rank, str) else label.rank
    # what is not known comes last
    by_value = (1, 0) if value is None else (0, -value)
    return (0 if group_by.by_rank else by_value, rank, label.text, label.identity)
