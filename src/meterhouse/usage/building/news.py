"""What of the events that landed since the last build is news, and about which items?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meterhouse.usage.building.models import EVENT_MODELS, run_over_view
from meterhouse.usage.building.steps import ITEM
from meterhouse.usage.tables import ITEM_EVENT

if TYPE_CHECKING:
    from meterhouse.usage.building.steps import BuildSteps
    from meterhouse.warehouse.view import View

# How long before and after the time of its row an event may stand. What polling tells lies around it: a step
# of an action ends after the action began, and an observation stands at its whole second.
_BEFORE_ROW = {"openstack_observation": timedelta(seconds=1)}
_AFTER_ROW = {"openstack_observation": timedelta(days=1)}
_NEVER = timedelta(0)
_ALWAYS = (datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC))


def event_news(steps: BuildSteps, built_until: int) -> None:
    """From what landed to `item_event`, what of it is news, and `item` (those it is about)."""
    engine = steps.engine
    engine.relation("item_event", steps.item_events(steps.view, since_snapshot=built_until))
    # Nearly always no older file reaches into the time of what is new: that needs no look into the files.
    if _may_be_known(steps.view, built_until):
        _leave_out_known(steps, built_until)
    engine.materialise(
        "item",
        f"""SELECT *, ROW_NUMBER() OVER () AS item_number
            FROM (SELECT {ITEM}, MIN(time) AS first_time FROM item_event GROUP BY {ITEM})""",
    )


def _leave_out_known(steps: BuildSteps, built_until: int) -> None:
    """Drop from `item_event` what was known before: overlapping polls tell the same events again.

    An event that is told otherwise is news only where it outranks what was known of it, as the model
    `transition` ranks tellings: otherwise it wouldn't count if everything were built at once, either.
    """
    engine = steps.engine
    before = steps.warehouse.view(as_of=built_until)
    before.look_up(table for tables in EVENT_MODELS.values() for table in tables)
    window = engine.query("SELECT MIN(time) AS first, MAX(time) AS last FROM item_event").to_pylist()[0]
    known = _told_between(before, window["first"], window["last"]) if window["first"] is not None else []
    if not known:
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
                FROM ({" UNION ALL ".join(known)}) AS k
                WHERE k.time BETWEEN TIMESTAMPTZ '{window["first"]}' AND TIMESTAMPTZ '{window["last"]}'
                    AND EXISTS (SELECT 1 FROM item_event AS e WHERE {same_event})
            ) WHERE telling = 1""",
    )
    if not steps.count("SELECT COUNT(*) FROM event_known"):
        return
    engine.materialise(
        "item_event",
        f"""SELECT e.* FROM item_event AS e WHERE NOT EXISTS (
                SELECT 1 FROM event_known AS k
                WHERE {same_event} AND (
                    k.said_at < e.said_at
                    OR (k.said_at = e.said_at AND k.batch_id < e.batch_id)
                    OR (k.said_at = e.said_at AND k.batch_id = e.batch_id AND k.record < e.record)
                    OR ({same_content})))""",
    )


def _may_be_known(view: View, built_until: int) -> bool:
    """Whether a file with rows from before may tell of events at the times of those that landed since."""
    first, last = _times_of_news(view, built_until)
    return any(
        file.first_snapshot <= built_until
        for model, tables in EVENT_MODELS.items()
        for table in tables
        for file in view.files(table, overlapping=_rows_about(model, first, last))
    )


def _times_of_news(view: View, built_until: int) -> tuple[datetime, datetime]:
    """Between which times all events stand that landed since, as far as the catalogue says it."""
    first, last = [], []
    for model, tables in EVENT_MODELS.items():
        for table in tables:
            for file in view.files(table, since_snapshot=built_until):
                if file.min_time is None or file.max_time is None:
                    return _ALWAYS
                first.append(file.min_time - _BEFORE_ROW.get(model, _NEVER))
                last.append(file.max_time + _AFTER_ROW.get(model, _NEVER))
    return (min(first), max(last)) if first else _ALWAYS


def _told_between(view: View, first: datetime, last: datetime) -> list[str]:
    """A SELECT for each model that may tell of events between these times, both included."""
    return [
        told
        for model, tables in EVENT_MODELS.items()
        for told in run_over_view(
            {model: tables}, ITEM_EVENT, view, overlapping=_rows_about(model, first, last)
        )
    ]


def _rows_about(model: str, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """From when to when rows stand that may tell of events between these times, both included."""
    until = last + _BEFORE_ROW.get(model, _NEVER) + timedelta(microseconds=1)
    return first - _AFTER_ROW.get(model, _NEVER), until
