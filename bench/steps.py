"""What are the steps of the bench? Each runs in a process of its own, and says what it did as JSON."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

HEAVY = (
    "pandas",
    "django.db.backends.sqlite3.base",
    "meterhouse.site",
    "meterhouse.usage.build",
    "meterhouse.warehouse.store",
    "meterhouse.warehouse.engines.duckdb_engine",
    "meterhouse.warehouse.engines.postgresql_engine",
)
SETTINGS = """
[site]
name = "bench"
time_zone = "UTC"

[[resources]]
name = "generated"
kind = "cloud"
title = "Generated cloud"
"""
TOTALS = """
    SELECT rules, COUNT(*) AS "rows", CAST(SUM(wall_seconds) AS BIGINT) AS wall_seconds,
        CAST(SUM(wall_seconds * vcpus) AS DECIMAL(38, 0)) AS core_seconds,
        CAST(SUM(begun) AS BIGINT) AS begun, CAST(SUM(ceased) AS BIGINT) AS ceased
    FROM daily_part GROUP BY rules
"""


def totals(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """The sums of daily usage by rule set."""
    return {
        row["rules"]: {name: int(value) for name, value in row.items() if name != "rules"}
        for row in sorted(rows, key=lambda row: row["rules"])
    }


def generate(directory: str, events: str, instances: str, days: str) -> dict[str, Any]:
    from generate_events import live, write_files

    stream = live(events=int(events), instances=int(instances), days=int(days), seed=1)
    write_files(Path(directory), stream)
    return {"events": len(stream.micros)}


def land(folder: str, events: str, instances: str, days: str, first: str, until: str) -> dict[str, Any]:
    """Land the days `first` to `until` (not included) of the stream, each as a batch."""
    from generate_events import FIRST_DAY, daily_tables, live
    from meterhouse.site import Site
    from meterhouse.sources.delivery import Coverage, Delivery, Rows

    path = Path(folder)
    site = Site.open(path) if path.exists() else Site.init(path, settings_text=SETTINGS)
    stream = live(events=int(events), instances=int(instances), days=int(days), seed=1)
    landed = 0
    with site:
        for day, table in daily_tables(stream):
            if not int(first) <= (day - FIRST_DAY).days < int(until):
                continue
            start = datetime.combine(day, datetime.min.time(), UTC)

            def said(start: datetime = start, table: Any = table) -> Iterator[Any]:
                for batch in table.to_batches():
                    yield Rows("openstack_event", batch)
                yield Coverage("generated", start, start + timedelta(days=1), "ok", len(table))

            key = hashlib.sha256(f"{events} {instances} {days} {day}".encode()).hexdigest()
            site.warehouse.land(Delivery("generated", "generated", f"{day}", key, said()))
            landed += len(table)
    return {"events": landed}


def build(folder: str, *options: str) -> dict[str, Any]:
    """Build with the project's own build; then, in what is measured too, add daily usage up."""
    from meterhouse.site import Site
    from meterhouse.usage.build import build as build_usage
    from meterhouse.usage.build import daily_usage
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

    limit = options[options.index("--memory") + 1] if "--memory" in options else None
    with Site.open(folder) as site:

        def engine() -> DuckDBEngine:
            return DuckDBEngine(memory_limit=limit, temp_directory=site.path / "spill")

        started, cpu = time.perf_counter(), time.process_time()
        report = build_usage(site.warehouse, engine, "UTC", full="--full" in options)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        view = site.warehouse.view()
        with engine() as asked:
            asked.relation("daily_part", daily_usage(view))
            found = totals(asked.query(TOTALS).to_pylist())
        events = sum(file.rows for file in view.files("openstack_event"))
    # Adding up the totals, to compare them, isn't part of the build.
    return {
        "wall": wall, "cpu": cpu, "events": events, "way": report.way, "rows": report.rows, "totals": found
    }  # fmt: skip


def models(directory: str) -> dict[str, Any]:
    """The models on DuckDB, over raw files, without warehouse and register."""
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

    with DuckDBEngine() as engine:
        engine.relation("openstack_event", f"SELECT * FROM read_parquet('{directory}/*.parquet')")
        events = engine.query("SELECT COUNT(*) AS n FROM openstack_event").to_pylist()[0]["n"]
        walk(engine)
        return {"events": events, "totals": totals(engine.query(TOTALS).to_pylist())}


def walk(engine: Any, *, leave_out_repeats: bool = True) -> None:
    """From raw events to daily usage, as the build does it for everything at once.

    The step that leaves out heartbeats that only repeat changes no result. PostgreSQL plans it badly (it
    sorts no faster afterwards, and takes minutes to get there), so it is spared it.
    """
    from generate_events import FIRST_DAY
    from meterhouse.usage.build import model_text
    from meterhouse.usage.building.steps import COUNTED_AS_A_WHOLE, IS_GONE, SPAN_COLUMNS
    from meterhouse.usage.calendar import calendar_table
    from meterhouse.usage.rules import rule_tables
    from meterhouse.usage.tables import ITEM_TAIL

    for name, table in rule_tables().items():
        engine.relation(name, table)
    engine.relation("no_tail", ITEM_TAIL.empty_table())
    numbers = "CAST(NULL AS BIGINT) AS item_number, CAST(NULL AS BIGINT) AS tail_number"
    engine.materialise("item_tail", f"SELECT *, {numbers} FROM no_tail")
    engine.relation("calendar", calendar_table(FIRST_DAY - timedelta(1), FIRST_DAY + timedelta(100), "UTC"))
    engine.relation("item_event", model_text("openstack_event"))
    engine.materialise("item", model_text("item"))
    engine.relation(
        "heard_row",
        model_text("heard")
        if leave_out_repeats
        else "SELECT e.*, i.item_number FROM item_event AS e JOIN item AS i USING (resource, kind, item)",
    )
    engine.materialise(
        "heard", "SELECT *, ROW_NUMBER() OVER (ORDER BY batch_id, record) AS event_number FROM heard_row"
    )
    engine.materialise("size_said", model_text("size_said"))
    engine.materialise("told", model_text("told"))
    engine.materialise("transition", model_text("transition"))
    engine.materialise(
        "event_span", f"SELECT {SPAN_COLUMNS} FROM ({model_text('span')}) AS s WHERE NOT {IS_GONE}"
    )
    engine.relation("signed_span", f"SELECT s.*, {COUNTED_AS_A_WHOLE} FROM event_span AS s")
    engine.materialise("daily_part", model_text("daily_part"))


def pandas(directory: str, *options: str) -> dict[str, Any]:
    from pandas_baseline import count

    return {"totals": count(sorted(Path(directory).glob("*.parquet")), walking="--walk" in options)}


def postgresql(directory: str) -> dict[str, Any]:
    """The same models on a PostgreSQL server of its own; loading isn't measured."""
    import pyarrow.dataset

    from meterhouse.warehouse.engines.postgresql_engine import PostgreSQLEngine
    from postgresql_server import cpu_seconds, running_server

    with running_server() as server, PostgreSQLEngine(server.url, temporary=False) as engine:
        engine.set("work_mem", "512MB")
        raw = pyarrow.dataset.dataset(directory)
        engine.relation("openstack_event", raw.scanner(batch_size=50_000).to_reader())
        version = engine.query("SELECT current_setting('server_version') AS v").to_pylist()[0]["v"]
        started, cpu = time.perf_counter(), cpu_seconds(server)
        walk(engine, leave_out_repeats=False)
        wall, cpu = time.perf_counter() - started, cpu_seconds(server) - cpu
        found = totals(engine.query(TOTALS).to_pylist())
    return {"wall": wall, "cpu": cpu, "version": version.split(".")[0], "totals": found}


STEPS = {function.__name__: function for function in (generate, land, build, models, pandas, postgresql)}


def main() -> None:
    # The heavy imports come first, so that only work is measured.
    for module in HEAVY:
        import_module(module)
    started, cpu = time.perf_counter(), time.process_time()
    said = STEPS[sys.argv[1]](*sys.argv[2:])
    measured = {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps({**measured, **said}))


if __name__ == "__main__":
    main()
