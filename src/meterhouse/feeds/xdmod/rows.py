"""What do Open XDMoD's rows of each label add up to, in each period? The SQL, and the sums as exact integers.

As in Open XDMoD, what touches a period is first put together in rows (a realm's `row`), where some facts are
rounded; statistics add up rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.feeds.xdmod.periods import Period, Unit
from meterhouse.feeds.xdmod.realms import Combination, GroupBy, Realm
from meterhouse.feeds.xdmod.roles import SeenBy, seen
from meterhouse.usage.attribution import JOINS, UNKNOWN, named, text
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

DISTINCT = "distinct"
_ONE_PERIOD = 1

# A row whose PI is its group: p is that group, as p is the owner of a project in JOINS.
_GROUP_JOINS = """
    LEFT JOIN person_dimension AS w ON w.user_name = u.user_name
    LEFT JOIN group_dimension AS p ON p.group_name = u.group_name"""


@dataclass(slots=True)
class Cell:
    """What the rows of one label add up to in one period (or in all), and how many periods have any."""

    sums: dict[str, int] = field(default_factory=dict)
    resources: set[str] = field(default_factory=set)
    periods: int = _ONE_PERIOD

    def add(self, name: str, amount: int, combine: Combination = "sum") -> None:
        """Put an amount of a fact to what there is."""
        if name not in self.sums:
            self.sums[name] = amount
        elif combine == "sum":
            self.sums[name] += amount
        else:
            self.sums[name] = (max if combine == "max" else min)(self.sums[name], amount)


@dataclass(frozen=True, slots=True)
class Label:
    """What people read, what tells equal labels apart, and where it stands among the others."""

    identity: str
    text: str
    rank: Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added up: facts of a realm by name, or the distinct values of `distinct` (SQL).

    Of that what `seen_by` sees.
    """

    realm: Realm
    group_by: GroupBy
    unit: Unit
    facts: Sequence[str]
    distinct: str = ""
    seen_by: SeenBy | None = None


@dataclass(frozen=True, slots=True)
class SiteNames:
    """What the site is called, to which organization each resource belongs, of which type it is, and the
    login of each project's PI by resource and project name."""

    site: str
    organizations: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)
    project_pis: Mapping[tuple[str, str], str] = field(default_factory=dict)


def wanted_facts(realm: Realm, names: Iterable[str]) -> list[str]:
    """The facts behind `names`, in the realm's order: those named, and what carried ones are made of."""
    asked = set(names)
    for name in asked & set(realm.carried):
        asked |= {realm.carried[name].first, realm.carried[name].later}
    return [name for name in realm.facts if name in asked]


def cells(
    wanted: Wanted, periods: list[Period], view: View, engine: DuckDBEngine, time_zone: str
) -> list[dict[Label, Cell]]:
    """What each label adds up to in each of `periods`."""
    zone = ZoneInfo(time_zone)
    bounds = [(day_start(one.first, zone), day_start(one.last + timedelta(days=1), zone)) for one in periods]
    moment = pa.timestamp("us", tz="UTC")
    engine.relation(
        "asked_period",
        pa.table(
            {
                "number": pa.array(range(len(periods)), pa.int64()),
                "period_start": pa.array([start for start, _ in bounds], moment),
                "period_end": pa.array([end for _, end in bounds], moment),
            }
        ),
    )
    sql = _sql(wanted, view, (bounds[0][0], bounds[-1][1]))
    names = [DISTINCT] if wanted.distinct else list(wanted.facts)
    combine = {name: fact.combine for name, fact in wanted.realm.facts.items()}
    found: list[dict[Label, Cell]] = [{} for _ in periods]
    table = engine.query(sql, name=f"xdmod {wanted.realm.name}")
    for number, identity, label, rank, resource, *amounts in zip(
        *(column.to_pylist() for column in table.columns), strict=True
    ):
        cell = found[number].setdefault(Label(str(identity), label, rank), Cell())
        if resource is not None:
            cell.resources.add(resource)
        for name, amount in zip(names, amounts, strict=True):
            if amount is not None:
                cell.add(name, int(amount), combine.get(name, "sum"))
    for labels in found:
        for cell in labels.values():
            for name, carried in wanted.realm.carried.items():
                if carried.first in cell.sums and carried.later in cell.sums:
                    cell.sums[name] = cell.sums[carried.first]
    return found


def added_up(realm: Realm, by_period: list[dict[Label, Cell]]) -> dict[Label, Cell]:
    """The periods of the range together; what is carried over counts once."""
    found: dict[Label, Cell] = {}
    for number, labels in enumerate(by_period):
        for label, cell in labels.items():
            total = found.setdefault(label, Cell(periods=0))
            total.resources |= cell.resources
            total.periods += cell.periods
            for name, amount in cell.sums.items():
                if name in realm.facts:
                    total.add(name, amount, realm.facts[name].combine)
                else:
                    carried = realm.carried[name]
                    total.add(name, cell.sums[carried.later if number else carried.first])
    return found


def register_names(engine: DuckDBEngine, names: SiteNames, generic_batches: Sequence[str]) -> None:
    """Make known what labels need beside the dimensions."""
    resources = sorted({*names.organizations, *names.types})
    engine.relation(
        "resource_said",
        pa.table(
            {
                "resource": pa.array(resources, pa.string()),
                "organization": pa.array([names.organizations.get(one) for one in resources], pa.string()),
                "type": pa.array([names.types.get(one) for one in resources], pa.string()),
            }
        ),
    )
    projects = list(names.project_pis)
    engine.relation(
        "project_pi",
        pa.table(
            {
                "resource": pa.array([resource for resource, _ in projects], pa.string()),
                "project_name": pa.array([project for _, project in projects], pa.string()),
                "login": pa.array(list(names.project_pis.values()), pa.string()),
            }
        ),
    )
    engine.relation("generic_batch", pa.table({"batch_id": pa.array(list(generic_batches), pa.string())}))
    engine.relation("site_name", pa.table({"site_name": pa.array([names.site], pa.string())}))


def _sql(wanted: Wanted, view: View, window: tuple[datetime, datetime]) -> str:
    realm, group_by = wanted.realm, wanted.group_by
    start, end = (f"TIMESTAMPTZ {text(moment.isoformat())}" for moment in window)
    source = (
        f"WITH {realm.table} AS ({view.select(realm.table, overlapping=window)}), "
        f"counted AS ({realm.source}) "
        f'SELECT * FROM counted WHERE "start" < {end} AND "end" >= {start}'
    )
    if realm.whose == "project":
        source, joins = named(source), JOINS
    else:
        joins = _GROUP_JOINS
    # Distinct values of several resources don't add up: the resource is not a key there.
    resource = "NULL" if wanted.distinct else "u.resource"
    label = f"COALESCE(CAST({group_by.label} AS VARCHAR), {text(UNKNOWN)})"
    unknown_rank = text(UNKNOWN) if group_by.rank == group_by.label else "0"
    return f"""
        WITH session AS ({source}),
        part AS (
            SELECT u.*, c.number, c.period_start, c.period_end,
                CAST(EPOCH(DATE_TRUNC('second', LEAST(u."end", c.period_end))) AS BIGINT)
                    - CAST(EPOCH(DATE_TRUNC('second', GREATEST(u."start", c.period_start))) AS BIGINT)
                    AS seconds,
                CASE WHEN u."start" >= c.period_start THEN 1 ELSE 0 END AS starts_here,
                CASE WHEN u."end" < c.period_end THEN 1 ELSE 0 END AS ends_here,
                {int(wanted.unit == "day")} AS by_day
            FROM session AS u
            JOIN asked_period AS c ON u."start" < c.period_end AND u."end" >= c.period_start
            WHERE {seen(wanted.seen_by, realm.whose)}
        ),
        fact_row AS ({_rows(wanted)})
        SELECT u.number, {group_by.identity} AS identity, {label} AS label,
            COALESCE({group_by.rank}, {unknown_rank}) AS rank,
            {resource} AS resource, {", ".join(_sums(wanted))}
        FROM fact_row AS u {joins}
        LEFT JOIN resource_said AS r ON r.resource = u.resource
        CROSS JOIN site_name AS s
        {"LEFT JOIN generic_batch AS g ON g.batch_id = u.opened_batch" if not realm.row else ""}
        GROUP BY ALL
        ORDER BY u.number, identity, label"""


def _rows(wanted: Wanted) -> str:
    realm = wanted.realm
    facts = [f"{realm.facts[name].sql} AS fact_{number}" for number, name in enumerate(wanted.facts)]
    if not realm.row:
        return f"SELECT {', '.join(['u.*', *facts])} FROM part AS u"
    keys = ["u.number", "u.resource", *(f"{sql} AS {name}" for name, sql in realm.row.items())]
    return f"SELECT {', '.join([*keys, *facts])} FROM part AS u GROUP BY ALL"


def _sums(wanted: Wanted) -> list[str]:
    if wanted.distinct:
        return [f"COUNT(DISTINCT {wanted.distinct}) AS distinct_values"]
    return [
        f"{wanted.realm.facts[name].combine.upper()}(u.fact_{number})"
        for number, name in enumerate(wanted.facts)
    ]
