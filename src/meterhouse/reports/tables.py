"""Which tables does a monthly report hold, with which columns? One definition for CSV and XLSX.

Columns are fixed and versioned: one may be added at the end, none changes. After a table's own columns
come two per meter: `<meter>`, the rounded figure in the meter's unit, and `<meter>_exact`, the quantity
that it was rounded from (core seconds, MiB seconds ...; see `divisor` in the summary). An empty cell
means *no data*, `0` means zero.

| table | own columns |
|---|---|
| summary | meter, title, unit, total, exact, divisor, previous |
| institutions | institution, attributed, projects, users |
| projects | project, name, parent, depth, institution, pi, scope (`own` or `with_subprojects`), log_command |
| users | user, name, institution, projects (separated by `; `) |
| items | kind, item, name, resource, project, user, size; then `<state>_hours` per state |
| daily | day, institution, complete (`yes`, or `no` when some source has no answer for a part of the day) |
| coverage | resource, source, outcome (read, failed, not_covered), start, end, detail |
| log | as `transaction_log.COLUMNS` |

Usage that couldn't be attributed is a row of its own: `attributed` is `no` in institutions, `project` or
`user` is empty in projects and users, `institution` is empty in daily; its reason stands as the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from meterhouse.reports import transaction_log
from meterhouse.reports.coverage import incomplete_days
from meterhouse.reports.exchanged import utc_text
from meterhouse.reports.figures import plain, rounded
from meterhouse.reports.monthly import Dimension, Meter, MonthlyReport, Quantities, by_use, project_tree

Value = str | int | Decimal | date | datetime | None
ColumnKind = Literal["text", "number", "exact", "date", "time"]

STATE_ORDER = ("active", "attached", "unattached", "inactive", "shelved", "unknown")


@dataclass(frozen=True, slots=True)
class Column:
    """`exact` columns are for recomputing; people's sheets leave them out. `places` is for numbers."""

    name: str
    title: str
    kind: ColumnKind = "text"
    places: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


def tables(report: MonthlyReport) -> tuple[Table, ...]:
    """All tables of the report; items and log only when they were asked for."""
    made = [
        _summary(report),
        _institutions(report),
        _projects(report),
        _users(report),
        *([_items(report)] if report.items is not None else []),
        _daily(report),
        _coverage(report),
        *([_log(report.log)] if report.log is not None else []),
    ]
    return tuple(made)


def as_text(value: Value) -> str:
    """A value as it stands in CSV: no grouping, ISO 8601, UTC with a `Z`."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, int | Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value


def states_of(report: MonthlyReport, kind: str | None = None) -> list[str]:
    """The states that items (of that kind) were in, the telling ones first."""
    found = {state for row in report.items or () if kind in (None, row.kind) for state in row.state_seconds}
    return sorted(
        found,
        key=lambda state: (STATE_ORDER.index(state) if state in STATE_ORDER else len(STATE_ORDER), state),
    )


def _summary(report: MonthlyReport) -> Table:
    previous = report.previous.totals if report.previous else {}
    columns = (
        Column("meter", "Meter"),
        Column("title", "Title"),
        Column("unit", "Unit"),
        Column("total", "Total", "number", 4),
        Column("exact", "Exact quantity", "exact"),
        Column("divisor", "Divisor", "exact"),
        Column("previous", report.previous.label if report.previous else "Period before", "number", 4),
    )
    rows = tuple(
        (
            meter.id,
            meter.title,
            meter.unit,
            meter.figure(report.totals),
            report.totals.get(meter.id),
            meter.divisor,
            meter.figure(previous),
        )
        for meter in report.meters
    )
    return Table("summary", "Summary", columns, rows)


def _institutions(report: MonthlyReport) -> Table:
    columns = (
        Column("institution", "Institution"),
        Column("attributed", "Attributed"),
        Column("projects", "Projects", "number"),
        Column("users", "Users", "number"),
        *_meter_columns(report),
    )
    rows: list[tuple[Value, ...]] = [
        (row.name, "yes", row.projects, row.users, *_figures(report, row.quantities))
        for row in by_use(report.institutions, report.main_meter)
    ]
    rows += [(reason, "no", None, None, *figures) for reason, figures in _remainder(report, "institution")]
    return Table("institutions", "Institutions", columns, tuple(rows))


def _projects(report: MonthlyReport) -> Table:
    columns = (
        Column("project", "Project id"),
        Column("name", "Project"),
        Column("parent", "Parent id"),
        Column("depth", "Depth", "number"),
        Column("institution", "Institution"),
        Column("pi", "PI"),
        Column("scope", "Scope"),
        Column("log_command", "How to see every change"),
        *_meter_columns(report),
    )
    rows: list[tuple[Value, ...]] = []
    for branch in project_tree(report):
        row = branch.row
        whose = (row.key, row.name, row.parent or "", branch.depth, row.institution, row.pi)
        log = report.log_command(row.key)
        rows.append((*whose, "own", log, *_figures(report, row.quantities)))
        if branch.has_subprojects:
            rows.append((*whose, "with_subprojects", log, *_figures(report, branch.with_subprojects)))
    rows += [
        ("", reason, "", 0, "", "", "own", "", *figures) for reason, figures in _remainder(report, "project")
    ]
    return Table("projects", "Projects", columns, tuple(rows))


def _users(report: MonthlyReport) -> Table:
    columns = (
        Column("user", "User id"),
        Column("name", "User"),
        Column("institution", "Institution"),
        Column("projects", "Projects"),
        *_meter_columns(report),
    )
    rows: list[tuple[Value, ...]] = [
        (row.key, row.name, row.institution, "; ".join(row.projects), *_figures(report, row.quantities))
        for row in by_use(report.users, report.main_meter)
    ]
    rows += [("", reason, "", "", *figures) for reason, figures in _remainder(report, "user")]
    return Table("users", "Users", columns, tuple(rows))


def _items(report: MonthlyReport) -> Table:
    states = states_of(report)
    columns = (
        Column("kind", "Kind"),
        Column("item", "Item id"),
        Column("name", "Name"),
        Column("resource", "Resource"),
        Column("project", "Project"),
        Column("user", "User"),
        Column("size", "Size"),
        *(Column(f"{state}_hours", f"{state.capitalize()} hours", "number", 4) for state in states),
        *_meter_columns(report),
    )
    rows = tuple(
        (
            row.kind,
            row.item,
            row.name,
            row.resource,
            row.project,
            row.user,
            row.size,
            *(hours(row.state_seconds.get(state)) for state in states),
            *_figures(report, row.quantities),
        )
        for row in by_use(report.items or (), report.main_meter)
    )
    return Table("items", "Items", columns, rows)


def _daily(report: MonthlyReport) -> Table:
    incomplete = incomplete_days(report.coverage, report.time_zone)
    columns = (
        Column("day", "Day", "date"),
        Column("institution", "Institution"),
        Column("complete", "Complete"),
        *_meter_columns(report),
    )
    rows = tuple(
        (
            row.day,
            row.institution or "",
            "no" if row.day in incomplete else "yes",
            *_figures(report, row.quantities),
        )
        for row in sorted(
            report.daily, key=lambda row: (row.day, row.institution is None, row.institution or "")
        )
    )
    return Table("daily", "Daily", columns, rows)


def _coverage(report: MonthlyReport) -> Table:
    columns = (
        Column("resource", "Resource"),
        Column("source", "Source"),
        Column("outcome", "Outcome"),
        Column("start", "Start (UTC)", "time"),
        Column("end", "End (UTC)", "time"),
        Column("detail", "Detail"),
    )
    rows = tuple(
        (statement.resource, statement.source, outcome, window.start, window.end, window.detail)
        for statement in report.coverage
        for outcome, windows in (
            ("read", statement.read),
            ("failed", statement.failed),
            ("not_covered", statement.not_covered),
        )
        for window in windows
    )
    return Table("coverage", "Coverage", columns, rows)


def _log(lines: tuple[transaction_log.LogLine, ...]) -> Table:
    kinds: dict[str, ColumnKind] = {"time": "time", "record": "number"}
    columns = tuple(
        Column(name, "Time (UTC)" if name == "time" else name.capitalize(), kinds.get(name, "text"))
        for name in transaction_log.COLUMNS
    )
    rows = tuple(tuple(getattr(line, name) for name in transaction_log.COLUMNS) for line in lines)
    return Table("log", "Log", columns, rows)


def hours(seconds: int | None) -> Decimal | None:
    return None if seconds is None else rounded(seconds, 3600, 4)


def _meter_columns(report: MonthlyReport) -> list[Column]:
    return [
        column
        for meter in report.meters
        for column in (
            Column(meter.id, _heading(meter), "number", meter.places),
            Column(f"{meter.id}_exact", f"{meter.title}, exact", "exact"),
        )
    ]


def _heading(meter: Meter) -> str:
    return meter.title if meter.unit.lower() == meter.title.lower() else f"{meter.title} ({meter.unit})"


def _figures(report: MonthlyReport, quantities: Quantities) -> list[Value]:
    return [
        value for meter in report.meters for value in (meter.figure(quantities), quantities.get(meter.id))
    ]


def _remainder(report: MonthlyReport, dimension: Dimension) -> list[tuple[str, list[Value]]]:
    return [(line.reason, _figures(report, line.quantities)) for line in report.remainder(dimension)]
