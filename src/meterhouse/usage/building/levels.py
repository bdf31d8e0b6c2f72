"""How do samples become levels by day, all of them or only those of days that changed?

A day of a resource is made anew from all its samples: highest and lowest can't be taken back.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from meterhouse.usage.building.models import SAMPLE_MODELS, model_text, run_over_view
from meterhouse.usage.building.steps import SPAN_COLUMNS, in_month, same_item
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.tables import SAMPLE

if TYPE_CHECKING:
    from meterhouse.usage.building.steps import BuildSteps

# Kinds of items whose samples say neither whose they are nor what was reserved: their spans do.
_KINDS_OF_SPANS = "('vm', 'pod', 'claim')"
# A raw row may hold samples for so long after its own time.
_LONGEST_RUN = timedelta(days=2)


def write_all_levels(steps: BuildSteps) -> None:
    """Write the level of every item on every day, from all samples and from `span_made`."""
    samples = run_over_view(SAMPLE_MODELS, SAMPLE, steps.view)
    if not samples:
        return
    steps.engine.relation("sample", " UNION ALL ".join(samples))
    days = _days_of(steps, "SELECT MIN(time) AS first, MAX(time) AS last FROM sample")
    if days is None:
        return
    steps.engine.relation("calendar", calendar_table(*days, steps.time_zone))
    steps.engine.relation(
        "sampled_span", f"SELECT * FROM span_made WHERE rules = 'default' AND kind IN {_KINDS_OF_SPANS}"
    )
    steps.engine.materialise("level_made", model_text("level"))
    for month in steps.months("level_made"):
        steps.write("level", month, f"SELECT * FROM level_made WHERE {in_month(month)}", order_by="day")


def write_changed_levels(steps: BuildSteps, built_until: int) -> None:
    """Write the months anew in which there are new samples, or other spans of sampled items.

    Reads `signed_span`, `span_made`, `replaced` and `open_before` as the incremental build leaves them.
    """
    engine, view = steps.engine, steps.view
    if not any(view.files(table) for tables in SAMPLE_MODELS.values() for table in tables):
        return
    _changed_days(steps, built_until)
    bounds = engine.query("SELECT MIN(day) AS first, MAX(day) AS last FROM level_day").to_pylist()[0]
    if bounds["first"] is None:
        return
    calendar = calendar_table(bounds["first"], bounds["last"], steps.time_zone)
    engine.relation("calendar", calendar)
    window = (calendar["day_start"][0].as_py() - _LONGEST_RUN, calendar["day_end"][-1].as_py())
    samples = " UNION ALL ".join(run_over_view(SAMPLE_MODELS, SAMPLE, view, overlapping=window))
    engine.relation(
        "sample",
        f"""SELECT s.* FROM ({samples}) AS s
            JOIN calendar AS c ON s.time >= c.day_start AND s.time < c.day_end
            JOIN level_day AS d ON d.resource = s.resource AND d.day = c.day""",
    )
    here = f"rules = 'default' AND kind IN {_KINDS_OF_SPANS}"
    engine.relation(
        "sampled_span",
        f"""SELECT {SPAN_COLUMNS} FROM span_made WHERE {here}
            UNION ALL
            SELECT {SPAN_COLUMNS} FROM open_before AS s
            WHERE {here} AND NOT EXISTS ({same_item("replaced", "s")})
            UNION ALL
            SELECT * FROM ({view.select("span", partition="closed")}) AS s
            WHERE {here} AND NOT EXISTS ({same_item("replaced", "s")} AND o.is_late)""",
    )
    engine.materialise("level_made", model_text("level"))
    for month in steps.months("level_day"):
        before = view.files("level", partition=month)
        steps.write(
            "level",
            month,
            f"""SELECT * FROM ({view.select_files("level", before)}) AS b WHERE NOT EXISTS (
                    SELECT 1 FROM level_day AS d WHERE d.resource = b.resource AND d.day = b.day)
                UNION ALL SELECT * FROM level_made WHERE {in_month(month)}""",
            order_by="day",
        )
        steps.remove += [file.id for file in before]


def _changed_days(steps: BuildSteps, built_until: int) -> None:
    """Materialise `level_day`: resource and day, of which levels are to be made anew."""
    engine, view = steps.engine, steps.view
    engine.materialise("level_day", "SELECT '' AS resource, DATE '2000-01-01' AS day LIMIT 0")
    changes = f"""SELECT s.resource, s.count_from AS first, s."end" AS last FROM signed_span AS s
        WHERE s.rules = 'default' AND s.kind IN {_KINDS_OF_SPANS}
            AND s.resource IN (SELECT resource FROM ({view.select("level")}))"""
    new = run_over_view(SAMPLE_MODELS, SAMPLE, view, since_snapshot=built_until)
    if new:
        engine.materialise("sample_new", "SELECT resource, time FROM (" + " UNION ALL ".join(new) + ")")
        changes += " UNION ALL SELECT resource, time AS first, time AS last FROM sample_new"
    engine.materialise("level_change", f"SELECT DISTINCT * FROM ({changes})")
    days = _days_of(steps, "SELECT MIN(first) AS first, MAX(last) AS last FROM level_change")
    if days is None:
        return
    engine.relation("calendar", calendar_table(*days, steps.time_zone))
    engine.materialise(
        "level_day",
        """SELECT DISTINCT x.resource, c.day FROM level_change AS x
            JOIN calendar AS c ON x.first < c.day_end AND x.last >= c.day_start""",
    )


def _days_of(steps: BuildSteps, bounds: str) -> tuple[date, date] | None:
    """First and last day, with a day of grace at both ends: no time zone is further from UTC."""
    found = steps.engine.query(bounds).to_pylist()[0]
    if found["first"] is None:
        return None
    return found["first"].date() - timedelta(days=1), found["last"].date() + timedelta(days=1)
