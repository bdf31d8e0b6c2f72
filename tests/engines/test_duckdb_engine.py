"""What does the default engine promise? Isolation, UTC, spilling without traces, readable errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

SPILL_AND_WAIT = """
import sys, time
from pathlib import Path
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
engine = DuckDBEngine(temp_directory=Path(sys.argv[1]))
(engine._spill.path / 'spilled.tmp').write_text('x')
print('ready', flush=True)
time.sleep(60)
"""

NUMBERS = pa.table({"x": [1, 2, 3]})


@pytest.fixture
def engine(tmp_path: Path):
    with DuckDBEngine(temp_directory=tmp_path / "spill") as opened:
        yield opened


def test_a_relation_is_a_select_text_or_arrow_data(engine: DuckDBEngine) -> None:
    engine.relation("numbers", NUMBERS)
    engine.relation("streamed", NUMBERS.to_reader())
    engine.relation("doubled", "SELECT x * 2 AS x FROM numbers")

    for _ in range(2):  # a stream, too, can be asked twice
        rows = engine.query(
            "SELECT x FROM numbers UNION ALL SELECT x FROM streamed "
            "UNION ALL SELECT x FROM doubled ORDER BY x"
        )
        assert rows["x"].to_pylist() == [1, 1, 2, 2, 2, 3, 3, 4, 6]


def test_what_one_session_makes_the_session_beside_it_sees(engine: DuckDBEngine) -> None:
    engine.relation("numbers", NUMBERS)
    with engine.beside() as beside:
        engine.relation("doubled", "SELECT x * 2 AS x FROM numbers")
        beside.materialise("sum", "SELECT SUM(x) AS x FROM doubled")
        assert beside.query("SELECT current_setting('TimeZone') AS zone")["zone"].to_pylist() == ["UTC"]
    assert engine.query("SELECT x FROM sum")["x"].to_pylist() == [12]


def test_sessions_beside_one_another_share_their_threads(engine: DuckDBEngine) -> None:
    with engine.beside() as beside:
        engine.threads = 1
        assert (engine.threads, beside.threads) == (1, 1)
        beside.threads = 2
        assert (engine.threads, beside.threads) == (2, 2)


def test_a_name_given_again_is_replaced_whatever_it_was(engine: DuckDBEngine) -> None:
    engine.relation("numbers", NUMBERS)
    engine.materialise("numbers", "SELECT x + 10 AS x FROM numbers -- reads what it replaces")
    engine.materialise("numbers", "SELECT x + 10 AS x FROM numbers;")
    assert engine.query("SELECT x FROM numbers ORDER BY x")["x"].to_pylist() == [21, 22, 23]

    engine.relation("numbers", "SELECT 7 AS x")
    assert engine.query("SELECT x FROM numbers")["x"].to_pylist() == [7]


def test_what_is_dropped_is_gone_and_its_name_free(engine: DuckDBEngine) -> None:
    engine.materialise("a", "SELECT 1 AS n")
    engine.relation("b", "SELECT 2 AS n")
    engine.drop("a", "b", "never there")
    for name in ("a", "b"):
        with pytest.raises(EngineError, match="does not exist"):
            engine.query(f"SELECT * FROM {name}")
    engine.relation("a", "SELECT 3 AS n")
    assert engine.query("SELECT * FROM a").to_pylist() == [{"n": 3}]


def test_parameters_are_values_and_never_sql(engine: DuckDBEngine) -> None:
    engine.relation("people", pa.table({"name": ["o'neil", "x'; DROP TABLE people"]}))

    for parameters, sql in (
        (["o'neil"], "SELECT count(*) AS n FROM people WHERE name = ?"),
        ({"name": "o'neil"}, "SELECT count(*) AS n FROM people WHERE name = $name"),
    ):
        assert engine.query(sql, parameters)["n"].to_pylist() == [1]


def test_names_from_outside_are_quoted(engine: DuckDBEngine) -> None:
    engine.relation('odd" name', NUMBERS)
    assert engine.query('SELECT count(*) AS n FROM "odd"" name"')["n"].to_pylist() == [3]


def test_times_are_utc_whatever_the_machine_thinks(engine: DuckDBEngine) -> None:
    rows = engine.query("SELECT TIMESTAMPTZ '2018-04-18 14:58:00' AS t")

    assert rows.schema.field("t").type == pa.timestamp("us", tz="UTC")
    assert rows["t"].to_pylist() == [datetime(2018, 4, 18, 14, 58, tzinfo=UTC)]


def test_an_error_names_the_model_and_the_place(engine: DuckDBEngine) -> None:
    engine.relation("numbers", NUMBERS)

    with pytest.raises(EngineError, match=r'^DuckDB: span: .*"y" not found.*LINE 2'):
        engine.materialise("span", "SELECT\n  y\nFROM numbers")


def test_a_python_variable_is_not_a_table(engine: DuckDBEngine) -> None:
    numbers = NUMBERS  # noqa: F841 - DuckDB would find it by its name

    with pytest.raises(EngineError, match="numbers does not exist"):
        engine.query("SELECT x FROM numbers")


def test_nothing_is_fetched_from_the_network(engine: DuckDBEngine) -> None:
    with pytest.raises(EngineError, match="httpfs"):
        engine.query("SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')")


def test_copy_writes_parquet_in_the_order_asked_for(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = tmp_path / "it's here.parquet"

    assert engine.copy("SELECT range AS x FROM range(300000)", path, order_by="x DESC") == 300_000

    written = pq.ParquetFile(path)
    assert written.read()["x"].to_pylist() == list(range(299_999, -1, -1))
    assert written.metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_copy_that_fails_leaves_no_file(engine: DuckDBEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"daily: .*bad"):
        engine.copy(
            "SELECT CASE WHEN range = 250000 THEN error('bad') ELSE range END AS x FROM range(300000)",
            tmp_path / "x.parquet",
            name="daily",
        )
    assert not (tmp_path / "x.parquet").exists()


def test_more_than_fits_into_memory_is_sorted_on_disk_and_cleaned_up(tmp_path: Path) -> None:
    with DuckDBEngine(memory_limit="64MiB", threads=1, temp_directory=tmp_path) as engine:
        engine.materialise("wide", "SELECT range AS x, repeat('a', 100) || range AS y FROM range(1000000)")
        (row,) = engine.query("SELECT count(*) AS n, max(y) AS y FROM wide").to_pylist()

        assert row == {"n": 1_000_000, "y": "a" * 100 + "999999"}
        assert any(path.suffix == ".tmp" for path in tmp_path.rglob("*"))
    assert [path.name for path in tmp_path.rglob("*")] == ["spill-gate"]


def test_what_a_killed_session_spilled_is_removed_by_the_next_and_a_living_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    killed = subprocess.Popen(
        [
            sys.executable,
            "-c",
            SPILL_AND_WAIT,
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"ready\n"
    with DuckDBEngine(temp_directory=tmp_path):
        assert [path.name for path in tmp_path.rglob("*.tmp")] == ["spilled.tmp"]

    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stdout.close()

    with DuckDBEngine(temp_directory=tmp_path):
        assert list(tmp_path.rglob("*.tmp")) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["spill-gate"]


def test_a_limit_that_is_no_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^DuckDB: .*lots"):
        DuckDBEngine(memory_limit="lots", temp_directory=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["spill-gate"]


def test_what_was_made_once_is_made_again_only_of_other_data(engine: DuckDBEngine) -> None:
    def made() -> tuple[str, int]:
        name = engine.made_once("sums", "SELECT SUM(x) AS x FROM numbers")
        return name, engine.query(f'SELECT * FROM "{name}"').to_pylist()[0]["x"]

    engine.relation("numbers", NUMBERS)
    first = made()
    assert first[1] == 6
    engine.relation("others", pa.table({"x": [5]}))
    assert made() == first
    engine.relation("numbers", pa.table({"x": [1, 2, 4]}))
    assert made() == ("sums 2", 7)
    engine.relation("numbers", NUMBERS)
    assert made() == first


def test_of_what_is_made_once_the_least_lately_used_goes(engine: DuckDBEngine) -> None:
    """A million rows are kept, and eight tables at least."""
    for n in range(9):
        engine.materialise_once("many", f"SELECT range AS x, {n} AS n FROM range(200000)")
        assert engine.query("SELECT COUNT(*) AS rows, MAX(n) AS n FROM many").to_pylist() == [
            {"rows": 200_000, "n": n}
        ]
    kept = engine.query("SELECT table_name FROM duckdb_tables() ORDER BY 1").column(0).to_pylist()
    assert kept == [f"many {n}" for n in range(2, 10)]
