"""How is only what is new since the last build brought in?

Items of events go on from where the last build left them (`item_tail`); an item that hears of its past (a
late batch) is rebuilt from all its raw records, as is an item of intervals of which anything was said. Daily
usage is kept by taking back what changed spans had counted and adding what they count now: integers cancel
exactly.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa

from meterhouse.usage.building.intervals import changed_intervals, interval_suspects
from meterhouse.usage.building.levels import write_changed_levels
from meterhouse.usage.building.models import IntervalModel, raw_tables_read
from meterhouse.usage.building.steps import (
    IS_GONE,
    ITEM,
    BuildReport,
    BuildSteps,
    added_up,
    hear,
    in_month,
    same_item,
    too_many_alike,
    walk,
)
from meterhouse.usage.tables import ITEM_EVENT, SPAN, TIME

_SPAN_COLUMNS = ", ".join(f'"{name}"' for name in SPAN.names)
_ITEM_CHANGED = pa.schema(
    [*(SPAN.field(name) for name in ("resource", "kind", "item")), ("first_time", TIME)]
)
_COUNTS = (
    "wall_seconds",
    "begun",
    "ceased",
    "spans",
    "wait_seconds",
    "cpu_used_millis",
    "cpu_measured_millis",
    "memory_used",
    "memory_measured",
)


def build_what_is_new(steps: BuildSteps, built_until: int) -> BuildReport:
    """Bring in what landed after snapshot `built_until`."""
    engine, view = steps.engine, steps.view
    if not any(view.files(table, since_snapshot=built_until) for table in raw_tables_read()):
        return BuildReport("nothing new", view.snapshot)
    _event_news(steps, built_until)
    late = steps.count("SELECT COUNT(*) FROM affected WHERE is_late")
    models = interval_suspects(steps, built_until)
    engine.relation("open_before", view.select("span", partition="open"))
    if late or models:
        _find_stored_spans(steps)
    else:
        engine.relation("stored_span", pa.schema([*SPAN, ("file_id", pa.int64())]).empty_table())
    _interval_news(steps, models)
    engine.materialise(
        "replaced",
        f"""SELECT {ITEM}, changed_from, is_late FROM affected
            UNION ALL SELECT {ITEM}, first_time AS changed_from, TRUE AS is_late FROM interval_changed""",
    )
    _walk_news(steps, bool(late))
    engine.relation(
        "span_made",
        f"SELECT {_SPAN_COLUMNS} FROM event_span UNION ALL SELECT {_SPAN_COLUMNS} FROM interval_span",
    )
    _replace_spans(steps)
    _replace_daily(steps)
    _replace_tails(steps)
    write_changed_levels(steps, built_until)
    items = steps.count("SELECT COUNT(*) FROM replaced")
    return steps.publish(
        "incremental",
        items=items,
        rebuilt_items=steps.count("SELECT COUNT(*) FROM replaced WHERE is_late"),
    )


def _event_news(steps: BuildSteps, built_until: int) -> None:
    """From what landed to `event_new`, `item` (those it is about), `tail_row` and `affected`.

    `tail_row` is where they were left, with the item's number. `affected` has the columns of `item` and
    is_late, was_gone, changed_from.
    """
    engine = steps.engine
    engine.relation("event_said", steps.item_events(steps.view, since_snapshot=built_until))
    _keep_only_news(steps, built_until)
    engine.materialise(
        "item",
        f"""SELECT *, ROW_NUMBER() OVER () AS item_number
            FROM (SELECT {ITEM}, MIN(time) AS first_time FROM event_new GROUP BY {ITEM})""",
    )
    engine.materialise(
        "tail_row",
        f"""SELECT t.*, i.item_number FROM ({steps.view.select("item_tail")}) AS t
            JOIN item AS i USING ({ITEM})""",
    )
    # Late is what is not after the last that was heard of its item: then all of the item is told anew.
    # Usage changes from the first news on, or from where a span that was open goes on: under one rule set an
    # item may have been silent for longer than under another.
    engine.materialise(
        "affected",
        f"""SELECT i.*,
                COALESCE(t.last_time >= i.first_time, FALSE) AS is_late,
                COALESCE(t.was_gone, FALSE) AS was_gone,
                LEAST(i.first_time, COALESCE(t.silent_since, i.first_time)) AS changed_from
            FROM item AS i
            LEFT JOIN (
                SELECT item_number, BOOL_OR({IS_GONE}) AS was_gone,
                    MAX(COALESCE(last_time, time)) AS last_time,
                    MIN(COALESCE(last_time, time)) AS silent_since
                FROM tail_row GROUP BY item_number
            ) AS t USING (item_number)""",
    )


def _keep_only_news(steps: BuildSteps, built_until: int) -> None:
    """Drop what was known before: overlapping polls tell the same events again.

    An event that is told otherwise is news only where it outranks what was known of it, as the model
    `transition` ranks tellings: otherwise it wouldn't count if everything were built at once, either.
    """
    engine = steps.engine
    before = steps.warehouse.view(as_of=built_until)
    window = engine.query("SELECT MIN(time) AS first, MAX(time) AS last FROM event_said").to_pylist()[0]
    if window["first"] is None:
        engine.relation("event_new", "SELECT * FROM event_said")
        return
    # What polling tells lies around the times of its files: a step of an action ends after the action
    # began, and an observation stands at its whole second.
    around = (window["first"] - timedelta(days=1), window["last"] + timedelta(seconds=1))
    known = steps.item_events(before, overlapping=around)
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
    if not steps.count("SELECT COUNT(*) FROM event_known"):
        engine.relation("event_new", "SELECT * FROM event_said")
        return
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


def _find_stored_spans(steps: BuildSteps) -> None:
    """Materialise `stored_span`: spans of items that may be rebuilt, with their closed file (or null)."""
    engine, view = steps.engine, steps.view
    engine.materialise(
        "suspect",
        f"""SELECT {ITEM} FROM interval_suspect UNION
            SELECT {ITEM} FROM affected WHERE is_late""",
    )
    suspected = same_item("suspect", "s")
    closed = view.files("span", partition="closed")
    parts = [
        f"SELECT {_SPAN_COLUMNS}, CAST(NULL AS BIGINT) AS file_id FROM open_before AS s "
        f"WHERE EXISTS ({suspected})"
    ]
    if closed:
        # Few files hold any: their items are looked at before their rows are read.
        looked = " UNION ALL ".join(
            f"SELECT {ITEM}, CAST({file.id} AS BIGINT) AS file_id FROM ({view.select_files('span', [file])})"
            for file in closed
        )
        hits = engine.query(f"SELECT DISTINCT file_id FROM ({looked}) AS s WHERE EXISTS ({suspected})")
        holding = set(hits.column(0).to_pylist())
        parts += [
            f"SELECT {_SPAN_COLUMNS}, CAST({file.id} AS BIGINT) AS file_id "
            f"FROM ({view.select_files('span', [file])}) AS s WHERE EXISTS ({suspected})"
            for file in closed
            if file.id in holding
        ]
    engine.materialise("stored_span", " UNION ALL ".join(parts))


def _interval_news(steps: BuildSteps, models: dict[IntervalModel, datetime]) -> None:
    """Materialise `interval_span` and `interval_changed`, both empty when `models` have nothing new."""
    if models:
        changed_intervals(steps, models)
        return
    steps.engine.relation("interval_span", SPAN.empty_table())
    steps.engine.relation("interval_changed", _ITEM_CHANGED.empty_table())


def _walk_news(steps: BuildSteps, with_late: bool) -> None:
    engine = steps.engine
    engine.relation("item_event", "SELECT * FROM event_new")
    if with_late:
        engine.relation(
            "item_event",
            f"""
            SELECT e.* FROM event_new AS e JOIN affected AS a USING ({ITEM}) WHERE NOT a.is_late
            UNION ALL
            SELECT e.* FROM ({steps.item_events(steps.view)}) AS e
            JOIN affected AS a USING ({ITEM}) WHERE a.is_late""",
        )
        engine.materialise(
            "tail_row",
            "SELECT t.* FROM tail_row AS t JOIN affected AS a USING (item_number) WHERE NOT a.is_late",
        )
    hear(engine)
    walk(engine)


def _replace_spans(steps: BuildSteps) -> None:
    engine, view = steps.engine, steps.view
    columns = ", ".join(f's."{name}"' for name in SPAN.names)
    engine.materialise(
        "span_taken_back",
        f"""SELECT {columns}, r.changed_from FROM open_before AS s JOIN replaced AS r USING ({ITEM})
            UNION ALL
            SELECT {columns}, r.changed_from FROM stored_span AS s JOIN replaced AS r USING ({ITEM})
            WHERE s.file_id IS NOT NULL AND r.is_late""",
    )
    holding = engine.query(
        f"""SELECT DISTINCT file_id FROM stored_span AS s
            WHERE file_id IS NOT NULL AND EXISTS ({same_item("replaced", "s")} AND o.is_late)"""
    )
    held = set(holding.column(0).to_pylist())
    closed = view.files("span", partition="closed")
    rewritten = [file for file in closed if file.id in held]
    for file in rewritten:
        text = view.select_files("span", [file])
        steps.write(
            "span",
            "closed",
            f"SELECT * FROM ({text}) AS s WHERE NOT EXISTS ({same_item('replaced', 's')} AND o.is_late)",
            order_by='"end"',
        )
    # Many builds leave many small files: those of one size are put together with what is new.
    small = too_many_alike([file for file in closed if file not in rewritten])
    rewritten += small
    made = "SELECT * FROM span_made WHERE NOT is_last"
    if small:
        made += f" UNION ALL SELECT * FROM ({view.select_files('span', small)})"
    steps.write("span", "closed", made, order_by='"end"')
    steps.write(
        "span",
        "open",
        f"SELECT * FROM open_before AS s WHERE NOT EXISTS ({same_item('replaced', 's')}) "
        "UNION ALL SELECT * FROM span_made WHERE is_last",
    )
    steps.remove += [file.id for file in (*rewritten, *view.files("span", partition="open"))]


def _replace_tails(steps: BuildSteps) -> None:
    """Tails of what is here are written anew; those of what is gone only grow, but for a return."""
    view = steps.view
    if not steps.count("SELECT COUNT(*) FROM affected"):
        return
    unaffected = f"NOT EXISTS ({same_item('affected', 't')})"
    here = view.select("item_tail", partition="here")
    made = f"SELECT * FROM tail_made WHERE NOT {IS_GONE}"
    steps.write("item_tail", "here", f"SELECT * FROM ({here}) AS t WHERE {unaffected} UNION ALL {made}")
    gone = view.files("item_tail", partition="gone")
    returned = steps.count("SELECT COUNT(*) FROM affected WHERE was_gone")
    rewritten = gone if returned else too_many_alike(gone)
    made = f"SELECT * FROM tail_made WHERE {IS_GONE}"
    if rewritten:
        before = view.select_files("item_tail", rewritten)
        made += f" UNION ALL SELECT * FROM ({before}) AS t WHERE {unaffected}"
    steps.write("item_tail", "gone", made)
    steps.remove += [file.id for file in (*rewritten, *view.files("item_tail", partition="here"))]


def _replace_daily(steps: BuildSteps) -> None:
    engine, view = steps.engine, steps.view
    # Days before the first change are the same in the span that is taken back and in the one that
    # replaces it: they need no counting. What is spread over a whole span changes on each of its days.
    engine.relation(
        "signed_span",
        f"""
        WITH signed AS (
            SELECT {_SPAN_COLUMNS}, CAST(1 AS BIGINT) AS sign, changed_from
            FROM event_span JOIN (SELECT item_number, changed_from FROM affected) USING (item_number)
            UNION ALL
            SELECT {_SPAN_COLUMNS}, CAST(1 AS BIGINT) AS sign, first_time AS changed_from
            FROM interval_span JOIN interval_changed USING ({ITEM})
            UNION ALL
            SELECT {_SPAN_COLUMNS}, CAST(-1 AS BIGINT) AS sign, changed_from FROM span_taken_back
        )
        SELECT *,
            CASE WHEN run_seconds IS NULL AND cpu_used_millis IS NULL AND memory_peak_mib IS NULL
                THEN GREATEST("start", changed_from) ELSE "start" END AS count_from
        FROM signed""",
    )
    steps.daily_parts()
    differs = " OR ".join(f"{name} <> 0" for name in _COUNTS)
    for month in steps.months("daily_part", differs):
        entries = f"SELECT * FROM daily_part WHERE {in_month(month)} AND ({differs})"
        small = too_many_alike(view.files("daily", partition=month))
        if small:
            together = f"{view.select_files('daily', small)} UNION ALL {entries}"
            entries = added_up(together)
        steps.write("daily", month, entries, order_by="day")
        steps.remove += [file.id for file in small]
