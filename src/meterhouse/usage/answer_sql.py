"""Which SQL do all answers share? The question's rows, months, periods and groups."""

from __future__ import annotations

from meterhouse.usage.attribution import text, texts
from meterhouse.usage.meters import Grouping
from meterhouse.usage.question import Question


def rows_of(question: Question) -> str:
    """A condition: the row is of the realm's rule set and kinds."""
    return f"rules = {text(question.realm.rules)} AND kind IN ({texts(question.realm.kinds)})"


def grouped(groupings: tuple[Grouping, ...]) -> str:
    """Columns label_0, label_1 ... id_0, id_1 ..., each after a comma."""
    labels = [f"{grouping.label} AS label_{n}" for n, grouping in enumerate(groupings)]
    ids = [f"{grouping.id or 'NULL'} AS id_{n}" for n, grouping in enumerate(groupings)]
    return "".join(f", {column}" for column in (*labels, *ids))


def group_names(groupings: tuple[Grouping, ...]) -> str:
    """The names of the columns of `grouped`, each after a comma."""
    return "".join(f", {column}_{n}" for column in ("label", "id") for n in range(len(groupings)))


def months(question: Question) -> list[str]:
    """The months that the question touches: the partitions of daily usage and levels."""
    found = []
    year, month = question.first.year, question.first.month
    while (year, month) <= (question.last.year, question.last.month):
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
