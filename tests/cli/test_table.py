"""Does a table that is written line by line look as one that is folded where it must be?"""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from meterhouse.cli import table
from meterhouse.cli.options import visible

CELLS = st.text(max_size=12).map(visible)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, CELLS, st.integers().map(str)), min_size=1, max_size=6))
def test_what_fits_looks_as_the_folding_writer_has_it(
    capsys: pytest.CaptureFixture[str], rows: list[tuple[str, str, str]]
) -> None:
    columns, right = ("name", "名前", "hours"), frozenset(["hours"])
    capsys.readouterr()
    table.print_table(columns, rows, right)
    expected = io.StringIO()
    table._print_folded(Console(file=expected, width=200), columns, rows, right)
    assert capsys.readouterr().out == expected.getvalue()


def test_what_is_wider_than_a_line_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    table.print_table(("name", "host"), [("a" * 150, "b" * 150)], frozenset())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 200
    assert sum(line.count("b") for line in lines) == 150
