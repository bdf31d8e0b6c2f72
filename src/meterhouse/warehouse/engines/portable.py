"""Does a model mean the same on every engine? The linter for the SQL subset, and the translation of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError

from meterhouse.warehouse.engines.portable_rules import RULES

Dialect = Literal["spark", "postgres"]
DIALECTS: tuple[Dialect, ...] = ("spark", "postgres")


@dataclass(frozen=True, slots=True)
class Problem:
    """A place in a model that another engine would refuse, or silently read in another way."""

    model: str
    line: int  # 0 when the parser doesn't know it
    rule: str
    found: str
    why: str

    def __str__(self) -> str:
        place = f"{self.model}:{self.line}" if self.line else self.model
        return f"{place}: {self.rule}: {self.found}: {self.why}"


class TranslationError(Exception):
    """A model can't be said in another engine's dialect."""


def check_model(sql: str, name: str) -> list[Problem]:
    """All about a model (DuckDB's dialect) that is outside the portable subset; empty when it is fine."""
    try:
        tree = _parsed(sql)
    except TranslationError as error:
        return [Problem(name, 0, "parse", "the text", str(error))]
    problems = [
        Problem(name, _line(node), rule.name, _excerpt(node), rule.why)
        for rule in RULES
        for node in rule.find(tree)
    ]
    for dialect in DIALECTS:
        try:
            translate(sql, dialect)
        except TranslationError as error:
            problems.append(Problem(name, 0, f"translate to {dialect}", "the text", str(error)))
    return sorted(problems, key=lambda problem: (problem.line, problem.rule))


def translate(sql: str, dialect: Dialect) -> str:
    """A model in another dialect, with the same meaning for all that `check_model` lets through."""
    tree = _parsed(sql)
    # Inner calls first: an outer one takes its argument as it stands.
    for call in reversed(list(tree.find_all(exp.Anonymous))):
        said = _time_function(call, dialect)
        if said is not None:
            call.replace(said)
    if dialect == "postgres":
        for division in list(tree.find_all(exp.IntDiv)):
            # PostgreSQL's DIV gives a NUMERIC.
            division.replace(exp.cast(division.copy(), "BIGINT"))
    try:
        text = tree.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)
        # What one's own parser doesn't take, the engine won't either.
        sqlglot.parse_one(text, read=dialect, error_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise TranslationError(_first_line(error)) from error
    return text


def tables_read(sql: str) -> set[str]:
    """The names of the tables that a model reads from outside; its own CTEs are not among them."""
    tree = _parsed(sql)
    own = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table) if table.name and table.name.lower() not in own}


def _parsed(sql: str) -> exp.Query:
    try:
        statements = [
            tree for tree in sqlglot.parse(sql, read="duckdb", error_level=ErrorLevel.RAISE) if tree
        ]
    except SqlglotError as error:
        raise TranslationError(_first_line(error)) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise TranslationError("a model is one SELECT, with its CTEs")
    return statements[0]


def _time_function(call: exp.Anonymous, dialect: Dialect) -> exp.Expr | None:
    """DuckDB's exact microsecond functions, which sqlglot hands through as they are."""
    name = call.name.lower()
    if name not in ("epoch_us", "make_timestamptz"):
        return None
    (argument,) = call.expressions
    if dialect == "spark":
        return exp.Anonymous(
            this="UNIX_MICROS" if name == "epoch_us" else "TIMESTAMP_MICROS", expressions=[argument]
        )
    template = (
        # EXTRACT gives a NUMERIC with six decimals, so this is exact.
        "CAST(EXTRACT(EPOCH FROM {argument}) * 1000000 AS BIGINT)"
        if name == "epoch_us"
        else "CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ) + ({argument}) * INTERVAL '1 microsecond'"
    )
    said = sqlglot.parse_one(template.format(argument=argument.sql("postgres")), read="postgres")
    return exp.paren(said)


def _line(node: exp.Expr) -> int:
    return min((part.meta["line"] for part in node.walk() if "line" in part.meta), default=0)


def _excerpt(node: exp.Expr) -> str:
    text = " ".join(node.sql(dialect="duckdb").split())
    return text if len(text) <= 80 else text[:77] + "..."


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
