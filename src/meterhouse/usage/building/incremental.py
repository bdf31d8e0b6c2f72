"""How is only what is new since the last build brought in?

Items of events go on from where the last build left them (`item_tail`); an item that hears of its past (a
late batch) is rebuilt from all its raw records, as is an item of intervals of which anything was said. Daily
usage is kept by taking back what changed spans had counted and adding what they count now: integers cancel
exactly.
"""

from __future__ import annotations

from datetime import timedelta

from meterhouse.usage.building.intervals import changed_intervals, interval_suspects
from meterhouse.usage.building.levels import write_changed_levels
from meterhouse.usage.building.models import raw_tables_read
from meterhouse.usage.building.steps import (
    IS_GONE,
    ITEM,
    BuildReport,
    BuildSteps,
    added_up,
    in_month,
    same_item,
    too_many_alike,
)
from meterhouse.usage.tables import ITEM_EVENT, SPAN

_SPAN_COLUMNS = ", ".join(f'"{name}"' for name in SPAN.names)
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
    engine.materialise(
        "suspect",
        f"""SELECT {ITEM} FROM interval_suspect UNION
            SELECT {ITEM} FROM affected WHERE is_late""",
    )
    _find_stored_spans(steps, searched=bool(late or models))
    changed_intervals(steps, models)
    engine.materialise(
        "replaced",
        f"""SELECT {ITEM}, first_time, is_late FROM affected
            UNION ALL SELECT {ITEM}, first_time, TRUE AS is_late FROM interval_changed""",
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
    """Materialise `event_new` and `affected`: resource, kind, item, first_time, is_late."""
    engine = steps.engine
    engine.materialise("event_said", steps.item_events(steps.view, since_snapshot=built_until))
    _keep_only_news(steps, built_until)
    engine.relation("tail_before", steps.view.select("item_tail"))
    # Late is what is not after the last that was heard of its item: then all of the item is told anew.
    engine.materialise(
        "affected",
        f"""SELECT n.resource, n.kind, n.item, n.first_time,
                COALESCE(t.last_time >= n.first_time, FALSE) AS is_late
            FROM (SELECT {ITEM}, MIN(time) AS first_time FROM event_new GROUP BY {ITEM}) AS n
            LEFT JOIN (SELECT {ITEM}, MAX(time) AS last_time FROM tail_before GROUP BY {ITEM}) AS t
                USING ({ITEM})""",
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


def _find_stored_spans(steps: BuildSteps, *, searched: bool) -> None:
    """Materialise `stored_span`: spans of each `suspect`, with the closed file that holds it (or null)."""
    engine, view = steps.engine, steps.view
    suspected = same_item("suspect", "s")
    closed = view.files("span", partition="closed") if searched else []
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


def _walk_news(steps: BuildSteps, with_late: bool) -> None:
    engine = steps.engine
    events = "SELECT * FROM event_new"
    if with_late:
        events = f"""
            SELECT e.* FROM event_new AS e JOIN affected AS a USING ({ITEM}) WHERE NOT a.is_late
            UNION ALL
            SELECT e.* FROM ({steps.item_events(steps.view)}) AS e
            JOIN affected AS a USING ({ITEM}) WHERE a.is_late"""
    engine.relation("item_event", events)
    engine.materialise(
        "item_tail",
        f"SELECT t.* FROM tail_before AS t JOIN affected AS a USING ({ITEM}) WHERE NOT a.is_late",
    )
    steps.walk()


def _replace_spans(steps: BuildSteps) -> None:
    engine, view = steps.engine, steps.view
    engine.materialise(
        "span_taken_back",
        f"""SELECT {_SPAN_COLUMNS} FROM open_before AS s WHERE EXISTS ({same_item("replaced", "s")})
            UNION ALL
            SELECT {_SPAN_COLUMNS} FROM stored_span AS s
            WHERE file_id IS NOT NULL AND EXISTS ({same_item("replaced", "s")} AND o.is_late)""",
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
    returned = steps.count(
        f"SELECT COUNT(*) FROM ({view.select_files('item_tail', gone)}) AS t WHERE NOT {unaffected}"
    )
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
    # replaces it: they need no counting. The first change is the first news, or where a span that was
    # open goes on from: under one rule set an item may have been silent for longer than under another.
    # What is spread over a whole span changes on each of its days.
    engine.relation(
        "signed_span",
        f"""
        WITH change AS (
            SELECT a.resource, a.kind, a.item,
                LEAST(a.first_time, COALESCE(MIN(CASE WHEN b.is_last THEN b."end" END), a.first_time))
                    AS changed_from
            FROM replaced AS a LEFT JOIN span_taken_back AS b USING ({ITEM})
            GROUP BY a.resource, a.kind, a.item, a.first_time
        ),
        signed AS (
            SELECT *, CAST(1 AS BIGINT) AS sign FROM span_made
            UNION ALL
            SELECT *, CAST(-1 AS BIGINT) AS sign FROM span_taken_back
        )
        SELECT s.*,
            CASE WHEN s.run_seconds IS NULL AND s.cpu_used_millis IS NULL AND s.memory_peak_mib IS NULL
                THEN GREATEST(s."start", c.changed_from) ELSE s."start" END AS count_from
        FROM signed AS s JOIN change AS c USING ({ITEM})""",
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
