"""How is only what is new since the last build brought in?

Items of events go on from where the last build left them (`item_tail`); an item that hears of its past (a
late batch) is rebuilt from all its raw records, as is an item of intervals of which anything was said. Daily
usage is kept by taking back what changed spans had counted and adding what they count now: integers cancel
exactly.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from meterhouse.usage.building.intervals import changed_intervals, interval_suspects
from meterhouse.usage.building.levels import write_changed_levels
from meterhouse.usage.building.meanwhile import Meanwhile
from meterhouse.usage.building.models import (
    INTERVAL_MODELS,
    model_text,
    raw_tables_read,
    without_comments,
)
from meterhouse.usage.building.news import event_news
from meterhouse.usage.building.steps import (
    IS_GONE,
    ITEM,
    SPAN_COLUMNS,
    TAIL_COLUMNS,
    BuildReport,
    BuildSteps,
    added_up,
    in_month,
    same_item,
    tell,
    too_many_alike,
)
from meterhouse.warehouse.parquet import ROW_GROUP_ROWS

if TYPE_CHECKING:
    from meterhouse.warehouse.landed import TableFile

_LITTLE_ROWS = 1_000_000  # about as many as make DuckDB divide a query among threads
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
    news = {table: view.files(table, since_snapshot=built_until) for table in raw_tables_read()}
    if not any(news.values()):
        return BuildReport("nothing new", view.snapshot)
    has_intervals = any(news[model.table] for model in INTERVAL_MODELS)
    # An interval may make all that was said of its item matter.
    rows = sum(file.rows for files in news.values() for file in files)
    is_little = not has_intervals and rows <= _LITTLE_ROWS
    # Files of open spans have the columns of tails.
    engine.relation("open_before", view.select_files("item_tail", view.files("span", partition="open")))
    with Meanwhile(steps, beside=is_little) as meanwhile:
        event_news(steps, built_until)
        taken_back = meanwhile.do(
            _look_up_tails, partial(_interval_news, built_until=built_until), _take_back_spans
        )
        kept = meanwhile.do(_keep_other_spans)
        engine.materialise("heard_row", model_text("heard"))
        taken_back()
        is_late = steps.count("SELECT COUNT(*) FROM affected WHERE is_late") > 0
        if is_late:
            kept()
            meanwhile.use_all_threads()
            _hear_all_of_late(steps)
        else:
            tell(engine)
        _walk(steps, meanwhile)
        made = [f"SELECT {TAIL_COLUMNS} FROM event_span"]
        if has_intervals:
            made.append(f"SELECT {SPAN_COLUMNS} FROM interval_span")
        engine.relation("span_made", " UNION ALL BY NAME ".join(made))
        meanwhile.do(_write_spans, _write_gone)
        _sign_spans(steps, is_told_anew=is_late or has_intervals)
        _write_daily_parts(steps, meanwhile)
    write_changed_levels(steps, built_until)
    items = steps.count("SELECT COUNT(*) FROM replaced")
    return BuildReport(
        "incremental",
        view.snapshot,
        items=items,
        rebuilt_items=steps.count("SELECT COUNT(*) FROM replaced WHERE is_late"),
    )


def _look_up_tails(steps: BuildSteps) -> None:
    """From `item` to `affected` and `tail_row` (where these items were left; with item_number).

    `affected` has the columns of `item` and is_late, was_gone, changed_from.
    """
    engine, view = steps.engine, steps.view
    # Of what is gone next to nothing is heard of again, and it only grows.
    gone = _holding(steps, "item_tail", view.files("item_tail"), same_item("item", "s"))
    engine.relation(
        "left_before", f"SELECT * FROM open_before UNION ALL {view.select_files('item_tail', gone)}"
    )
    # Late is what is not after the last that was heard of its item: then all of the item is told anew.
    # Usage changes from the first news on, or from where a span that was open goes on: under one rule set an
    # item may have been silent for longer than under another.
    engine.materialise(
        "affected",
        f"""SELECT i.*,
                COALESCE(t.last_heard >= i.first_time, FALSE) AS is_late,
                COALESCE(t.was_gone, FALSE) AS was_gone,
                LEAST(i.first_time, COALESCE(t.silent_since, i.first_time)) AS changed_from
            FROM item AS i
            LEFT JOIN (
                SELECT item_number, BOOL_OR({IS_GONE}) AS was_gone,
                    MAX("end") AS last_heard, MIN("end") AS silent_since
                FROM left_before JOIN item USING ({ITEM})
                GROUP BY item_number
            ) AS t USING (item_number)""",
    )
    engine.materialise(
        "tail_row",
        f"SELECT t.*, i.item_number FROM left_before AS t JOIN item AS i USING ({ITEM})",
    )


def _holding(steps: BuildSteps, table: str, files: list[TableFile], rows: str) -> list[TableFile]:
    """Those of `files` with an item s for which `rows` isn't empty: of the others, only items are read."""
    if not files:
        return []
    items = " UNION ALL ".join(
        f"SELECT {ITEM}, CAST({file.id} AS BIGINT) AS file_id FROM ({steps.view.select_files(table, [file])})"
        for file in files
    )
    hits = steps.engine.query(f"SELECT DISTINCT file_id FROM ({items}) AS s WHERE EXISTS ({rows})")
    holding = set(hits.column(0).to_pylist())
    return [file for file in files if file.id in holding]


def _find_stored_spans(steps: BuildSteps) -> None:
    """Materialise `stored_span`: spans of items that may be rebuilt, with their closed file (or null)."""
    engine, view = steps.engine, steps.view
    engine.materialise(
        "suspect",
        f"""SELECT {ITEM} FROM interval_suspect UNION
            SELECT {ITEM} FROM affected WHERE is_late""",
    )
    suspected = same_item("suspect", "s")
    parts = [
        f"SELECT {SPAN_COLUMNS}, CAST(NULL AS BIGINT) AS file_id FROM open_before AS s "
        f"WHERE EXISTS ({suspected})"
    ]
    parts += [
        f"SELECT {SPAN_COLUMNS}, CAST({file.id} AS BIGINT) AS file_id "
        f"FROM ({view.select_files('span', [file])}) AS s WHERE EXISTS ({suspected})"
        for file in _holding(steps, "span", view.files("span", partition="closed"), suspected)
    ]
    engine.materialise("stored_span", " UNION ALL ".join(parts))


def _interval_news(steps: BuildSteps, built_until: int) -> None:
    """From what landed to `stored_span`, `interval_span`, `interval_changed`; with `affected`, `replaced`."""
    models = interval_suspects(steps, built_until)
    no_span = steps.view.select_files("span", [])
    if models or steps.count("SELECT COUNT(*) FROM affected WHERE is_late"):
        _find_stored_spans(steps)
    else:
        steps.engine.relation("stored_span", f"SELECT *, CAST(NULL AS BIGINT) AS file_id FROM ({no_span})")
    if models:
        changed_intervals(steps, models)
    else:
        steps.engine.relation("interval_span", no_span)
        steps.engine.relation("interval_changed", f'SELECT {ITEM}, "start" AS first_time FROM ({no_span})')
    steps.engine.materialise(
        "replaced",
        f"""SELECT {ITEM}, changed_from, is_late FROM affected
            UNION ALL SELECT {ITEM}, first_time AS changed_from, TRUE AS is_late FROM interval_changed""",
    )


def _hear_all_of_late(steps: BuildSteps) -> None:
    """Put all that was ever said of late items in the place of their news and their tails."""
    engine = steps.engine
    engine.relation(
        "item_event",
        f"""SELECT e.* FROM ({steps.item_events(steps.view)}) AS e
            JOIN affected AS a USING ({ITEM}) WHERE a.is_late""",
    )
    engine.materialise("heard_late", model_text("heard"))
    in_time = "JOIN affected AS a USING (item_number) WHERE NOT a.is_late"
    engine.materialise(
        "heard_row", f"SELECT h.* FROM heard_row AS h {in_time} UNION ALL SELECT * FROM heard_late"
    )
    engine.materialise("tail_in_time", f"SELECT t.* FROM tail_row AS t {in_time}")
    tell(engine, "tail_in_time")


def _walk(steps: BuildSteps, meanwhile: Meanwhile) -> None:
    """From `heard` and `told` to `event_left` and `event_span`: by two threads, half of the items each.

    `event_left` has what the model `span` gives, `event_span` all of it but where what is gone was left.
    """
    if meanwhile.is_beside:
        done = meanwhile.do(partial(_walk_half, half=1))
        _walk_half(steps, half=0)
        done()
        steps.engine.drop("heard_row")
        left = "SELECT * FROM event_left_0 UNION ALL SELECT * FROM event_left_1"
        steps.engine.relation("event_left", left)
    else:
        steps.engine.materialise("transition", model_text("transition"))
        steps.engine.materialise("event_left", model_text("span"))
    steps.engine.relation("event_span", f"SELECT * FROM event_left WHERE NOT {IS_GONE}")


def _walk_half(steps: BuildSteps, half: int) -> None:
    narrowed = ", ".join(
        f"{name} AS NOT MATERIALIZED (SELECT * FROM main.{name} WHERE item_number % 2 = {half})"
        for name in ("heard", "told")
    )
    walked = without_comments(model_text("transition"))
    steps.engine.materialise(
        f"transition_{half}", f"SELECT * FROM (WITH {narrowed} SELECT * FROM ({walked}))"
    )
    left = without_comments(model_text("span"))
    steps.engine.materialise(
        f"event_left_{half}",
        f"SELECT * FROM (WITH transition AS (SELECT * FROM transition_{half}) SELECT * FROM ({left}))",
    )
    steps.engine.drop(f"transition_{half}")


def _take_back_spans(steps: BuildSteps) -> None:
    """From `tail_row` and `stored_span` to `span_taken_back`: spans that are told anew, as they were.

    Columns: those of spans, and changed_from. What only goes on isn't taken back.
    """
    steps.engine.relation(
        "span_taken_back",
        f"""SELECT {SPAN_COLUMNS}, changed_from FROM tail_row JOIN affected USING ({ITEM})
            WHERE is_late AND NOT {IS_GONE}
            UNION ALL
            SELECT {SPAN_COLUMNS}, changed_from FROM stored_span JOIN affected USING ({ITEM})
            WHERE is_late AND file_id IS NOT NULL
            UNION ALL
            SELECT {SPAN_COLUMNS}, first_time AS changed_from
            FROM stored_span JOIN interval_changed USING ({ITEM})""",
    )


def _keep_other_spans(steps: BuildSteps) -> None:
    """Write open spans anew without those of items that are replaced."""
    others = f"SELECT * FROM open_before AS s WHERE NOT EXISTS ({same_item('replaced', 's')})"
    steps.write("span", "open", others)
    steps.remove += [file.id for file in steps.view.files("span", partition="open")]


def _write_spans(steps: BuildSteps) -> None:
    """Write `span_made`, and closed files anew from which it takes spans or that are too many."""
    engine, view = steps.engine, steps.view
    steps.write("span", "open", "SELECT * FROM span_made WHERE is_last")
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
    made = f"SELECT {SPAN_COLUMNS} FROM span_made WHERE NOT is_last"
    if small:
        made += f" UNION ALL SELECT * FROM ({view.select_files('span', small)})"
    order_by = '"end"' if small or _needs_order(steps, "span_made") else ""
    steps.write("span", "closed", made, order_by=order_by)
    steps.remove += [file.id for file in (*rewritten, *small)]


def _needs_order(steps: BuildSteps, table: str) -> bool:
    """Whether order lets readers leave out row groups of a file of these rows: it doesn't within one."""
    return steps.count(f"SELECT COUNT(*) FROM {table}") > ROW_GROUP_ROWS


def _write_gone(steps: BuildSteps) -> None:
    """Write where what is gone was left, which only grows, but for what returned."""
    before = steps.view.files("item_tail")
    returned = steps.count("SELECT COUNT(*) FROM affected WHERE was_gone")
    rewritten = before if returned else too_many_alike(before)
    made = f"SELECT {TAIL_COLUMNS} FROM event_left WHERE {IS_GONE}"
    if rewritten:
        others = steps.view.select_files("item_tail", rewritten)
        made += f" UNION ALL SELECT * FROM ({others}) AS t WHERE NOT EXISTS ({same_item('affected', 't')})"
    steps.write("item_tail", "gone", made)
    steps.remove += [file.id for file in rewritten]


def _sign_spans(steps: BuildSteps, *, is_told_anew: bool) -> None:
    """From spans as they are and were to `signed_span`: what is counted, and from when on.

    The newest span of an item that hears of later things only goes on, if at all: it is counted from where
    it ended. What is told anew is taken back and counted again. Days before its first change would be the
    same in both, but for what is spread over a whole span.
    """
    signed = [
        f"""SELECT {SPAN_COLUMNS}, CAST(1 AS BIGINT) AS sign,
                COALESCE(counted_until, GREATEST("start", changed_from)) AS count_from,
                counted_until, ceased_before
            FROM event_span
            LEFT JOIN (
                SELECT -1 - tail_number * 2 AS event_number, "end" AS counted_until, ceases AS ceased_before
                FROM item_tail WHERE NOT {IS_GONE}
            ) AS t USING (event_number)
            LEFT JOIN (
                SELECT item_number, changed_from FROM affected WHERE is_late
            ) AS a USING (item_number)"""
    ]
    if is_told_anew:
        changed = f"""SELECT {SPAN_COLUMNS}, CAST(-1 AS BIGINT) AS sign, changed_from FROM span_taken_back
            UNION ALL
            SELECT {SPAN_COLUMNS}, CAST(1 AS BIGINT) AS sign, first_time AS changed_from
            FROM interval_span JOIN interval_changed USING ({ITEM})"""
        signed.append(
            f"""SELECT {SPAN_COLUMNS}, sign,
                    CASE WHEN run_seconds IS NULL AND cpu_used_millis IS NULL AND memory_peak_mib IS NULL
                        THEN GREATEST("start", changed_from) ELSE "start" END AS count_from,
                    CAST(NULL AS TIMESTAMPTZ) AS counted_until, CAST(NULL AS BIGINT) AS ceased_before
                FROM ({changed})"""
        )
    # In a union an arm without rows costs nearly as much as one with some.
    steps.engine.relation("signed_span", " UNION ALL ".join(signed))


def _write_daily_parts(steps: BuildSteps, meanwhile: Meanwhile) -> None:
    steps.daily_parts()
    differs = " OR ".join(f"{name} <> 0" for name in _COUNTS)
    months = steps.months("daily_part", differs)
    for month in months[:-1]:
        meanwhile.do(partial(_write_daily, month=month, differs=differs))
    for month in months[-1:]:  # it holds the most
        _write_daily(steps, month, differs)


def _write_daily(steps: BuildSteps, month: str, differs: str) -> None:
    """Write the entries of a month that aren't nothing; too many small files are put together with them."""
    entries = f"SELECT * FROM daily_part WHERE {in_month(month)} AND ({differs})"
    small = too_many_alike(steps.view.files("daily", partition=month))
    if small:
        together = f"{steps.view.select_files('daily', small)} UNION ALL {entries}"
        entries = added_up(together)
    steps.write("daily", month, entries, order_by="day" if small or _needs_order(steps, "daily_part") else "")
    steps.remove += [file.id for file in small]
