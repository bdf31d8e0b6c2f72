"""Does daily usage add up to what the raw records give, and whose is it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from meterhouse.operations.verify.days import GROUP, DayTotal, Group, whole_seconds
from meterhouse.operations.verify.findings import Finding

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Row = dict[str, Any]


def built_totals(
    view: View, engine: DuckDBEngine, rules: Iterable[str], first: date | None, last: date | None
) -> dict[Group, DayTotal]:
    """Daily usage as built, by the same groups as the walk's."""
    names = ", ".join(f'"{name}"' for name in GROUP)
    wanted = ", ".join(f"'{name}'" for name in rules)
    period = "".join(
        [f" AND day >= DATE '{first}'" if first else "", f" AND day <= DATE '{last}'" if last else ""]
    )
    totals: dict[Group, DayTotal] = {}
    reader = engine.reader(
        f"SELECT {names}, wall_seconds, begun, ceased, spans FROM ({view.select('daily')}) "
        f"WHERE rules IN ({wanted}){period}"
    )
    for batch in reader:
        for row in batch.to_pylist():
            total = totals.setdefault(tuple(row[name] for name in GROUP), DayTotal())
            total.seconds += row["wall_seconds"]
            total.begun += row["begun"]
            total.ceased += row["ceased"]
            total.spans += row["spans"]
    return totals


def different_totals(
    expected: Mapping[Group, DayTotal], found: Mapping[Group, DayTotal]
) -> Iterator[Finding]:
    """Days and groups whose usage isn't what the raw records give."""
    nothing = DayTotal()
    for group in sorted(expected.keys() | found.keys(), key=lambda group: tuple(map(str, group))):
        should, is_there = expected.get(group, nothing), found.get(group, nothing)
        if should != is_there:
            of = dict(zip(GROUP, group, strict=True))
            sizes = ", ".join(
                f"{name} {of[name]}" for name in GROUP[4:] if of[name] is not None and name != "resource"
            )
            yield Finding(
                "daily usage", "error", f"{of['rules']} usage of a day differs from its raw records",
                str(should), str(is_there), f"{of['day']} {of['resource']} {of['kind']}: {sizes}",
            )  # fmt: skip


class Unclear:
    """Usage of which something that matters isn't known: its size, its project, its user."""

    def __init__(self) -> None:
        self._seconds: Counter[tuple[str, str, str]] = Counter()
        self._items: dict[tuple[str, str, str], set[str]] = {}

    def add(self, spans: Iterable[Row]) -> None:
        for row in spans:
            if row["rules"] != "default":
                continue
            if row["kind"] == "vm" and row["state"] == "active" and row["vcpus"] is None:
                self._note("size", row)
            for what in ("project", "user"):
                if row[f"{what}_ref"] is None:
                    self._note(what, row)

    def findings(self) -> Iterator[Finding]:
        for (what, resource, kind), items in sorted(self._items.items()):
            seconds = self._seconds[what, resource, kind]
            amount = f"{len(items)} items, {seconds} s in all, {min(items)} among them"
            if what == "size":
                told = (
                    "usage without size",
                    "warning",
                    "running without a known size",
                    "cores of every running VM",
                )
            elif what == "project":
                told = ("unattributed", "warning", "usage of nobody's project", "a project for all usage")
            else:
                told = ("unattributed", "note", "usage without a user", "a user for all usage")
            check, severity, sentence, expected = told
            yield Finding(check, severity, sentence, expected, amount, f"{resource} {kind}")  # type: ignore[arg-type]

    def _note(self, what: str, row: Row) -> None:
        key = (what, row["resource"], row["kind"])
        self._seconds[key] += whole_seconds(row["end"]) - whole_seconds(row["start"])
        self._items.setdefault(key, set()).add(row["item"])
