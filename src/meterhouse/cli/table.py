"""How does a table look in a terminal? Columns side by side, as wide as the longest cell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_NOT_A_TERMINAL = 200  # characters a line, where nobody says how many there are
_BETWEEN = "   "


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]) -> None:
    """Print texts under the names of their columns, those of `right` flush right.

    Cells of what is wider than the terminal are folded.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _NOT_A_TERMINAL)
    widths = [max(map(_width, cells)) for cells in zip(columns, *rows, strict=True)]
    rule = "─" * (sum(widths) + len(_BETWEEN) * (len(widths) - 1))
    if len(rule) + 2 > console.width:
        _print_folded(console, columns, rows, right)
        return
    sides = [name in right for name in columns]
    edge = " " * (len(rule) + 2)
    head = _line(columns, widths, sides)
    console.print(edge, Text(head, "table.header"), f" {rule} ", sep="\n", soft_wrap=True)
    # Folding takes a hundred times as long.
    sys.stdout.writelines(f"{_line(row, widths, sides)}\n" for row in rows)
    print(edge)


def _line(cells: Iterable[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    placed = []
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        room = " " * (width - _width(cell))
        placed.append(room + cell if is_right else cell + room)
    return f" {_BETWEEN.join(placed)} "


def _width(text: str) -> int:
    """How many places of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _print_folded(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
