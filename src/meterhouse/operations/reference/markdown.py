"""How is a page laid out? Headings, tables and cells as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MADE_FROM = "<!-- Made from the code by `make docs`. Do not edit. -->"


def page(title: str, *parts: str) -> str:
    """A page: its title, and parts with an empty line between them."""
    return "\n\n".join((f"# {title}", MADE_FROM, *(part for part in parts if part))) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a row of column titles; "" when it has no rows."""
    lines = [_line(cells) for cells in rows]
    return "\n".join([_line(columns), _line(["---"] * len(columns)), *lines]) if lines else ""


def code(text: str) -> str:
    """Text as code within a line: newlines become spaces; "" stays empty."""
    text = " ".join(text.split())
    return f"`` {text} ``" if "`" in text else f"`{text}`" if text else ""


def codes(texts: Iterable[str]) -> str:
    """Several pieces of code with commas."""
    return ", ".join(code(text) for text in texts)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
