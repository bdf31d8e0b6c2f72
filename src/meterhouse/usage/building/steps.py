"""What do both ways of building have in common? Reading, walking, counting by day, writing, publishing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.usage.building.models import (
    EVENT_MODELS,
    model_text,
    models_key,
    raw_tables_read,
    run_over_view,
    without_comments,
)
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.rules import rule_tables
from meterhouse.usage.tables import DAILY, DERIVED_TABLES, ITEM_EVENT, ITEM_TAIL, SPAN

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import TableFile
    from meterhouse.warehouse.publishing import NewFile
    from meterhouse.warehouse.store import Warehouse
    from meterhouse.warehouse.view import View

ITEM = "resource, kind, item"
SPAN_COLUMNS = ", ".join(f'"{name}"' for name in SPAN.names)
TAIL_COLUMNS = ", ".join(f'"{name}"' for name in ITEM_TAIL.names)
IS_GONE = "(state_code IS NOT NULL AND state_code = 0)"
# What the model `daily_part` asks about a span that no build counted before.
COUNTED_AS_A_WHOLE = """CAST(1 AS BIGINT) AS sign, "start" AS count_from,
    CAST(NULL AS TIMESTAMPTZ) AS counted_until, CAST(NULL AS BIGINT) AS ceased_before"""
_NO_SIZE_SAID = """SELECT CAST(NULL AS BIGINT) AS event_number, CAST(NULL AS VARCHAR) AS class,
    CAST(NULL AS BIGINT) AS vcpus, CAST(NULL AS BIGINT) AS memory_mib, CAST(NULL AS BIGINT) AS disk_gib
    WHERE FALSE"""
_MOST_ALIKE = 16  # files of about one size


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: `way` is "full", "incremental" or "nothing new"; counts of rows written."""

    way: str
    snapshot: int
    items: int = 0
    rebuilt_items: int = 0
    rows: dict[str, int] = field(default_factory=dict)


class BuildSteps:
    """One attempt at a build: what it reads, the files that it writes, and what it will replace."""

    def __init__(
        self, warehouse: Warehouse, opened_engine: Callable[[], DuckDBEngine], time_zone: str
    ) -> None:
        self.warehouse = warehouse
        self.time_zone = time_zone
        self.key = models_key(time_zone)
        self.view: View = warehouse.view()
        self.last = warehouse.last_build(self.view)
        self.written: list[Path] = []
        self.add: list[NewFile] = []
        self.remove: list[int] = []
        self.wrote: list[tuple[str, int]] = []  # tables, and how many rows
        # While the engine opens. From here on no thread asks the register about files.
        self.view.look_up([*raw_tables_read(), *DERIVED_TABLES])
        self.engine = opened_engine()
        for name, table in rule_tables().items():
            self.engine.relation(name, table)

    def beside(self) -> BuildSteps:
        """The same attempt, for another thread. What it reads of the register has to be known already."""
        other = copy(self)
        other.engine = self.engine.beside()
        return other

    def discard(self) -> None:
        """Delete what was written: it won't be published."""
        for path in self.written:
            path.unlink(missing_ok=True)

    def item_events(self, view: View, **which: Any) -> str:
        """One SELECT over all models that make item events, for the raw tables that have files."""
        if told := run_over_view(EVENT_MODELS, ITEM_EVENT, view, **which):
            return " UNION ALL ".join(told)
        self.engine.relation("no_item_event", ITEM_EVENT.empty_table())
        return "SELECT * FROM no_item_event"

    def daily_parts(self) -> None:
        """From `signed_span` to `daily_part`."""
        bounds = self.engine.query(
            'SELECT MIN(count_from) AS first, MAX("end") AS last FROM signed_span'
        ).to_pylist()[0]
        if bounds["first"] is None:
            self.engine.relation("daily_part", DAILY.empty_table())
            return
        # A day of grace at both ends: no time zone is further from UTC.
        first = bounds["first"].date() - timedelta(days=1)
        last = bounds["last"].date() + timedelta(days=1)
        self.engine.relation("calendar", calendar_table(first, last, self.time_zone))
        self.engine.materialise("daily_part", model_text("daily_part"))

    def months(self, table: str, where: str = "TRUE") -> list[str]:
        """The months of the days in `table`."""
        days = self.engine.query(f"SELECT DISTINCT day FROM {table} WHERE {where}").column("day")
        return sorted({day.isoformat()[:7] for day in days.to_pylist()})

    def write(self, table: str, partition: str, sql: str, *, order_by: str = "") -> None:
        """Write the rows of `sql` as a new file of `table`; no file when there are none."""
        from meterhouse.warehouse.publishing import NewFile

        path = self.warehouse.new_path(table)
        self.written.append(path)
        rows = self.engine.copy(sql, path, order_by=order_by, name=table)
        self.wrote.append((table, rows))
        if rows == 0:
            path.unlink(missing_ok=True)
            return
        first, last = None, None
        if table == "span":
            bounds = self.engine.query(
                f"""SELECT MIN("start") AS first, MAX("end") AS last FROM read_parquet('{path}')"""
            ).to_pylist()[0]
            first, last = bounds["first"], bounds["last"]
        self.add.append(NewFile(table, path, partition, first, last, rows))

    def count(self, sql: str) -> int:
        """The number that a query of one value answers."""
        return int(self.engine.query(sql).column(0)[0].as_py())

    def publish(self, report: BuildReport) -> BuildReport:
        """Make all that was written visible at once. The engine isn't needed for it."""
        snapshot = self.warehouse.publish(
            kind="build",
            previous_build=self.last.number if self.last else None,
            input_snapshot=self.view.snapshot,
            models_key=self.key,
            add=self.add,
            remove=self.remove,
        )
        rows: Counter[str] = Counter()
        for table, number in self.wrote:
            rows[table] += number
        return replace(report, snapshot=snapshot, rows=dict(rows))


def hear_everything(engine: DuckDBEngine) -> None:
    """From all of `item_event`, with nothing built before, to `heard` and `told`."""
    engine.materialise("item", model_text("item"))
    engine.relation("no_tail", ITEM_TAIL.empty_table())
    engine.materialise("tail_row", "SELECT *, CAST(NULL AS BIGINT) AS item_number FROM no_tail")
    engine.materialise("heard_row", model_text("heard"))
    tell(engine)


def tell(engine: DuckDBEngine, tails: str = "tail_row") -> None:
    """From `heard_row` and a table of tails (with their item_number) to `heard` and `told`."""
    engine.relation("item_tail", f"SELECT *, rowid AS tail_number FROM {tails}")
    engine.relation("heard", "SELECT *, rowid AS event_number FROM heard_row")
    # Nearly always every VM's size is said: then the model would only be planned, for nothing.
    if engine.query("SELECT 1 FROM heard WHERE kind = 'vm' AND vcpus IS NULL LIMIT 1").num_rows:
        engine.materialise("size_said", model_text("size_said"))
    else:
        engine.relation("size_said", _NO_SIZE_SAID)
    engine.relation("told", model_text("told"))


def walk(engine: DuckDBEngine) -> None:
    """From `heard` and `told` to `event_span` (spans of events) and `tail_made` (where this leaves items)."""
    engine.materialise("transition", model_text("transition"))
    spans = without_comments(model_text("span"))
    engine.materialise("event_span", f"SELECT {SPAN_COLUMNS} FROM ({spans}) WHERE NOT {IS_GONE}")
    engine.materialise("tail_made", f"SELECT {TAIL_COLUMNS} FROM ({spans}) WHERE is_last")


def added_up(entries: str) -> str:
    """Entries of daily usage, added up to one row a group."""
    return f"WITH daily_entry AS ({entries}) {without_comments(model_text('daily'))}"


def too_many_alike(files: list[TableFile]) -> list[TableFile]:
    """The files of a size (by powers of 16 rows) of which there are too many, smallest size first."""
    by_size: dict[int, list[TableFile]] = {}
    for file in files:
        by_size.setdefault(file.rows.bit_length() // 4, []).append(file)
    crowded = [alike for _, alike in sorted(by_size.items()) if len(alike) >= _MOST_ALIKE]
    return crowded[0] if crowded else []


def in_month(month: str) -> str:
    """A condition: the day lies in `month`, such as 2018-04."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return f"day >= DATE '{first}' AND day < DATE '{after}'"


def same_item(table: str, alias: str) -> str:
    """A SELECT of the rows o of `table` about the item of `alias`, for EXISTS."""
    return (
        f"SELECT 1 FROM {table} AS o WHERE o.resource = {alias}.resource "
        f"AND o.kind = {alias}.kind AND o.item = {alias}.item"
    )
