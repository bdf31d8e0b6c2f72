"""From what is daily usage read for a question? From the coarsest sums that give the same answer.

A month that the question covers, or of which nothing is known after the question's last day, is read from
sums by month, where nobody in it changes owner inside that month; the days of those who do (rows of
`moved_project_side` and `moved_user_side`) are read from sums by day. Other months in part, and files without
sums, are read by day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow.parquet import read_metadata

from meterhouse.usage.answer_sql import rows_of
from meterhouse.usage.mover_days import Moved, days_kept, find_moved
from meterhouse.usage.question import Question
from meterhouse.usage.rollups import ALWAYS, SETS, kept_at, widened
from meterhouse.usage.whose import Whose
from meterhouse.warehouse.selection import files_sql

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.view import View


def months_of(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and last day of each month that a stretch of days touches."""
    month = first.replace(day=1)
    while month <= last:
        after = (month + timedelta(days=32)).replace(day=1)
        yield month, after - timedelta(days=1)
        month = after


@dataclass(frozen=True, slots=True)
class DailySource:
    """SQL over daily usage as a view has it; the engine has the `calendar` and the dimension tables."""

    view: View
    engine: DuckDBEngine

    def of_question(self, question: Question, wanted: Collection[str], whose: Whose) -> str:
        """Rows of the question's realm and days: `day`, `state`, columns of `whose`, the quantities `wanted`.

        A day is the first of the month where the row stands for the whole of it. Makes the tables of `whose`.
        """
        months = self._whole_months(question)
        whose.prepare(self.engine, lambda columns: self._union(question, columns, (), months, []))
        whole = {one for one in months if question.period != "day" and self._is_summed(one, whose.columns)}
        moved = list(find_moved(self.engine, whose)) if whole else []
        return self._union(question, whose.columns, wanted, whole, moved)

    def resources(self, question: Question) -> list[str]:
        """Of which resources there is anything of the question's realm and days, filters aside."""
        rows = self._union(question, ("resource",), (), self._whole_months(question), [])
        found = self.engine.query(f"SELECT DISTINCT resource FROM ({rows})").column(0)
        return [str(name) for name in found.to_pylist()]

    def _union(
        self,
        question: Question,
        columns: Collection[str],
        wanted: Collection[str],
        whole: set[date],
        moved: list[Moved],
    ) -> str:
        moving = set().union(*(one.months for one in moved))
        by_month: list[Path] = []
        by_day: list[Path] = []
        entries: list[TableFile] = []
        # Of months that are read from sums by month: what the days of those who move are read from.
        days_of_movers: list[Path] = []
        entries_of_movers: list[tuple[date, TableFile]] = []
        for month, _ in months_of(question.first, question.last):
            for file in self.view.files("daily", partition=f"{month:%Y-%m}"):
                sums = _kept(self.view, file, columns)
                in_months = month in whole and "month" in sums
                if in_months:
                    by_month.append(sums["month"])
                    if month not in moving:
                        continue
                if "day" in sums:
                    (days_of_movers if in_months else by_day).append(sums["day"])
                elif in_months:
                    entries_of_movers.append((month, file))
                else:
                    entries.append(file)
        names = ", ".join(f'u."{one}"' for one in dict.fromkeys(("day", "state", *columns)))
        added = names + "".join(f', u."{one}"' for one in wanted)
        entered = names + "".join(f', {widened(one)} AS "{one}"' for one in wanted)
        days = f"{rows_of(question)} AND day BETWEEN DATE '{question.first}' AND DATE '{question.last}'"
        unmoved = "".join(f" ANTI {one.joined()}" for one in moved)
        parts = [f"SELECT {entered} FROM ({self.view.select_files('daily', entries)}) AS u WHERE {days}"]
        if by_day:
            parts.append(f"SELECT {added} FROM ({files_sql(by_day)}) AS u WHERE {days}")
        if by_month:
            parts.append(
                f"SELECT {added} FROM ({files_sql(by_month)}) AS u {unmoved} WHERE {rows_of(question)}"
            )
        for n in range(len(moved)):
            for rows, quantities in (
                (files_sql(days_of_movers) if days_of_movers else "", added),
                (self._entries_of(moved[n], entries_of_movers), entered),
            ):
                if rows:
                    theirs = _of_movers(f"SELECT * FROM ({rows}) WHERE {days}", moved[: n + 1])
                    parts.append(f"SELECT {quantities} FROM ({theirs}) AS u")
        return " UNION ALL ".join(parts)

    def _entries_of(self, moved: Moved, entries: list[tuple[date, TableFile]]) -> str:
        """SQL: the rows of these files, each of one month, of those who move in it; "" where nobody does."""
        kept, parts = [], []
        for month, file in entries:
            if month in moved.months:
                path = days_kept(self.view, self.engine, file, moved, month)
                if path is not None:
                    kept.append(path)
                else:
                    parts.append(moved.of_month(self.view.select_files("daily", [file]), month))
        if kept:
            parts.append(f"SELECT * FROM ({files_sql(kept)})")
        return " UNION ALL ".join(parts)

    def _whole_months(self, question: Question) -> set[date]:
        """Months that sums by month stand for, within the question.

        The calendar has every day of them (some zones left one out); of the question's last month it has all
        days until that of the newest usage.
        """
        counted = self.engine.query(
            "SELECT MIN(day) AS first, MAX(day) AS last, COUNT(*) AS days FROM calendar GROUP BY month"
        ).to_pylist()
        return {
            first
            for first, last, days in (one.values() for one in counted)
            if first.day == 1
            and days == (last - first).days + 1
            and ((last + timedelta(days=1)).day == 1 or self._ends_by(first, last))
        }

    def _is_summed(self, month: date, columns: Collection[str]) -> bool:
        """Whether anything of a month is kept as sums by month over these columns."""
        files = self.view.files("daily", partition=f"{month:%Y-%m}")
        return any("month" in _kept(self.view, file, columns) for file in files)

    def _ends_by(self, month: date, last: date) -> bool:
        """Whether nothing of a month is known after a day of it."""
        for file in self.view.files("daily", partition=f"{month:%Y-%m}"):
            sums = _kept(self.view, file, ("resource",))
            if "month" not in sums or _last_day(sums["month"]) > last:
                return False
        return True


@lru_cache(maxsize=256)
def _last_day(sums: Path) -> date:
    """The last day that sums are made of, as the footer of the file has it: such files never change."""
    footer = read_metadata(sums)
    column = footer.schema.names.index("last_day")
    days: list[date] = [
        footer.row_group(n).column(column).statistics.max for n in range(footer.num_row_groups)
    ]
    return max(days)


def project_names(view: View) -> str:
    """A SELECT of names of projects in daily usage: resource, project_ref, project_name, domain, last_day."""
    columns = ("resource", "project_ref", "project_name", "domain")
    names = ", ".join(columns)
    sums, entries = _split(view, columns, "month")
    parts = [f"SELECT {names}, day AS last_day FROM ({view.select_files('daily', entries)})"]
    if sums:
        parts.append(f"SELECT {names}, last_day FROM ({files_sql(sums)})")
    return f"""
        SELECT {names}, MAX(last_day) AS last_day FROM ({" UNION ALL ".join(parts)})
        WHERE project_ref IS NOT NULL AND project_name IS NOT NULL GROUP BY {names}"""


def entries_by_day(view: View, columns: Sequence[str], wanted: Sequence[str]) -> str:
    """A SELECT of all daily usage: `rules`, `day`, `columns` and quantities, added up by them or not."""
    names = ", ".join(f'"{one}"' for one in ("rules", "day", *columns))
    of_entries = "".join(f', {widened(one)} AS "{one}"' for one in wanted)
    of_sums = "".join(f', "{one}"' for one in wanted)
    sums, entries = _split(view, columns, "day")
    parts = [f"SELECT {names}{of_entries} FROM ({view.select_files('daily', entries)})"]
    if sums:
        parts.append(f"SELECT {names}{of_sums} FROM ({files_sql(sums)})")
    return " UNION ALL ".join(parts)


def _split(view: View, columns: Sequence[str], tier: str) -> tuple[list[Path], list[TableFile]]:
    """The sums of a tier, and the files of which there are none."""
    sums: list[Path] = []
    entries: list[TableFile] = []
    for file in view.files("daily"):
        kept = _kept(view, file, columns)
        if tier in kept:
            sums.append(kept[tier])
        else:
            entries.append(file)
    return sums, entries


def _kept(view: View, file: TableFile, columns: Collection[str]) -> dict[str, Path]:
    """The sums that are kept of a file over at least these columns: the smallest, by tier."""
    folder, found = kept_at(view, file), {}
    if not folder.is_dir():
        return {}
    for name, (of, _) in reversed(SETS.items()):
        if set(columns) <= {*of, *ALWAYS}:
            for tier in ("month", "day"):
                path = folder / f"{name}-{tier}.parquet"
                if tier not in found and path.exists():
                    found[tier] = path
    return found


def _of_movers(rows: str, moved: Sequence[Moved]) -> str:
    """SQL: the `rows` of those who move on the last side and on none before: of all sides, each row once."""
    *others, last = moved
    left = "".join(f" ANTI {one.joined()}" for one in others)
    return f"""
        WITH few AS MATERIALIZED (SELECT u.* FROM ({rows}) AS u SEMI {last.joined()})
        SELECT u.* FROM few AS u{left}"""
