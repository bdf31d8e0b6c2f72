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


def interval_suspects(steps: BuildSteps, built_until: int) -> dict[IntervalModel, datetime]:
    """Materialise `interval_suspect`: items of which something was said after `built_until`.

    Columns: model, resource, kind, item, first_time. Returns the models that have any, each with the first
    moment that what was said is about.
    """
    engine, view = steps.engine, steps.view
    engine.materialise(
        "interval_suspect",
        "SELECT '' AS model, '' AS resource, '' AS kind, '' AS item, "
        "MAKE_TIMESTAMPTZ(0) AS first_time LIMIT 0",
    )
    models: dict[IntervalModel, datetime] = {}
    for model in INTERVAL_MODELS:
        if not view.files(model.table, since_snapshot=built_until):
            continue
        engine.materialise(
            "interval_news",
            f"""SELECT resource, item, MIN(first_time) AS first_time, MAX(last_time) AS last_time
                FROM ({_about(model, view.select(model.table, since_snapshot=built_until))})
                GROUP BY resource, item""",
        )
        first = engine.query("SELECT MIN(first_time) AS first FROM interval_news").column(0)[0].as_py()
        if first is None:
            continue
        models[model] = first
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


def changed_intervals(steps: BuildSteps, models: dict[IntervalModel, datetime]) -> None:
    """From `interval_suspect` and their spans `stored_span` to what differs from these.

    Materialises `interval_span` (the new spans of items that changed) and `interval_changed`
    (resource, kind, item, first_time).
    """
    engine, view = steps.engine, steps.view
    names = ", ".join(f'"{name}"' for name in ("rules", *INTERVAL.names))
    made = [f"SELECT {names} FROM stored_span WHERE FALSE"]
    for model, first_news in models.items():
        if model.reach is None:
            since = _first_of_suspects(steps, model)
            cut = None
        else:
            # a second more: at the cut itself nothing may change
            cut = since = first_news - model.reach - timedelta(seconds=1)
        if since is None:
            continue
        rows = f"""SELECT r.* FROM ({view.select(model.table, overlapping=(since - _CONTEXT, _FAR))}) AS r
            WHERE {model.about} AND ({model.item} IS NULL OR EXISTS (
                SELECT 1 FROM interval_suspect AS n
                WHERE n.model = '{model.name}' AND n.resource = r.resource AND n.item = {model.item}))"""
        spans = _materialise(steps, model, rows)
        made.append(f"SELECT {names} FROM {spans}" if cut is None else _from_the_cut_on(model, spans, cut))
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


def _first_of_suspects(steps: BuildSteps, model: IntervalModel) -> datetime | None:
    """The first moment at which anything that is said of the suspects may stand."""
    first: datetime | None = steps.engine.query(
        f"""SELECT MIN(LEAST(n.first_time, COALESCE(s."start", n.first_time),
                COALESCE(s.submitted, n.first_time))) AS first
            FROM interval_suspect AS n LEFT JOIN stored_span AS s USING (resource, kind, item)
            WHERE n.model = '{model.name}'"""
    ).to_pylist()[0]["first"]
    return first


def _from_the_cut_on(model: IntervalModel, spans: str, cut: datetime) -> str:
    """A SELECT of a model's spans: as they are stored before `cut`, and as they were made anew after it.

    Around the cut nothing has changed. So the span that covers it is the stored one, which now goes on as the
    new one does; and a stored one that was the last, before it, is so no more where others came after it.
    """
    moment = f"TIMESTAMPTZ '{cut.isoformat()}'"

    def same(alias: str) -> str:
        keys = " AND ".join(f"{alias}.{name} = o.{name}" for name in ("resource", "kind", "item"))
        return f"{keys} AND {alias}.domain IS NOT DISTINCT FROM o.domain"

    later = f"""EXISTS (SELECT 1 FROM {spans} AS o WHERE o."end" > {moment} AND {same("s")})"""
    no_more = {
        "ceases": "1",
        "closed_by": "'gone'",
        "is_last": "FALSE",
    }
    kept = ", ".join(
        f'CASE WHEN s.is_last AND {later} THEN {no_more[name]} ELSE s."{name}" END AS "{name}"'
        if name in no_more
        else f's."{name}"'
        for name in ("rules", *INTERVAL.names)
    )
    # what says how it began stands before the cut
    began = ("start", "host", "begins", "opened_by", "opened_batch", "opened_record")
    goes_on = ", ".join(
        f'COALESCE(o."{name}", m."{name}") AS "{name}"' if name in began else f'm."{name}"'
        for name in ("rules", *INTERVAL.names)
    )
    return f"""
        SELECT {kept} FROM stored_span AS s WHERE s.kind = '{model.kind}' AND s."end" <= {moment}
        UNION ALL
        SELECT {goes_on} FROM {spans} AS m
        LEFT JOIN stored_span AS o
            ON {same("m")} AND m."start" < {moment} AND o."start" < {moment} AND o."end" > {moment}
        WHERE m."end" > {moment}"""


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
