"""How do raw records that say when something ran become spans, all of them or only what has changed?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meterhouse.usage.building.models import INTERVAL_MODELS, IntervalModel, run_over
from meterhouse.usage.tables import INTERVAL

if TYPE_CHECKING:
    from meterhouse.usage.building.steps import BuildSteps

# Rows of no item (labels of nodes) may stand this long before those of the items that they concern.
_CONTEXT = timedelta(days=2)
_EVIDENCE = ("opened_batch", "opened_record", "closed_batch", "closed_record")
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def interval_spans(steps: BuildSteps) -> list[str]:
    """Materialise the spans of every model of intervals that has records; the tables' names."""
    made = []
    for model in INTERVAL_MODELS:
        if steps.view.files(model.table):
            made.append(_materialise(steps, model, steps.view.select(model.table)))
    return made


def interval_suspects(steps: BuildSteps, built_until: int) -> list[IntervalModel]:
    """Materialise `interval_suspect`: items of which something was said after `built_until`.

    Columns: model, resource, kind, item, first_time. Returns the models that have any.
    """
    engine, view = steps.engine, steps.view
    engine.materialise(
        "interval_suspect",
        "SELECT '' AS model, '' AS resource, '' AS kind, '' AS item, "
        "MAKE_TIMESTAMPTZ(0) AS first_time LIMIT 0",
    )
    models = [model for model in INTERVAL_MODELS if view.files(model.table, since_snapshot=built_until)]
    for model in models:
        engine.materialise(
            "interval_news",
            f"""SELECT resource, item, MIN(first_time) AS first_time, MAX(last_time) AS last_time
                FROM ({_about(model, view.select(model.table, since_snapshot=built_until))})
                GROUP BY resource, item""",
        )
        suspects = "SELECT resource, item, first_time FROM interval_news WHERE item IS NOT NULL"
        context = engine.query(
            "SELECT MIN(first_time) AS first, MAX(last_time) AS last FROM interval_news WHERE item IS NULL"
        ).to_pylist()[0]
        if context["first"] is not None:
            around = (context["first"] - _CONTEXT, context["last"] + timedelta(seconds=1))
            suspects += f"""
                UNION ALL
                SELECT r.resource, r.item, r.first_time
                FROM ({_about(model, view.select(model.table, overlapping=around))}) AS r
                JOIN interval_news AS n
                    ON n.item IS NULL AND n.resource = r.resource
                    AND r.first_time <= n.last_time AND r.last_time >= n.first_time
                WHERE r.item IS NOT NULL"""
        engine.materialise(
            "interval_suspect",
            f"""SELECT * FROM interval_suspect UNION ALL
                SELECT '{model.name}' AS model, resource, '{model.kind}' AS kind, item, MIN(first_time)
                FROM ({suspects}) GROUP BY resource, item""",
        )
    return models


def changed_intervals(steps: BuildSteps, models: list[IntervalModel]) -> None:
    """From `interval_suspect` and their spans `stored_span` to what differs from these.

    Materialises `interval_span` (the new spans of items that changed) and `interval_changed`
    (resource, kind, item, first_time).
    """
    engine, view = steps.engine, steps.view
    names = ", ".join(f'"{name}"' for name in ("rules", *INTERVAL.names))
    made = [f"SELECT {names} FROM stored_span WHERE FALSE"]
    for model in models:
        since = engine.query(
            f"""SELECT MIN(LEAST(n.first_time, COALESCE(s."start", n.first_time),
                    COALESCE(s.submitted, n.first_time))) AS first
                FROM interval_suspect AS n LEFT JOIN stored_span AS s USING (resource, kind, item)
                WHERE n.model = '{model.name}'"""
        ).to_pylist()[0]["first"]
        if since is None:
            continue
        rows = f"""SELECT r.* FROM ({view.select(model.table, overlapping=(since - _CONTEXT, _FAR))}) AS r
            WHERE {model.about} AND ({model.item} IS NULL OR EXISTS (
                SELECT 1 FROM interval_suspect AS n
                WHERE n.model = '{model.name}' AND n.resource = r.resource AND n.item = {model.item}))"""
        made.append(f"SELECT {names} FROM {_materialise(steps, model, rows)}")
    engine.materialise("interval_span", " UNION ALL ".join(made))
    # told again by another record, it is the same span: the evidence that it has is as good
    content = ", ".join(f'"{name}"' for name in ("rules", *INTERVAL.names) if name not in _EVIDENCE)
    before = f"SELECT {content} FROM stored_span AS s WHERE EXISTS ({_suspected})"
    now = f"SELECT {content} FROM interval_span AS s WHERE EXISTS ({_suspected})"
    engine.materialise(
        "interval_changed",
        f"""SELECT resource, kind, item, MIN("start") AS first_time
            FROM (({before} EXCEPT ALL {now}) UNION ALL ({now} EXCEPT ALL {before}))
            GROUP BY resource, kind, item""",
    )
    engine.materialise(
        "interval_span",
        "SELECT s.* FROM interval_span AS s SEMI JOIN interval_changed USING (resource, kind, item)",
    )


_suspected = """SELECT 1 FROM interval_suspect AS n
    WHERE n.resource = s.resource AND n.kind = s.kind AND n.item = s.item"""


def _about(model: IntervalModel, rows: str) -> str:
    return f"""SELECT r.resource, {model.item} AS item, {model.first_time} AS first_time,
        {model.last_time} AS last_time FROM ({rows}) AS r WHERE {model.about}"""


def _materialise(steps: BuildSteps, model: IntervalModel, rows: str) -> str:
    made = f"{model.name}_made"
    spans = run_over(model.name, {model.table: rows}, INTERVAL)
    steps.engine.materialise(made, f"SELECT 'default' AS rules, * FROM ({spans})")
    return made
