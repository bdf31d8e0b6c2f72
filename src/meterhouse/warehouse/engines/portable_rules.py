"""What is outside the portable subset of SQL, and why? One rule for each trap that engines set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

Finder = Callable[[exp.Expr], Iterator[exp.Expr]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A name, the reason for it, and how to find the places that break it."""

    name: str
    why: str
    find: Finder


# Functions that mean the same on all three engines, as sqlglot names them after parsing.
SAME_FUNCTIONS = (
    *(exp.Count, exp.CountIf, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr),
    *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
    *(exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Case, exp.If, exp.Cast, exp.Exists),
    *(exp.Abs, exp.Floor, exp.Ceil, exp.Sign),
    *(exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Replace, exp.StartsWith),
    *(exp.And, exp.Or, exp.Xor, exp.TimeToUnix),
)
# Functions that sqlglot doesn't know, and that `portable.translate` says in the other dialects.
TRANSLATED_FUNCTIONS = {"epoch_us": 1, "make_timestamptz": 1}
CHANGING_FUNCTIONS = {
    *("now", "random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "setseed", "nextval", "today"),
    *("transaction_timestamp", "statement_timestamp", "clock_timestamp", "get_current_time"),
    *("get_current_timestamp", "current_localtime", "current_localtimestamp", "txid_current"),
}
ZONE_FUNCTIONS = {
    *(
        "timezone",
        "date_trunc",
        "date_part",
        "datepart",
        "extract",
        "year",
        "month",
        "day",
        "hour",
        "strftime",
    ),
    *("time_bucket", "to_timestamp", "make_timestamp", "age", "last_day", "dayofweek", "isodow", "week"),
    *("date_diff", "datediff", "date_sub", "datesub", "date_add", "strptime", "make_date"),
}
SAME_TYPES = {
    *(exp.DType.BIGINT, exp.DType.INT, exp.DType.TEXT, exp.DType.VARCHAR),
    *(exp.DType.BOOLEAN, exp.DType.DECIMAL, exp.DType.DOUBLE, exp.DType.TIMESTAMPTZ),
}
NAIVE_TIMES = {
    exp.DType.TIMESTAMP,
    exp.DType.TIMESTAMPNTZ,
    exp.DType.DATE,
    exp.DType.DATETIME,
    exp.DType.TIME,
}
INTEGERS = {exp.DType.BIGINT, exp.DType.INT}


def _all(*kinds: type[exp.Expr]) -> Finder:
    return lambda tree: tree.find_all(*kinds)


def _with(kind: type[exp.Expr], argument: str) -> Finder:
    return lambda tree: (node for node in tree.find_all(kind) if node.args.get(argument))


def _where(test: Callable[[exp.Expr], bool], *kinds: type[exp.Expr]) -> Finder:
    return lambda tree: (node for node in tree.find_all(*kinds) if test(node))


def _called(names: set[str]) -> Finder:
    return _where(lambda node: _function_name(node) in names, exp.Func)


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


def _foreign(node: exp.Expr) -> bool:
    name = _function_name(node)
    if isinstance(node, exp.Anonymous):
        return TRANSLATED_FUNCTIONS.get(name) != len(node.expressions) and name not in _spoken_of
    return not isinstance(node, SAME_FUNCTIONS) and not _is_spoken_of(node)


def _is_spoken_of(node: exp.Expr) -> bool:
    """Whether another rule gives a better reason than "unknown function"."""
    return _function_name(node) in _spoken_of or isinstance(
        node, (*_clocks, *_zoned, *_collections, *_guessed)
    )


_spoken_of = CHANGING_FUNCTIONS | ZONE_FUNCTIONS
_clocks = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Rand, exp.Uuid, exp.Localtimestamp)
_zoned = (exp.AtTimeZone, exp.TimestampTrunc, exp.DateTrunc, exp.DateDiff, exp.Extract, exp.UnixToTime)
_collections = (exp.ArrayAgg, exp.GroupConcat, exp.Array, exp.Struct, exp.Map, exp.Explode, exp.Unnest)
_guessed = (exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin)


def _row_order_missing(node: exp.Expr) -> bool:
    ordered = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue)
    if not isinstance(node.this, ordered):
        return False
    named = node.args.get("alias")
    return not node.args.get("order") and not named


def _frame_is_odd(node: exp.Expr) -> bool:
    if node.args.get("exclude") or str(node.args.get("kind") or "").upper() == "GROUPS":
        return True
    sides = (node.args.get("start"), node.args.get("end"))
    bound = {"UNBOUNDED", "CURRENT ROW"}
    by_value = str(node.args.get("kind") or "").upper() == "RANGE"
    return by_value and any(side is not None and str(side).upper() not in bound for side in sides)


def _is_double(node: exp.Expr | None) -> bool:
    node = node.unnest() if node is not None else None
    return isinstance(node, exp.Cast) and node.to.this is exp.DType.DOUBLE


def _divides(node: exp.Expr) -> bool:
    return not (_is_double(node.args.get("this")) or _is_double(node.args.get("expression")))


def _rounds(node: exp.Expr) -> bool:
    if node.args["to"].this not in INTEGERS:
        return False
    inner = node.this.unnest()
    if isinstance(inner, exp.Literal):
        return not inner.is_string and not inner.is_int
    if isinstance(inner, exp.Cast):
        return inner.to.this in (exp.DType.DOUBLE, exp.DType.DECIMAL)
    if isinstance(inner, (exp.Add, exp.Sub, exp.Mul)):
        return any(_fractional(side) for side in (inner.this, inner.expression))
    return isinstance(inner, (exp.Div, exp.Avg, exp.TimeToUnix))


def _fractional(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return not node.is_string and not node.is_int
    if isinstance(node, exp.Cast):
        return node.to.this is exp.DType.DOUBLE
    return isinstance(node, (exp.Div, exp.TimeToUnix))


def _floored(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, (exp.Floor, exp.Cast)) and not (
        isinstance(parent, exp.Cast) and parent.to.this is not exp.DType.DOUBLE
    )


def _aliases_reused(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Unqualified columns that DuckDB may take for a computed column of the same SELECT."""
    for select in tree.find_all(exp.Select):
        computed: set[str] = set()
        for projection in select.expressions:
            yield from _unqualified(projection, computed, select)
            if isinstance(projection, exp.Alias) and projection.this.name != projection.alias:
                computed.add(projection.alias.lower())
        for clause in ("where", "group", "having", "joins"):
            told = select.args.get(clause) or []
            for part in told if isinstance(told, list) else [told]:
                yield from _unqualified(part, computed, select)


def _unqualified(part: exp.Expr, names: set[str], select: exp.Select) -> Iterator[exp.Expr]:
    for column in part.find_all(exp.Column):
        # Within an aggregate it can only be the table's column.
        if column.find_ancestor(exp.AggFunc, exp.Select) is not select:
            continue
        if not column.table and column.name.lower() in names:
            yield column


def _odd_text(node: exp.Expr) -> bool:
    return bool(node.is_string and "\\" in node.name)


RULES = (
    Rule(
        "no ASOF join", "only DuckDB has it", _where(lambda join: join.args.get("method") == "ASOF", exp.Join)
    ),
    Rule(
        "no NATURAL, SEMI, ANTI or POSITIONAL join",
        "say which columns join, or use EXISTS",
        _where(
            lambda join: (
                join.args.get("method") in ("NATURAL", "POSITIONAL")
                or join.args.get("kind") in ("SEMI", "ANTI")
            ),
            exp.Join,
        ),
    ),
    Rule("no LATERAL", "engines differ in what it may see", _all(exp.Lateral)),
    Rule("no QUALIFY", "PostgreSQL lacks it: number in a CTE, filter outside", _all(exp.Qualify)),
    Rule("no GROUP BY ALL", "PostgreSQL lacks it: name the columns", _with(exp.Group, "all")),
    Rule(
        "no GROUPING SETS, ROLLUP or CUBE",
        "NULL of a total and NULL of the data can't be told apart",
        _all(exp.GroupingSets, exp.Rollup, exp.Cube),
    ),
    Rule(
        "no ORDER BY ALL",
        "only DuckDB has it",
        _where(lambda node: isinstance(node.this, exp.Var) and node.name.upper() == "ALL", exp.Ordered),
    ),
    Rule("no recursive CTE", "Spark lacks it: use a closure table", _with(exp.With, "recursive")),
    Rule("no DISTINCT ON", "Spark lacks it: number in a CTE, filter outside", _with(exp.Distinct, "on")),
    Rule(
        "no IGNORE NULLS",
        "PostgreSQL lacks it: pack row number and value, take the maximum",
        _all(exp.IgnoreNulls),
    ),
    Rule(
        "no lists, structs or maps",
        "Spark drops the order within list(), and PostgreSQL has no maps",
        _all(*_collections, exp.Bracket, exp.Lambda),
    ),
    Rule(
        "no pick from a group without an order",
        "which row it takes differs from run to run",
        _all(*_guessed),
    ),
    Rule(
        "no SELECT * with exceptions",
        "PostgreSQL lacks EXCLUDE, REPLACE and RENAME: name the columns",
        lambda tree: (
            star
            for star in tree.find_all(exp.Star)
            if any(star.args.get(word) for word in ("except_", "except", "replace", "rename"))
        ),
    ),
    Rule(
        "no UNION BY NAME",
        "PostgreSQL lacks it: name the columns in one order",
        _where(lambda node: bool(node.args.get("by_name")), exp.SetOperation),
    ),
    Rule("no sample", "the rows differ from run to run", _all(exp.TableSample)),
    Rule(
        "no function that changes by itself",
        "the same records must give the same rows",
        lambda tree: (
            n
            for n in tree.find_all(exp.Func)
            if isinstance(n, _clocks) or _function_name(n) in CHANGING_FUNCTIONS
        ),
    ),
    Rule(
        "no time zone and no calendar in SQL",
        "days come from the calendar table, seconds from FLOOR(epoch(t)) or epoch_us(t) // 1000000",
        lambda tree: (n for n in tree.walk() if isinstance(n, _zoned) or _function_name(n) in ZONE_FUNCTIONS),
    ),
    Rule(
        "no date and no time without zone",
        "it is read in the session's time zone: use TIMESTAMPTZ",
        _where(lambda node: node.args["to"].this in NAIVE_TIMES, exp.Cast),
    ),
    Rule(
        "no interval of days or longer",
        "its length depends on the time zone: use the calendar table",
        _where(
            lambda node: (
                str(node.args.get("unit") or "").upper().rstrip("S")
                not in ("SECOND", "MINUTE", "HOUR", "MICROSECOND", "MILLISECOND")
            ),
            exp.Interval,
        ),
    ),
    Rule("no TRY_CAST", "PostgreSQL would fail where the others give NULL", _all(exp.TryCast)),
    Rule(
        "no type that another engine lacks",
        "use BIGINT, INTEGER, DECIMAL(p, s), DOUBLE, VARCHAR, BOOLEAN or TIMESTAMPTZ",
        _where(lambda node: node.args["to"].this not in SAME_TYPES | NAIVE_TIMES, exp.Cast),
    ),
    Rule(
        "no / between exact numbers",
        "integers divide differently, and DECIMAL/DECIMAL is a double: use //, or CAST(... AS DOUBLE)",
        _where(_divides, exp.Div),
    ),
    Rule(
        "no fraction cast to an integer",
        "DuckDB rounds and Spark truncates: FLOOR it first",
        _where(_rounds, exp.Cast),
    ),
    Rule(
        "epoch() only within FLOOR()",
        "it has a fraction in DuckDB and none in Spark",
        _where(lambda node: not _floored(node), exp.TimeToUnix),
    ),
    Rule(
        "LIMIT and OFFSET only with ORDER BY",
        "which rows they take differs from run to run",
        _where(
            lambda node: (
                bool(node.args.get("limit") or node.args.get("offset")) and not node.args.get("order")
            ),
            exp.Query,
        ),
    ),
    Rule(
        "a window that ranks or looks around has an ORDER BY",
        "which row comes first differs from run to run",
        _where(_row_order_missing, exp.Window),
    ),
    Rule(
        "no frame by GROUPS, EXCLUDE or RANGE with an offset",
        "engines lack it or count it differently",
        _where(_frame_is_odd, exp.WindowSpec),
    ),
    Rule(
        "no DISTINCT in a window",
        "Spark and PostgreSQL lack it",
        _where(lambda node: isinstance(node.this.args.get("this"), exp.Distinct), exp.Window),
    ),
    Rule(
        "no computed column used in its own SELECT",
        "DuckDB takes the alias, others the table's column or nothing: use a CTE",
        _aliases_reused,
    ),
    Rule(
        "no backslash in text",
        "engines differ in what it escapes",
        _where(_odd_text, exp.Literal),
    ),
    Rule(
        "no function outside the list",
        "not known to mean the same everywhere (see SAME_FUNCTIONS)",
        _where(_foreign, exp.Func),
    ),
)
