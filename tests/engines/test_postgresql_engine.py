"""What does the PostgreSQL engine promise? Data comes back as it went in, and errors name the model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.postgresql_engine import PostgreSQLEngine
from services.postgresql import PostgreSQLMissing, running_postgresql

SAID = pa.table(
    {
        "text": pa.array(["", None, 'a "b", c', "line\nbreak", "Zürich \u2603"], pa.string()),
        "number": pa.array([0, None, -(2**63), 2**63 - 1, 7], pa.int64()),
        "flag": pa.array([True, None, False, True, False]),
        "moment": pa.array(
            [datetime(2018, 3, 25, 1, 30, 0, 1, UTC), None, *[datetime(1970, 1, 1, tzinfo=UTC)] * 3],
            pa.timestamp("us", tz="UTC"),
        ),
        "day": pa.array([date(2018, 4, 18), None, date(1, 1, 1), date(9999, 12, 31), date(2000, 2, 29)]),
        "amount": pa.array(
            [Decimal("0.0001"), None, Decimal("-1.5000"), Decimal(10) ** 20, Decimal(0)], pa.decimal128(38, 4)
        ),
    }
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with running_postgresql() as server:
            yield server.database()
    except PostgreSQLMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def engine(url: str) -> Iterator[PostgreSQLEngine]:
    with PostgreSQLEngine(url) as engine:
        yield engine


def test_data_comes_back_as_it_went_in(engine: PostgreSQLEngine) -> None:
    engine.relation("said", SAID.to_reader(max_chunksize=2))

    found = engine.query("SELECT * FROM said")

    assert found.to_pylist() == SAID.to_pylist()
    assert found.schema.field("moment").type == pa.timestamp("us", tz="UTC")


def test_a_name_given_again_is_replaced_whatever_it_was(engine: PostgreSQLEngine) -> None:
    engine.relation("said", SAID)
    engine.materialise("said", "SELECT COUNT(*) AS n FROM said")
    assert engine.query("SELECT n FROM said").to_pylist() == [{"n": 5}]

    engine.relation("said", "SELECT 7 AS n")
    assert engine.query("SELECT n FROM said").to_pylist() == [{"n": 7}]


def test_texts_are_compared_byte_by_byte(engine: PostgreSQLEngine) -> None:
    engine.relation("word", pa.table({"word": ["b", "B", "a", "A", "ä"]}))

    assert engine.query("SELECT word FROM word ORDER BY word")["word"].to_pylist() == [
        "A",
        "B",
        "a",
        "b",
        "ä",
    ]


def test_sessions_do_not_see_each_other(url: str, engine: PostgreSQLEngine) -> None:
    engine.relation("said", SAID)

    with PostgreSQLEngine(url) as other, pytest.raises(EngineError, match="said"):
        other.query("SELECT * FROM said")


def test_an_error_names_the_model(engine: PostgreSQLEngine) -> None:
    with pytest.raises(EngineError, match=r'^PostgreSQL: span: column "nope" does not exist'):
        engine.query("SELECT nope FROM (SELECT 1 AS x) AS y", name="span")


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(EngineError, match=r"^PostgreSQL: "):
        PostgreSQLEngine("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
