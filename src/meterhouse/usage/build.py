"""How do raw records become spans and daily usage? All at once, or only what is new since the last build.

Both ways give the same rows (design.md, invariants *Order* and *Split*). The incremental way goes on
from where the last build left each item (`item_tail`); an item that hears of its past (a late batch)
is rebuilt from all its raw records. Daily usage is kept by taking back what changed spans had counted
and adding what they count now: integers cancel exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.rules import rule_tables
from meterhouse.usage.tables import DAILY, ITEM_EVENT, ITEM_TAIL

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.publishing import NewFile
    from meterhouse.warehouse.store import Warehouse
    from meterhouse.warehouse.view import TableFile, View

# Models that turn raw tables into item events, each with the raw tables that it reads.
EVENT_MODELS: dict[str, tuple[str, ...]] = {
    "openstack_event": ("openstack_event",),
    "generic_cloud_event": ("generic_cloud_event",),
    "openstack_observation": (
        "openstack_server",
        "openstack_server_action",
        "openstack_volume",
        "openstack_volume_snapshot",
        "openstack_image",
        "openstack_floating_ip",
        "openstack_router",
        "openstack_network",
        "openstack_container",
    ),
}
_MODEL_ORDER = ("heard", "size_said", "transition", "span", "item_tail", "daily_part", "daily")
ITEM = "resource, kind, item"
_MOST_TRIES = 5
_IS_GONE = "(state_code IS NOT NULL AND state_code = 0)"
_MOST_ALIKE = 16  # files of closed spans of about one size


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: `way` is "full", "incremental" or "nothing new"; counts of rows written."""

    way: str
    snapshot: int
    items: int = 0
    rebuilt_items: int = 0
    rows: dict[str, int] = field(default_factory=dict)


@cache
def model_text(name: str) -> str:
    """The SQL of one model file."""
    return files("meterhouse.usage.models").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def models_key(time_zone: str) -> str:
    """A key that changes with any model, rule or the site's clock: then everything is built anew."""
    digest = hashlib.sha256(time_zone.encode())
    for name in (*EVENT_MODELS, *_MODEL_ORDER):
        digest.update(f"\0{name}\0{model_text(name)}".encode())
    for name, table in sorted(rule_tables().items()):
        digest.update(f"\0{name}\0{table.to_pylist()}".encode())
    return digest.hexdigest()


def daily_usage(view: View, **which: Any) -> str:
    """A SELECT of daily usage, one row a group; `which` as for `View.select`."""
    return _added_up(view.select("daily", **which))


def build(
    warehouse: Warehouse, open_engine: Callable[[], DuckDBEngine], time_zone: str, *, full: bool = False
) -> BuildReport:
    """Bring spans and daily usage up to everything that has landed, and publish them in one snapshot.

    When another process publishes a build first, this one starts again from there.
    """
    from meterhouse.warehouse.errors import BuildConflict

    for attempt in range(1, _MOST_TRIES + 1):
        with open_engine() as engine:
            one = _Build(warehouse, engine, time_zone)
            try:
                return one.run(full)
            except BuildConflict:
                one.discard()
                if attempt == _MOST_TRIES:
                    raise
            except BaseException:
                one.discard()
                raise
    raise AssertionError("unreachable")


class _Build:
    """One attempt: what it reads, the files that it writes, and what it will replace."""

    def __init__(self, warehouse: Warehouse, engine: DuckDBEngine, time_zone: str) -> None:
        self.warehouse = warehouse
        self.engine = engine
        self.time_zone = time_zone
        self.key = models_key(time_zone)
        self.view: View = warehouse.view()
        self.last = warehouse.last_build(self.view)
        self.written: list[Path] = []
        self.add: list[NewFile] = []
        self.remove: list[int] = []
        self.rows: dict[str, int] = {}
        for name, table in rule_tables().items():
            engine.relation(name, table)

    def run(self, full: bool) -> BuildReport:
        if full or self.last is None or self.last.models_key != self.key:
            return self._full()
        return self._incremental(self.last.input_snapshot)

    def discard(self) -> None:
        for path in self.written:
            path.unlink(missing_ok=True)

    # --- everything at once

    def _full(self) -> BuildReport:
        engine = self.engine
        engine.relation("item_event", self._item_events(self.view))
        engine.relation("item_tail", ITEM_TAIL.empty_table())
        self._walk()
        engine.relation(
            "signed_span", 'SELECT *, CAST(1 AS BIGINT) AS sign, "start" AS count_from FROM span_made'
        )
        self._daily_parts()
        for table in ("span", "item_tail", "daily"):
            self.remove += [file.id for file in self.view.files(table)]
        self._write("span", "closed", "SELECT * FROM span_made WHERE NOT is_last", order_by='"end"')
        self._write("span", "open", "SELECT * FROM span_made WHERE is_last", order_by='"end"')
        self._write("item_tail", "here", f"SELECT * FROM tail_made WHERE NOT {_IS_GONE}")
        self._write("item_tail", "gone", f"SELECT * FROM tail_made WHERE {_IS_GONE}")
        for month in self._months("daily_part"):
            self._write("daily", month, f"SELECT * FROM daily_part WHERE {_in_month(month)}", order_by="day")
        items = self._count(f"SELECT COUNT(*) FROM (SELECT DISTINCT {ITEM} FROM tail_made)")
        return self._publish("full", items=items, rebuilt_items=items)

    # --- only what is new

    def _incremental(self, built_until: int) -> BuildReport:
        engine = self.engine
        if not any(
            self.view.files(table, since_snapshot=built_until)
            for tables in EVENT_MODELS.values()
            for table in tables
        ):
            return BuildReport("nothing new", self.view.snapshot)
        engine.materialise("event_said", self._item_events(self.view, since_snapshot=built_until))
        self._keep_only_news(built_until)
        engine.relation("tail_before", self.view.select("item_tail"))
        # Late is what is not after the last that was heard of its item: then all of the item is told anew.
        engine.materialise(
            "affected",
            f"""SELECT n.resource, n.kind, n.item, n.first_time,
                    COALESCE(t.last_time >= n.first_time, FALSE) AS is_late
                FROM (SELECT {ITEM}, MIN(time) AS first_time FROM event_new GROUP BY {ITEM}) AS n
                LEFT JOIN (SELECT {ITEM}, MAX(time) AS last_time FROM tail_before GROUP BY {ITEM}) AS t
                    USING ({ITEM})""",
        )
        late = self._count("SELECT COUNT(*) FROM affected WHERE is_late")
        events = "SELECT * FROM event_new"
        if late:
            events = f"""
                SELECT e.* FROM event_new AS e JOIN affected AS a USING ({ITEM}) WHERE NOT a.is_late
                UNION ALL
                SELECT e.* FROM ({self._item_events(self.view)}) AS e
                JOIN affected AS a USING ({ITEM}) WHERE a.is_late"""
        engine.relation("item_event", events)
        engine.materialise(
            "item_tail",
            f"SELECT t.* FROM tail_before AS t JOIN affected AS a USING ({ITEM}) WHERE NOT a.is_late",
        )
        self._walk()
        self._replace_spans(bool(late))
        self._replace_daily()
        self._replace_tails()
        items = self._count("SELECT COUNT(*) FROM affected")
        return self._publish("incremental", items=items, rebuilt_items=late)

    def _keep_only_news(self, built_until: int) -> None:
        """Drop what was known before: overlapping polls tell the same events again.

        An event that is told otherwise is news only where it outranks what was known of it, as the model
        `transition` ranks tellings: otherwise it wouldn't count if everything were built at once, either.
        """
        engine = self.engine
        before = self.warehouse.view(as_of=built_until)
        window = engine.query("SELECT MIN(time) AS first, MAX(time) AS last FROM event_said").to_pylist()[0]
        known = ""
        if window["first"] is not None:
            # What polling tells lies around the times of its files: a step of an action ends after the action
            # began, and an observation stands at its whole second.
            around = (window["first"] - timedelta(days=1), window["last"] + timedelta(seconds=1))
            known = self._item_events(before, overlapping=around)
        if not known:
            engine.relation("event_new", "SELECT * FROM event_said")
            return
        same_event = " AND ".join(
            f'k."{name}" IS NOT DISTINCT FROM e."{name}"'
            for name in ("resource", "kind", "item", "time", "event", "host")
        )
        same_content = " AND ".join(
            f'k."{name}" IS NOT DISTINCT FROM e."{name}"'
            for name in ITEM_EVENT.names
            if name not in ("said_at", "batch_id", "record")
        )
        engine.materialise(
            "event_known",
            f"""SELECT * FROM (
                    SELECT *, ROW_NUMBER() OVER (
                        PARTITION BY resource, kind, item, time, event, host
                        ORDER BY said_at, batch_id, record
                    ) AS telling
                    FROM ({known}) AS k
                    WHERE k.time BETWEEN TIMESTAMPTZ '{window["first"]}' AND TIMESTAMPTZ '{window["last"]}'
                        AND EXISTS (SELECT 1 FROM event_said AS e WHERE {same_event})
                ) WHERE telling = 1""",
        )
        engine.materialise(
            "event_new",
            f"""SELECT e.* FROM event_said AS e WHERE NOT EXISTS (
                    SELECT 1 FROM event_known AS k
                    WHERE {same_event} AND (
                        k.said_at < e.said_at
                        OR (k.said_at = e.said_at AND k.batch_id < e.batch_id)
                        OR (k.said_at = e.said_at AND k.batch_id = e.batch_id AND k.record < e.record)
                        OR ({same_content})))""",
        )

    def _replace_spans(self, with_late: bool) -> None:
        engine = self.engine
        engine.relation("open_before", self.view.select("span", partition="open"))
        engine.materialise(
            "span_taken_back",
            f"SELECT s.* FROM open_before AS s JOIN (SELECT {ITEM} FROM affected) AS a USING ({ITEM})",
        )
        closed = self.view.files("span", partition="closed")
        rewritten = []
        if with_late:
            for file in closed:
                text = self.view.select_files("span", [file])
                engine.materialise(
                    "closed_late",
                    f"SELECT s.* FROM ({text}) AS s JOIN affected AS a USING ({ITEM}) WHERE a.is_late",
                )
                if self._count("SELECT COUNT(*) FROM closed_late"):
                    engine.materialise(
                        "span_taken_back", "SELECT * FROM span_taken_back UNION ALL SELECT * FROM closed_late"
                    )
                    rewritten.append(file)
        for file in rewritten:
            text = self.view.select_files("span", [file])
            self._write(
                "span",
                "closed",
                f"SELECT * FROM ({text}) AS s WHERE NOT EXISTS ({_same_item('affected', 's')} AND o.is_late)",
                order_by='"end"',
            )
        # Many builds leave many small files: those of one size are put together with what is new.
        small = _too_many_alike([file for file in closed if file not in rewritten])
        rewritten += small
        made = "SELECT * FROM span_made WHERE NOT is_last"
        if small:
            made += f" UNION ALL SELECT * FROM ({self.view.select_files('span', small)})"
        self._write("span", "closed", made, order_by='"end"')
        self._write(
            "span",
            "open",
            f"SELECT * FROM open_before AS s WHERE NOT EXISTS ({_same_item('affected', 's')}) "
            "UNION ALL SELECT * FROM span_made WHERE is_last",
        )
        self.remove += [file.id for file in (*rewritten, *self.view.files("span", partition="open"))]

    def _replace_tails(self) -> None:
        """Tails of what is here are written anew; those of what is gone only grow, but for a return."""
        unaffected = f"NOT EXISTS ({_same_item('affected', 't')})"
        here = self.view.select("item_tail", partition="here")
        made = f"SELECT * FROM tail_made WHERE NOT {_IS_GONE}"
        self._write("item_tail", "here", f"SELECT * FROM ({here}) AS t WHERE {unaffected} UNION ALL {made}")
        gone = self.view.files("item_tail", partition="gone")
        returned = self._count(
            f"SELECT COUNT(*) FROM ({self.view.select_files('item_tail', gone)}) AS t WHERE NOT {unaffected}"
        )
        rewritten = gone if returned else _too_many_alike(gone)
        made = f"SELECT * FROM tail_made WHERE {_IS_GONE}"
        if rewritten:
            before = self.view.select_files("item_tail", rewritten)
            made += f" UNION ALL SELECT * FROM ({before}) AS t WHERE {unaffected}"
        self._write("item_tail", "gone", made)
        self.remove += [file.id for file in (*rewritten, *self.view.files("item_tail", partition="here"))]

    def _replace_daily(self) -> None:
        engine = self.engine
        # Days before the first change are the same in the span that is taken back and in the one that
        # replaces it: they need no counting. The first change is the first news, or where a span that was
        # open goes on from: under one rule set an item may have been silent for longer than under another.
        engine.relation(
            "signed_span",
            f"""
            WITH change AS (
                SELECT a.resource, a.kind, a.item,
                    LEAST(a.first_time, COALESCE(MIN(CASE WHEN b.is_last THEN b."end" END), a.first_time))
                        AS changed_from
                FROM affected AS a LEFT JOIN span_taken_back AS b USING ({ITEM})
                GROUP BY a.resource, a.kind, a.item, a.first_time
            )
            SELECT s.*, CAST(1 AS BIGINT) AS sign, GREATEST(s."start", c.changed_from) AS count_from
            FROM span_made AS s JOIN change AS c USING ({ITEM})
            UNION ALL
            SELECT s.*, CAST(-1 AS BIGINT) AS sign, GREATEST(s."start", c.changed_from) AS count_from
            FROM span_taken_back AS s JOIN change AS c USING ({ITEM})""",
        )
        self._daily_parts()
        differs = "wall_seconds <> 0 OR begun <> 0 OR ceased <> 0 OR spans <> 0"
        for month in self._months("daily_part", differs):
            entries = f"SELECT * FROM daily_part WHERE {_in_month(month)} AND ({differs})"
            small = _too_many_alike(self.view.files("daily", partition=month))
            if small:
                together = f"{self.view.select_files('daily', small)} UNION ALL {entries}"
                entries = _added_up(together)
            self._write("daily", month, entries, order_by="day")
            self.remove += [file.id for file in small]

    # --- steps of both ways

    def _item_events(self, view: View, **which: Any) -> str:
        """One SELECT over all models that make item events, for the raw tables that have files."""
        parts = []
        columns = ", ".join(f'"{name}"' for name in ITEM_EVENT.names)
        for model, tables in EVENT_MODELS.items():
            if not any(view.files(table, **which) for table in tables):
                continue
            text = model_text(model)
            with_tables = ", ".join(f"{table} AS ({view.select(table, **which)})" for table in tables)
            # within brackets: a model may begin with a WITH of its own
            told = f"WITH {with_tables} SELECT * FROM ({_without_comments(text)})"
            parts.append(f"SELECT {columns} FROM ({told})")
        if parts:
            return " UNION ALL ".join(parts)
        self.engine.relation("no_item_event", ITEM_EVENT.empty_table())
        return "SELECT * FROM no_item_event"

    def _walk(self) -> None:
        self.engine.materialise("heard", model_text("heard"))
        self.engine.materialise("size_said", model_text("size_said"))
        self.engine.materialise("transition", model_text("transition"))
        self.engine.materialise("span_made", model_text("span"))
        self.engine.materialise("tail_made", model_text("item_tail"))

    def _daily_parts(self) -> None:
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

    def _months(self, table: str, where: str = "TRUE") -> list[str]:
        rows = self.engine.query(
            f"SELECT DISTINCT strftime(day, '%Y-%m') AS month FROM {table} WHERE {where} ORDER BY month"
        )
        return [str(row["month"]) for row in rows.to_pylist()]

    def _write(self, table: str, partition: str, sql: str, *, order_by: str = "") -> None:
        from meterhouse.warehouse.publishing import NewFile

        path = self.warehouse.new_path(table)
        self.written.append(path)
        rows = self.engine.copy(sql, path, order_by=order_by, name=table)
        self.rows[table] = self.rows.get(table, 0) + rows
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

    def _count(self, sql: str) -> int:
        return int(self.engine.query(sql).column(0)[0].as_py())

    def _publish(self, way: str, *, items: int, rebuilt_items: int) -> BuildReport:
        snapshot = self.warehouse.publish(
            kind="build",
            previous_build=self.last.number if self.last else None,
            input_snapshot=self.view.snapshot,
            models_key=self.key,
            add=self.add,
            remove=self.remove,
        )
        return BuildReport(way, snapshot, items, rebuilt_items, self.rows)


def _added_up(entries: str) -> str:
    return f"WITH daily_entry AS ({entries}) {_without_comments(model_text('daily'))}"


def _too_many_alike(files: list[TableFile]) -> list[TableFile]:
    """The files of a size (by powers of 16 rows) of which there are too many, smallest size first."""
    by_size: dict[int, list[TableFile]] = {}
    for file in files:
        by_size.setdefault(file.rows.bit_length() // 4, []).append(file)
    crowded = [alike for _, alike in sorted(by_size.items()) if len(alike) >= _MOST_ALIKE]
    return crowded[0] if crowded else []


def _in_month(month: str) -> str:
    return f"strftime(day, '%Y-%m') = '{month}'"


def _same_item(table: str, alias: str) -> str:
    return (
        f"SELECT 1 FROM {table} AS o WHERE o.resource = {alias}.resource "
        f"AND o.kind = {alias}.kind AND o.item = {alias}.item"
    )


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
