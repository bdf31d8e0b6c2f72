"""Which SQL may a model use? What all engines read alike; each rule of the linter refuses one example."""

from __future__ import annotations

from pathlib import Path

import pytest

import meterhouse.usage
from meterhouse.warehouse.engines.portable import DIALECTS, check_model, tables_read, translate
from meterhouse.warehouse.engines.portable_rules import RULES

MODELS = sorted((Path(meterhouse.usage.__file__).parent / "models").glob("**/*.sql"))

REFUSED = {
    "no ASOF join": "SELECT a.x FROM a ASOF JOIN b ON a.t >= b.t",
    "no NATURAL, SEMI, ANTI or POSITIONAL join": "SELECT a.x FROM a SEMI JOIN b ON a.x = b.x",
    "no LATERAL": "SELECT a.x, c.y FROM a, LATERAL (SELECT b.y FROM b WHERE b.x = a.x) AS c",
    "no QUALIFY": "SELECT x FROM a QUALIFY row_number() OVER (ORDER BY x) = 1",
    "no GROUP BY ALL": "SELECT x, count(*) FROM a GROUP BY ALL",
    "no GROUPING SETS, ROLLUP or CUBE": "SELECT x, count(*) FROM a GROUP BY ROLLUP (x)",
    "no ORDER BY ALL": "SELECT x FROM a ORDER BY ALL",
    "no recursive CTE": "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT x FROM r",
    "no DISTINCT ON": "SELECT DISTINCT ON (x) x, y FROM a ORDER BY x, y",
    "no IGNORE NULLS": "SELECT last_value(x IGNORE NULLS) OVER (ORDER BY t) FROM a",
    "no lists, structs or maps": "SELECT list(x ORDER BY t) FROM a",
    "no pick from a group without an order": "SELECT any_value(x) FROM a",
    "no SELECT * with exceptions": "SELECT * EXCLUDE (x) FROM a",
    "no UNION BY NAME": "SELECT x FROM a UNION ALL BY NAME SELECT x FROM b",
    "no sample": "SELECT x FROM a USING SAMPLE 10 ROWS",
    "no function that changes by itself": "SELECT now() FROM a",
    "no time zone and no calendar in SQL": "SELECT date_trunc('day', t) FROM a",
    "no date and no time without zone": "SELECT CAST(t AS DATE) FROM a",
    "no interval of days or longer": "SELECT t + INTERVAL 1 DAY FROM a",
    "no TRY_CAST": "SELECT TRY_CAST(x AS BIGINT) FROM a",
    "no type that another engine lacks": "SELECT CAST(x AS HUGEINT) FROM a",
    "no / between exact numbers": "SELECT x / y FROM a",
    "no fraction cast to an integer": "SELECT CAST(CAST(x AS DOUBLE) AS BIGINT) FROM a",
    "epoch() only within FLOOR()": "SELECT CAST(epoch(t) AS BIGINT) FROM a",
    "LIMIT and OFFSET only with ORDER BY": "SELECT x FROM a LIMIT 3",
    "a window that ranks or looks around has an ORDER BY": "SELECT row_number() OVER (PARTITION BY x) FROM a",
    "no frame by GROUPS, EXCLUDE or RANGE with an offset": (
        "SELECT sum(x) OVER (ORDER BY t RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM a"
    ),
    "no DISTINCT in a window": "SELECT count(DISTINCT x) OVER (PARTITION BY y) FROM a",
    "no computed column used in its own SELECT": "SELECT x + 1 AS y, y * 2 AS z FROM a",
    "no backslash in text": r"SELECT x FROM a WHERE x = 'a\b'",
    "no function outside the list": "SELECT md5(x) FROM a",
}

MORE_REFUSED = [
    ("no function that changes by itself", "SELECT random() FROM a"),
    ("no function that changes by itself", "SELECT current_timestamp FROM a"),
    ("no time zone and no calendar in SQL", "SELECT t AT TIME ZONE 'Europe/Berlin' FROM a"),
    ("no time zone and no calendar in SQL", "SELECT epoch_ms(t) FROM a"),
    ("no time zone and no calendar in SQL", "SELECT extract(year FROM t) FROM a"),
    ("no time zone and no calendar in SQL", "SELECT date_diff('second', t, u) FROM a"),
    ("no date and no time without zone", "SELECT TIMESTAMP '2018-04-18 00:00:00' FROM a"),
    ("no / between exact numbers", "SELECT CAST(x AS DECIMAL(18, 4)) / CAST(y AS DECIMAL(18, 4)) FROM a"),
    ("no fraction cast to an integer", "SELECT CAST(x * 1.5 AS BIGINT) FROM a"),
    ("no function outside the list", "SELECT regexp_matches(x, 'y') FROM a"),
    ("no function outside the list", "SELECT concat(x, y) FROM a"),
    ("no computed column used in its own SELECT", "SELECT x + 1 AS y FROM a WHERE y > 1"),
    ("parse", "SELECT FROM WHERE"),
    ("parse", "SELECT 1 AS x; SELECT 2 AS x"),
    ("parse", "DELETE FROM a"),
]

ALLOWED = """
-- Steps as named CTEs, windows with an order, exact seconds.
WITH numbered AS (
    SELECT
        item,
        "time",
        epoch_us("time") AS micros,
        CAST(floor(epoch("time")) AS BIGINT) AS seconds,
        row_number() OVER (PARTITION BY item ORDER BY "time", record DESC) AS place,
        max(CASE WHEN size IS NOT NULL THEN record END) OVER (
            PARTITION BY item ORDER BY "time" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS sized_by
    FROM events
    WHERE kind IN ('vm', 'volume') AND "time" >= TIMESTAMPTZ '2018-04-18 00:00:00+00'
)
SELECT
    numbered.item,
    make_timestamptz(max(numbered.micros)) AS last_seen,
    CAST(sum(numbered.seconds) AS DECIMAL(38, 0)) AS seconds,
    count(*) FILTER (WHERE numbered.place = 1) AS firsts,
    CAST(sum(numbered.place // 2) AS BIGINT) AS halves
FROM numbered
LEFT JOIN sizes ON sizes.record = numbered.sized_by
GROUP BY numbered.item
"""


def test_every_rule_has_an_example() -> None:
    assert list(REFUSED) == [rule.name for rule in RULES]


@pytest.mark.parametrize(("rule", "sql"), [*REFUSED.items(), *MORE_REFUSED])
def test_a_model_outside_the_subset_is_refused_by_the_rule_that_says_why(rule: str, sql: str) -> None:
    problems = check_model(sql, "bad")

    assert rule in [problem.rule for problem in problems]
    assert all(str(problem).startswith("bad") for problem in problems)


def test_a_problem_names_the_line_and_what_stands_there() -> None:
    (problem,) = check_model("SELECT\n  x,\n  TRY_CAST(y AS BIGINT)\nFROM a\nGROUP BY x", "picks")

    assert (problem.line, problem.found) == (3, "TRY_CAST(y AS BIGINT)")


def test_a_model_within_the_subset_has_no_problems() -> None:
    assert check_model(ALLOWED, "good") == []


def test_a_model_names_the_tables_that_it_reads() -> None:
    assert tables_read(ALLOWED) == {"events", "sizes"}


def test_the_order_of_nulls_is_said_where_engines_differ() -> None:
    sql = "SELECT row_number() OVER (ORDER BY x, y DESC) FROM a"

    assert "ORDER BY x NULLS LAST, y DESC" in translate(sql, "spark")
    assert "ORDER BY x, y DESC NULLS LAST" in translate(sql, "postgres")


def test_exact_microseconds_are_translated() -> None:
    sql = "SELECT epoch_us(t) FROM a"

    assert translate(sql, "spark") == "SELECT UNIX_MICROS(t) FROM a"
    assert translate(sql, "postgres") == "SELECT (CAST(EXTRACT(EPOCH FROM t) * 1000000 AS BIGINT)) FROM a"


def test_a_function_within_a_function_is_translated_too() -> None:
    said = translate(
        "SELECT make_timestamptz(epoch_us(t) + epoch_us(make_timestamptz(x))) FROM a", "postgres"
    )

    assert "epoch_us" not in said.lower()
    assert "make_timestamptz" not in said.lower()


@pytest.mark.skipif(not MODELS, reason="usage/models is still empty")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_model_of_ours_is_portable(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")

    assert check_model(sql, path.stem) == []
    for dialect in DIALECTS:
        assert translate(sql, dialect)
