"""How is everything built at once?"""

from __future__ import annotations

from meterhouse.usage.building.intervals import interval_spans
from meterhouse.usage.building.levels import write_all_levels
from meterhouse.usage.building.steps import (
    COUNTED_AS_A_WHOLE,
    IS_GONE,
    ITEM,
    SPAN_COLUMNS,
    BuildReport,
    BuildSteps,
    hear_everything,
    in_month,
    walk,
)


def build_everything(steps: BuildSteps) -> BuildReport:
    """From all raw records to spans, daily usage and levels, to replace those that are there."""
    engine, view = steps.engine, steps.view
    engine.relation("item_event", steps.item_events(view))
    hear_everything(engine)
    walk(engine)
    made = {"event_span": "SELECT * FROM event_span"}
    items = [f"SELECT {ITEM} FROM item WHERE item_number IN (SELECT item_number FROM transition)"]
    for name in interval_spans(steps):
        made[name] = f"SELECT {SPAN_COLUMNS} FROM {name}"
        items.append(f"SELECT {ITEM} FROM {name}")
    found = steps.count(f"SELECT COUNT(*) FROM ({' UNION '.join(items)})")
    engine.drop("heard_row", "transition")
    engine.relation("span_made", " UNION ALL ".join(made.values()))
    engine.relation("signed_span", f"SELECT *, {COUNTED_AS_A_WHOLE} FROM span_made")
    steps.daily_parts()
    for table in ("span", "item_tail", "daily", "level"):
        steps.remove += [file.id for file in view.files(table)]
    for name, spans in made.items():
        # Spans of events come an item after the other; raw records of intervals stand as time goes by.
        order = '"end"' if name == "event_span" else ""
        steps.write("span", "closed", f"SELECT * FROM ({spans}) WHERE NOT is_last", order_by=order)
    still = [f"SELECT * FROM tail_made WHERE NOT {IS_GONE}"]
    still += [f"{spans} WHERE is_last" for name, spans in made.items() if name != "event_span"]
    steps.write("span", "open", " UNION ALL BY NAME ".join(still), order_by='"end"')
    steps.write("item_tail", "gone", f"SELECT * FROM tail_made WHERE {IS_GONE}")
    for month in steps.months("daily_part"):
        steps.write("daily", month, f"SELECT * FROM daily_part WHERE {in_month(month)}", order_by="day")
    write_all_levels(steps)
    return BuildReport("full", view.snapshot, items=found, rebuilt_items=found)
