"""Whose was each project's and each user's usage, and on which days? Worked out once for each, not by row.

Labels and filters speak of columns of usage (u), and of who is behind its project (o, f, t, p) or its user
(h, w): see usage.attribution. Each of these two sides becomes a table: the names under which usage is
recorded, the days on which nothing about them changes, what is asked of them, and a code for that. Usage is
joined with it, sieved and added up by codes; only then do the codes get their labels.

The tables of the sides don't depend on the values that filters want: the same question of somebody else,
who may see other rows, finds them made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from meterhouse.usage.attribution import (
    ACCOUNTS,
    NAMED_BY,
    PERSON_ID,
    PROJECT_ID,
    REFERENCES,
    WHOLE,
    Attribution,
    kept,
    named,
)

if TYPE_CHECKING:
    from meterhouse.usage.meters import Grouping
    from meterhouse.usage.question import Question
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

_ATOM = re.compile(r'\b([a-z])\.("?)(\w+)\2')


@dataclass(frozen=True, slots=True)
class Side:
    """What usage is recorded under, one side of it: its columns, and which joined tables tell of it."""

    columns: tuple[str, ...]
    joined: str
    table: str  # the table that is made of it
    found: str  # SQL: the directory's id of it
    finds: str  # what `Attribution` calls the tables that find that id


PROJECT = Side(
    ("project_ref", "project_name", "domain", "group_name"), "oftp", "project_side", PROJECT_ID, "r"
)
USER = Side(("user_ref", "user_name"), "hw", "user_side", PERSON_ID, "a")
SIDES = (PROJECT, USER)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A label with its id, and the values that are wanted of it, if it filters."""

    grouping: Grouping
    wanted: tuple[str, ...] = ()

    @property
    def atoms(self) -> set[tuple[str, str]]:
        """What it speaks of: tables and columns."""
        sql = f"{self.grouping.label} {self.grouping.id}"
        return {(table, column) for table, _, column in _ATOM.findall(sql)}

    def of(self, side: Side) -> set[tuple[str, str]]:
        return {
            (table, column)
            for table, column in self.atoms
            if table in side.joined or (table == "u" and column in side.columns)
        }

    def is_only_of(self, side: Side) -> bool:
        return bool(self.of(side)) and {table for table, _ in self.atoms - self.of(side)} <= {"k"}

    @property
    def own(self) -> list[str]:
        """The columns of usage that are of neither side."""
        return [
            column
            for table, column in self.atoms
            if table == "u" and not any(column in side.columns for side in SIDES)
        ]

    def parts(self, side: Side) -> dict[str, str]:
        """What it speaks of on a side: SQL by the name of the column that holds it."""
        return {f"{table}.{column}": f'{table}."{column}"' for table, column in sorted(self.of(side))}

    def told(self, change: Callable[[re.Match[str]], str]) -> _Asked:
        """The same, where each part that it speaks of is called otherwise."""
        label, id_ = (_ATOM.sub(change, sql) for sql in (self.grouping.label, self.grouping.id))
        return replace(self, grouping=replace(self.grouping, label=label, id=id_))

    @property
    def condition(self) -> str:
        return f"({kept(((self.grouping, self.wanted),))})"


class Whose:
    """What a question asks about owners: plans the tables of the sides, and the SQL that joins them.

    Nothing is looked up in the tables `empty`.
    """

    def __init__(self, question: Question, empty: Collection[str] = ()) -> None:
        self._first, self._after = question.first, question.last + timedelta(days=1)
        self._empty = frozenset(empty)
        gone = Attribution.tells_nothing(self._empty)

        def without(found: re.Match[str]) -> str:
            return "NULL" if found[1] in gone else found[0]

        self._shown = [_Asked(one).told(without) for one in question.groupings]
        self._filters = [_Asked(one, values).told(without) for one, values in question.filters]
        every = [*self._shown, *self._filters]
        tables = {table for one in every for table, _ in one.atoms}
        self.member, self.shared = "m" in tables, "f" in tables
        self.sides = [side for side in SIDES if self.member or any(one.of(side) for one in every)]
        self._own = sorted({column for one in every for column in one.own})

    @property
    def columns(self) -> list[str]:
        """The columns by which usage is read."""
        return sorted({*self._own, *(column for side in self.sides for column in self.keys(side))})

    @property
    def scale(self) -> int:
        """By how much quantities are multiplied so that shares of them are whole numbers."""
        return WHOLE if self.shared else 1

    def keys(self, side: Side) -> list[str]:
        """The columns of usage by which a side is found."""
        every = [*self._shown, *self._filters]
        mentioned = {column for one in every for table, column in one.of(side) if table == "u"}
        found = mentioned | set(self._attribution(side).columns())
        found |= {column for name in found & set(NAMED_BY) for column in NAMED_BY[name]}
        return sorted({"resource"} | found & set(side.columns))

    def prepare(self, engine: DuckDBEngine, recorded: Callable[[Collection[str]], str]) -> None:
        """Make the tables of the sides. `recorded` is a SELECT of rows with given columns of usage."""
        for side in self.sides:
            keys = self.keys(side)
            said = f"SELECT DISTINCT {_listed(keys)} FROM ({recorded(keys)})"
            engine.materialise_once(
                side.table, self._side_sql(side, engine.made_once(f"said_{side.table}", said))
            )

    def moved(self, side: Side) -> str:
        """SQL: keys of a side that are somebody else's later in a month than on its first day.

        `month` and `after` are the first days of that month and of the next.
        """
        keys = _listed(self.keys(side))
        edges = " UNION ".join(
            f"SELECT {edge} AS edge, {keys} FROM {side.table}" for edge in ("since", "until")
        )
        return f"""
            SELECT DISTINCT CAST(DATE_TRUNC('month', edge) AS DATE) AS month,
                CAST(DATE_TRUNC('month', edge) + INTERVAL 1 MONTH AS DATE) AS after, {keys}
            FROM ({edges})
            WHERE edge > DATE '{self._first}' AND edge < DATE '{self._after}' AND DAY(edge) <> 1"""

    def joins(self) -> str:
        """SQL that joins rows u of usage, with a `day`, with their sides. What no filter keeps is gone."""
        found = [
            f"JOIN ({self._sieved(side)}) AS {side.table} ON {same(self.keys(side), 'u', side.table)}"
            f" AND u.day >= {side.table}.since AND u.day < {side.table}.until"
            for side in self.sides
        ]
        if self.member:
            found.append(
                f"LEFT JOIN directory_member AS m ON m.project_id = {PROJECT.table}.found "
                f"AND m.person_id = {USER.table}.found AND u.day >= m.since AND u.day < m.until"
            )
        if any("k" in {table for table, _ in one.atoms} for one in self._over_both):
            found.append("CROSS JOIN directory_kept AS k")
        return "\n".join(found)

    def groups(self) -> list[str]:
        """SQL of what joined rows are added up by."""
        codes = [f"{side.table}.code AS {side.table}_code" for side in self.sides if self._visible(side)]
        shown = {table for one in self._shown for table, _ in one.atoms}
        levels = ['m.project_level AS "m.project_level"'] if "m" in shown else []
        own = sorted({column for one in self._shown for column in one.own})
        return [*(f'u."{column}"' for column in own), *codes, *levels]

    def weighted(self, quantity: str) -> str:
        """SQL: a quantity of joined rows times the share; without shares the whole of it."""
        return f"{quantity} * {PROJECT.table}.millionths" if self.shared else quantity

    def condition(self) -> str:
        """A condition on joined rows: what filters want that don't speak of one side only."""
        return " AND ".join(["TRUE", *(self._over_rows(one).condition for one in self._over_both)])

    def labelled(self, added_up: str, period: str, sums: Iterable[str]) -> str:
        """SQL of the answer: rows u, `added_up` by groups, with `period`, labels, ids and `sums`."""
        shown = [self._told_after(one).grouping for one in self._shown]
        columns = [
            f"{period} AS period",
            *(f"{one.label} AS label_{n}" for n, one in enumerate(shown)),
            *(f"{one.id or 'NULL'} AS id_{n}" for n, one in enumerate(shown)),
            *sums,
        ]
        joins = "".join(
            f" JOIN (SELECT DISTINCT code, {_listed(visible)} FROM {side.table}) AS {side.table}"
            f" ON {side.table}.code = u.{side.table}_code"
            for side in self.sides
            if (visible := self._visible(side))
        )
        return f"""
            SELECT {", ".join(columns)}
            FROM ({added_up}) AS u{joins} CROSS JOIN directory_kept AS k
            GROUP BY ALL"""

    @property
    def _over_both(self) -> list[_Asked]:
        """The filters that no side can tell alone."""
        return [one for one in self._filters if not any(one.is_only_of(side) for side in SIDES)]

    def _sieved(self, side: Side) -> str:
        """SQL: the rows of a side's table that the filters over that side keep."""
        wanted = [self._over_rows(one).condition for one in self._filters if one.is_only_of(side)]
        return (
            f"SELECT {side.table}.* FROM {side.table} CROSS JOIN directory_kept AS k "
            f"WHERE {' AND '.join(['TRUE', *wanted])}"
        )

    def _visible(self, side: Side) -> dict[str, str]:
        """What is shown of a side, as SQL by the name of the column that holds it.

        A label that is of this side only is worked out here; of another one the parts are kept.
        """
        found: dict[str, str] = {}
        for n, one in enumerate(self._shown):
            if one.is_only_of(side):
                found |= {f"label {n}": one.grouping.label, f"id {n}": one.grouping.id or "NULL"}
            else:
                found |= one.parts(side)
        return found

    def _told_after(self, one: _Asked) -> _Asked:
        """A label and id over rows that were added up."""
        for side in self.sides:
            if one.is_only_of(side):
                n = self._shown.index(one)
                label, id_ = (f'{side.table}."{what} {n}"' for what in ("label", "id"))
                return replace(one, grouping=replace(one.grouping, label=label, id=id_))
        return self._over_rows(one, 'u."m.{}"')

    def _over_rows(self, one: _Asked, of_member: str = 'm."{}"') -> _Asked:
        """A label, id or filter over rows of usage joined with the tables of the sides."""

        def found_there(found: re.Match[str]) -> str:
            part = (found[1], found[3])
            for side in self.sides:
                if part in one.of(side):
                    return f'{side.table}."{part[0]}.{part[1]}"'
            return of_member.format(part[1]) if part[0] == "m" else found[0]

        return one.told(found_there)

    def _attribution(self, side: Side) -> Attribution:
        every = [*self._shown, *self._filters]
        names = {table for one in every for table, _ in one.of(side)} - {"u"}
        return Attribution(frozenset({*names, "k", *(side.finds if self.member else "")}), self._empty)

    def _side_sql(self, side: Side, said_in: str) -> str:
        keys, attribution, visible = self.keys(side), self._attribution(side), self._visible(side)
        told_of = {**visible, **{name: sql for one in self._filters for name, sql in one.parts(side).items()}}
        # What is recorded stays beside the names that are known: usage is found by it.
        said = ", ".join(f'"{key}" AS "said {key}"' for key in keys)
        subject = named(f'SELECT ROW_NUMBER() OVER () AS n, {said}, * FROM "{said_in}"', keys)
        told = [
            *(f'{sql} AS "{name}"' for name, sql in told_of.items()),
            *([f"{side.found} AS found"] if self.member else []),
            *([f"COALESCE(f.millionths, {WHOLE}) AS millionths"] if self.shared and side is PROJECT else []),
        ]
        code, whole = (
            f"DENSE_RANK() OVER (ORDER BY {_listed(names)})" if names else "0" for names in (visible, told_of)
        )
        kept_names = ", ".join(f'u."said {key}" AS "{key}"' for key in keys)
        return f"""
            WITH subject AS MATERIALIZED ({subject}),
            segment AS ({self._segments(side, attribution)}),
            told AS (
                SELECT {", ".join(["u.n", "s.since", "s.until", *told])}
                FROM segment AS s JOIN subject AS u ON u.n = s.n {attribution.joins("s.since")}
            ),
            coded AS MATERIALIZED (
                SELECT *, {code} AS code, {"code" if told_of == visible else whole} AS everything FROM told
            )
            SELECT {kept_names}, c.* REPLACE (s.since AS since, s.until AS until)
            FROM ({self._stretches(side)}) AS s
            JOIN coded AS c ON c.n = s.n AND c.since = s.since JOIN subject AS u ON u.n = s.n"""

    def _stretches(self, side: Side) -> str:
        """SQL: segments of `coded` in a row, put together where the same is told of them."""
        if self.member:
            # Memberships are of both sides: where one begins, nothing else need change.
            return "SELECT DISTINCT n, since, until FROM coded"
        listed = ", ".join(["everything", *(["millionths"] if self.shared and side is PROJECT else [])])
        return f"""
            WITH state AS (
                SELECT n, since, until, LIST(ROW({listed}) ORDER BY {listed}) AS told
                FROM coded GROUP BY n, since, until
            ),
            turning AS (
                SELECT n, since, until, CASE WHEN LAG(told) OVER of_subject = told
                    AND LAG(until) OVER of_subject = since THEN 0 ELSE 1 END AS turns
                FROM state WINDOW of_subject AS (PARTITION BY n ORDER BY since)
            ),
            stretch AS (SELECT *, SUM(turns) OVER (PARTITION BY n ORDER BY since) AS stretch FROM turning)
            SELECT n, MIN(since) AS since, MAX(until) AS until FROM stretch GROUP BY n, stretch"""

    def _segments(self, side: Side, attribution: Attribution) -> str:
        """SQL: each subject n, and from when until when nothing changes that the directory says of it."""
        tables, found = attribution.dated_tables(), []
        if not tables:
            return f"SELECT n, DATE '{self._first}' AS since, DATE '{self._after}' AS until FROM subject"
        if self.member and side is USER and "directory_member" not in self._empty:
            tables = [*tables, "directory_member"]
        table, id_, known = (
            ("directory_reference", "project_id", REFERENCES)
            if side is PROJECT
            else ("directory_account", "person_id", ACCOUNTS)
        )
        for _, resource, how, ref in known:
            found.append(
                f"SELECT u.n, r.{id_}, r.since, r.until FROM subject AS u JOIN {table} AS r "
                f"ON r.resource = {resource} AND r.matches = '{how}' AND r.ref = {ref}"
            )
        edges = [f"SELECT n, {edge} AS edge FROM found" for edge in ("since", "until")]
        edges += [
            f"SELECT l.n, d.{edge} FROM led AS l JOIN {one} AS d ON d.{id_} = l.{id_}"
            for one in tables
            if one != table
            for edge in ("since", "until")
        ]
        return f"""
            WITH found AS MATERIALIZED ({" UNION ALL ".join(found)}),
            led AS MATERIALIZED (SELECT DISTINCT n, {id_} FROM found),
            edged AS (
                SELECT n, DATE '{self._first}' AS since FROM subject
                UNION SELECT n, edge FROM ({" UNION ALL ".join(edges)})
                WHERE edge > DATE '{self._first}' AND edge < DATE '{self._after}'
            )
            SELECT n, since,
                LEAD(since, 1, DATE '{self._after}') OVER (PARTITION BY n ORDER BY since) AS until
            FROM edged"""


def same(keys: Iterable[str], left: str, right: str) -> str:
    """A condition: both rows are of the same project or user, also where something wasn't said of them."""
    return " AND ".join(
        f'{left}."{key}" {"=" if key == "resource" else "IS NOT DISTINCT FROM"} {right}."{key}"'
        for key in keys
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
