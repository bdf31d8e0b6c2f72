"""Sessions made by hand, and what Open XDMoD's statistics make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from meterhouse.directory.dimensions import DIMENSIONS
from meterhouse.feeds.xdmod.query import Query, SiteNames, answer_query
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.tables import SPAN
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

RESIZED = "compute.instance.resize.confirm.end"
GIB = 1024


def session(start: str, end: str, **values: Any) -> dict[str, Any]:
    """A session of a one-core VM of 1 GiB, as the model `span` makes it; "18 10:30" is in April 2018."""
    state = values.get("state", "active")
    opened_by, closed_by = values.get("opened_by"), values.get("closed_by")
    return {
        "rules": "xdmod",
        "resource": "cloud",
        "kind": "vm",
        "item": "vm",
        "project_ref": "p1",
        "project_name": "alpha",
        "user_name": "ada",
        "class": "small",
        "vcpus": 1,
        "memory_mib": GIB,
        "disk_gib": 10,
        "state": state,
        "begins": int(state == "active" and opened_by != RESIZED),
        "ceases": int(state == "active" and closed_by != RESIZED),
        "opened_batch": "b1",
        **values,
        "start": moment(start),
        "end": moment(end),
    }


def moment(text: str) -> datetime:
    if len(text.split()[0]) <= 2:
        text = f"2018-04-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def job(start: str, end: str, **values: Any) -> dict[str, Any]:
    """A job of one core on one node, submitted when it started; "18 10:30" is in April 2018."""
    cores = values.get("vcpus", 1)
    return {
        "rules": "default",
        "resource": "cluster",
        "kind": "job",
        "item": "1",
        "project_ref": "account",
        "user_name": "ada",
        "group_name": "grace",
        "class": "short",
        "qos": "normal",
        "nodes": 1,
        "vcpus": cores,
        "cpu_millis": None if cores is None else 1000 * cores,
        "state": "active",
        "closed_by": "completed",
        "is_last": False,
        "begins": 1,
        "ceases": 1,
        **values,
        "submitted": moment(values["submitted"]) if values.get("submitted") else moment(start),
        "start": moment(start),
        "end": moment(end),
    }


def sample(time: str, **values: Any) -> dict[str, Any]:
    """What ada keeps in /home, with grace for a PI; "18 10:30" is in April 2018."""
    return {
        "record": 1,
        "resource": "disk",
        "mountpoint": "/home",
        "user": "ada",
        "pi": "grace",
        "file_count": 10,
        "logical_usage": 1000,
        "physical_usage": 2000,
        "soft_threshold": 4000,
        "hard_threshold": 5000,
        "batch_id": "b1",
        **values,
        "dt": moment(time),
    }


class Spans:
    """Stands for a view of a warehouse that holds these rows only."""

    def select(self, table: str, **which: object) -> str:
        return f"SELECT * FROM {table}_rows"


def told(schema: pa.Schema) -> pa.Schema:
    """A raw table's columns with those that the warehouse adds."""
    return pa.schema([*schema, ("batch_id", pa.string()), ("recorded_at", TIME)])


TABLES = {
    "Cloud": ("span_rows", SPAN),
    "Jobs": ("span_rows", SPAN),
    "Storage": ("storage_usage_rows", told(RAW_TABLES["storage_usage"].schema)),
}


def dimensions(**tables: list[dict[str, str]]) -> dict[str, pa.Table]:
    """The dimension tables with these rows; the others are empty."""
    return {
        name: pa.Table.from_pylist(
            tables.get(name, []), schema=pa.schema([(column, pa.string()) for column in columns])
        )
        for name, columns in DIMENSIONS.items()
    }


Ask = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture(scope="session")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1, memory_limit="512MB") as engine:
        yield engine


@pytest.fixture
def ask(engine: DuckDBEngine) -> Ask:
    """Ask a statistic of sessions: (period, label, value) of 18 to 20 April 2018 unless said otherwise."""

    def asked(sessions: list[dict[str, Any]], statistic: str, **options: Any) -> list[tuple[str, str, str]]:
        realm = options.get("realm", "Cloud")
        name, schema = TABLES[realm]
        engine.relation(name, pa.Table.from_pylist(sessions, schema=schema))
        rows = answer_query(
            Query.ask(
                realm=realm,
                statistic=statistic,
                group_by=options.get("group_by", "none"),
                unit=options.get("unit", "day"),
                mode=options.get("mode", "aggregate"),
                first=options.get("first", date(2018, 4, 18)),
                last=options.get("last", date(2018, 4, 20)),
                seen_by=options.get("seen_by"),
            ),
            Spans(),  # type: ignore[arg-type]
            engine,
            options.get("dimensions") or dimensions(),
            SiteNames(
                "Our site",
                options.get("organizations", {}),
                options.get("types", {}),
                options.get("project_pis", {}),
            ),
            options.get("capacities", {}),
            options.get("time_zone", "UTC"),
            options.get("generic_batches", ()),
        )
        return [(row.period, row.label, row.value) for row in rows]

    return asked


@pytest.fixture
def figure(ask: Ask) -> Callable[..., str]:
    """The one figure for the whole range."""

    def one(sessions: list[dict[str, Any]], statistic: str, **options: Any) -> str:
        ((_, _, value),) = ask(sessions, statistic, **options)
        return value

    return one


@pytest.fixture
def series(ask: Ask) -> Callable[..., list[str]]:
    """The figures of the periods, for the one label that there is."""

    def values(sessions: list[dict[str, Any]], statistic: str, **options: Any) -> list[str]:
        return [value for _, _, value in ask(sessions, statistic, mode="timeseries", **options)]

    return values


@pytest.fixture
def make_session() -> Callable[..., dict[str, Any]]:
    return session


@pytest.fixture
def make_job() -> Callable[..., dict[str, Any]]:
    return job


@pytest.fixture
def make_sample() -> Callable[..., dict[str, Any]]:
    return sample


@pytest.fixture
def make_dimensions() -> Callable[..., dict[str, pa.Table]]:
    return dimensions
