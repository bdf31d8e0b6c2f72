"""What does a month's report say for this site? Fills the report from answers, spans and coverage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.errors import QuestionError
from meterhouse.reports.coverage import CoverageStatement, incomplete_days, state_coverage
from meterhouse.reports.figures import Quantity
from meterhouse.reports.monthly import (
    DailyRow,
    InstitutionRow,
    ItemRow,
    Meter,
    MonthlyReport,
    Previous,
    ProjectRow,
    Quantities,
    Unattributed,
    UserRow,
)
from meterhouse.reports.spans import history_sql, moment, stream_spans
from meterhouse.reports.transaction_log import log_lines
from meterhouse.usage.answer import Answer, answer
from meterhouse.usage.attribution import UNKNOWN, Filters, texts
from meterhouse.usage.calendar import day_start
from meterhouse.usage.meters import Meter as CatalogueMeter
from meterhouse.usage.meters import Realm, find_realm
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

# By profile and realm: the meters of its report, the first of which orders and charts.
_METERS = {
    ("default", "cloud"): (
        "core_hours",
        "wall_hours",
        "memory_gib_hours",
        "disk_gib_hours",
        "stopped_wall_hours",
        "shelved_wall_hours",
        "vms_started",
        "vms_ended",
        "vms_running",
    ),
    ("xdmod", "cloud"): (
        "core_hours",
        "wall_hours",
        "memory_gib_hours",
        "disk_gib_hours",
        "vms_started",
        "vms_ended",
        "vms_running",
    ),
    ("default", "jobs"): (
        "core_hours",
        "gpu_hours",
        "node_hours",
        "memory_gib_hours",
        "wall_hours",
        "wait_hours",
        "jobs_started",
        "jobs_ended",
        "jobs_running",
    ),
    ("default", "pods"): (
        "core_hours",
        "gpu_hours",
        "memory_gib_hours",
        "wall_hours",
        "pods_started",
        "pods_running",
    ),
    ("default", "compute"): (
        "core_hours",
        "gpu_hours",
        "node_hours",
        "memory_gib_hours",
        "wall_hours",
        "started",
        "running",
    ),
}
# Which resources a realm's report depends on, by their kind in the settings.
_RESOURCE_KINDS = {
    "cloud": ("cloud",),
    "jobs": ("cluster",),
    "pods": ("cluster",),
    "compute": ("cloud", "cluster"),
}
REPORTED_REALMS = tuple(dict.fromkeys(realm for _, realm in _METERS))
_COUNTS = {
    (
        "default",
        "cloud",
    ): "A VM counts only with evidence that it ran; stopped and shelved time is shown on its own.",
    (
        "xdmod",
        "cloud",
    ): "Counts as Open XDMoD's Cloud realm does: stopped and shelved sessions use hours, too, and a "
    "session ends when it is last heard of.",
    ("default", "jobs"): "A job counts from its start to its end, without the time that it was suspended.",
    ("default", "pods"): "A pod counts what it asked for, as long as it was scheduled.",
    (
        "default",
        "compute",
    ): "VMs that ran, jobs without the time that they were suspended, and what pods asked "
    "for as long as they were scheduled.",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every answer of one report is made from: nothing may change between two of them."""

    site: Site
    view: View
    engine: DuckDBEngine
    dimensions: dict[str, pa.Table]
    realm: Realm
    meters: tuple[CatalogueMeter, ...]
    filters: dict[str, list[str]]
    only: Filters

    def ask(self, by: list[str], first: date, last: date, meters: list[str] | None = None) -> Answer:
        question = Question.ask(
            realm=self.realm.name,
            meters=meters or [meter.name for meter in self.meters],
            first=first,
            last=last,
            by=by,
            filters=self.filters,
            profile=self.realm.profile,
        )
        question = replace(question, filters=(*question.filters, *self.only))
        return answer(question, self.view, self.engine, self.dimensions, self.site.settings.site.time_zone)

    def histories(self, start: datetime, end: datetime) -> str:
        """A SELECT of the spans of the items that touch the period."""
        question = Question.ask(
            realm=self.realm.name,
            meters=[self.meters[0].name],
            first=start.date(),
            last=start.date(),
            filters=self.filters,
            profile=self.realm.profile,
        )
        return history_sql(self.view, self.realm.rules, start, end, (*question.filters, *self.only))


def parse_month(value: str) -> date:
    """The first day of a month written as YYYY-MM."""
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        raise QuestionError(f"month: expected YYYY-MM, found {value!r}") from None


def site_month(
    site: Site,
    first: date,
    *,
    realm: str = "cloud",
    profile: str = "default",
    institution: str | None = None,
    project: str | None = None,
    with_log: bool = False,
    as_of: int | datetime | None = None,
    only: Filters = (),
    scope: str = "",
) -> MonthlyReport:
    """The report of the month that begins with `first`, as known at `as_of`.

    `institution` or `project` (name or id) limits it to one. `only` keeps rows that match, and `scope` says
    which those are; such a report lists no items, which may be somebody's in part only. Raises
    QuestionError when there is nothing to report from: no data is not zero.
    """
    chosen = find_realm(profile, realm)
    if (profile, realm) not in _METERS:
        known = ", ".join(name for of, name in _METERS if of == profile)
        raise QuestionError(f"report: expected one of the realms {known}, found {realm!r}")
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    meters = tuple(chosen.meter(name) for name in _METERS[profile, realm])
    filters = {}
    if institution:
        filters["institution"] = [institution]
    if project:
        filters["project"] = [project]
    view = site.warehouse.view(as_of)
    recorded_until = view.recorded_until
    if recorded_until is None or site.warehouse.last_build(view) is None:
        raise QuestionError("report: expected built usage, found none; run `meterhouse build` first")
    with site.engine() as engine, view.reading():
        asked = _Asked(site, view, engine, dimension_tables(view, engine), chosen, meters, filters, only)
        report = _fill(asked, first, last, recorded_until, with_log)
    limits = [scope, report.scope]
    return replace(report, scope=", ".join(one for one in limits if one))


def _fill(asked: _Asked, first: date, last: date, recorded_until: datetime, with_log: bool) -> MonthlyReport:
    settings = asked.site.settings.site
    zone = ZoneInfo(settings.time_zone)
    start, end = day_start(first, zone), day_start(last + timedelta(days=1), zone)
    coverage = _coverage(asked, start, end)
    grouped = asked.ask(["institution", "project", "user"], first, last)
    by_institution = _by_label(asked.ask(["institution"], first, last))
    by_project = asked.ask(["project", "pi"], first, last)
    by_user = _by_label(asked.ask(["user", "institution"], first, last))
    daily = asked.ask(["day", "institution"], first, last, [asked.meters[0].name])
    log = None
    if with_log:
        log = tuple(log_lines(stream_spans(asked.engine, asked.histories(start, end)), start, end))
    institutions, users = _institutions(by_institution, grouped), _users(by_user, grouped)
    return MonthlyReport(
        label=f"{first:%B %Y}",
        start=first,
        end=last + timedelta(days=1),
        zone=settings.time_zone,
        site=settings.name,
        profile=asked.realm.profile,
        profile_counts=_COUNTS[asked.realm.profile, asked.realm.name],
        realm=asked.realm.name,
        snapshot=asked.view.snapshot,
        recorded_until=recorded_until,
        meters=tuple(_meter(meter) for meter in asked.meters),
        totals=_total(asked, first, last),
        institutions=institutions,
        projects=_projects(asked, by_project, grouped),
        users=users,
        daily=_daily(daily, zone, coverage),
        coverage=coverage,
        unattributed=_unattributed(by_institution, by_user),
        items=None if asked.only else _items(asked, start, end),
        log=log,
        previous=_previous(asked, first, zone),
        scope=", ".join(f"{name} {' or '.join(values)}" for name, values in asked.filters.items()),
    )


def _meter(meter: CatalogueMeter) -> Meter:
    return Meter(
        meter.name,
        meter.title,
        meter.unit,
        meter.per,
        meter.meaning,
        meter.decimals,
        adds_up=meter.function in ("sum", "begun", "ceased"),
    )


def _quantities(found: Answer, quantities: tuple[int | Fraction, ...]) -> dict[str, Quantity]:
    names = (meter.name for meter in found.question.meters)
    return dict(zip(names, map(_exactly, quantities), strict=True))


def _exactly(quantity: int | Fraction) -> Quantity:
    """A whole number as such; a share of one, in whole millionths, as an exact decimal."""
    if quantity.denominator == 1:
        return int(quantity)
    return Decimal(int(quantity * 1_000_000)).scaleb(-6)


def _by_label(found: Answer) -> dict[tuple[str, ...], Quantities]:
    return {row.labels: _quantities(found, row.quantities) for row in found.rows}


def _total(asked: _Asked, first: date, last: date) -> Quantities:
    found = asked.ask([], first, last)
    return _quantities(found, found.rows[0].quantities) if found.rows else {}


def _institutions(
    by_institution: dict[tuple[str, ...], Quantities], grouped: Answer
) -> tuple[InstitutionRow, ...]:
    return tuple(
        InstitutionRow(
            name,
            quantities,
            projects=len({row.ids[1] for row in grouped.rows if row.labels[0] == name}),
            users=len({row.labels[2] for row in grouped.rows if row.labels[0] == name}),
        )
        for (name,), quantities in by_institution.items()
        if name != UNKNOWN
    )


def _projects(asked: _Asked, by_project: Answer, grouped: Answer) -> tuple[ProjectRow, ...]:
    known = {row["project_ref"]: row for row in asked.dimensions["project_dimension"].to_pylist()}
    institutions: dict[str, set[str]] = {}
    for row in grouped.rows:
        institutions.setdefault(row.ids[1], set()).add(row.labels[0])
    rows = {
        row.ids[0]: ProjectRow(
            key=row.ids[0],
            name=row.labels[0],
            quantities=_quantities(by_project, row.quantities),
            parent=(known.get(row.ids[0]) or {}).get("parent_ref"),
            institution=", ".join(sorted(institutions.get(row.ids[0], set()) - {UNKNOWN})),
            pi="" if row.labels[1] == UNKNOWN else row.labels[1],
        )
        for row in by_project.rows
    }
    # Projects that used nothing, but stand above one that did.
    above = set() if asked.only else {row.parent for row in rows.values()} - set(rows) - {None}
    while above:
        for key in sorted(filter(None, above)):
            about: dict[str, Any] = known.get(key) or {}
            nothing = {meter.name: 0 for meter in asked.meters}
            rows[key] = ProjectRow(key, about.get("project_name") or key, nothing, about.get("parent_ref"))
        above = {row.parent for row in rows.values()} - set(rows) - {None}
    return tuple(rows.values())


def _users(by_user: dict[tuple[str, ...], Quantities], grouped: Answer) -> tuple[UserRow, ...]:
    return tuple(
        UserRow(
            key=name if institution == UNKNOWN else f"{name} ({institution})",
            name=name,
            quantities=quantities,
            institution="" if institution == UNKNOWN else institution,
            projects=tuple(sorted({row.labels[1] for row in grouped.rows if row.labels[2] == name})),
        )
        for (name, institution), quantities in by_user.items()
        if name != UNKNOWN
    )


def _unattributed(
    by_institution: dict[tuple[str, ...], Quantities], by_user: dict[tuple[str, ...], Quantities]
) -> tuple[Unattributed, ...]:
    found = []
    for labels, quantities in by_institution.items():
        if labels == (UNKNOWN,):
            found.append(Unattributed("institution", "users whose institution isn't known", quantities))
    for (user, _), quantities in by_user.items():
        if user == UNKNOWN:
            found.append(Unattributed("user", "records that name no user", quantities))
    return tuple(found)


def _daily(found: Answer, zone: ZoneInfo, coverage: tuple[CoverageStatement, ...]) -> tuple[DailyRow, ...]:
    rows = [
        DailyRow(
            date.fromisoformat(row.period),
            None if row.labels[0] == UNKNOWN else row.labels[0],
            _quantities(found, row.quantities),
        )
        for row in found.rows
    ]
    return tuple(rows)


def _coverage(asked: _Asked, start: datetime, end: datetime) -> tuple[CoverageStatement, ...]:
    windows: dict[tuple[str, str], list[Any]] = {}
    kinds = _RESOURCE_KINDS[asked.realm.name]
    resources = {resource.name for resource in asked.site.settings.resources if resource.kind in kinds}
    for window in asked.view.coverage(start=start, end=end):
        if window.resource in resources:
            windows.setdefault((window.resource, window.source), []).append(window)
    for resource in resources - {name for name, _ in windows}:
        windows[resource, "(any)"] = []
    return tuple(
        state_coverage(resource, source, calls, start, end)
        for (resource, source), calls in sorted(windows.items())
    )


def _items(asked: _Asked, start: datetime, end: datetime) -> tuple[ItemRow, ...]:
    asked.engine.materialise(
        "period_span",
        f"""
        SELECT *,
            -- time without suspension is spread evenly over a span, as daily usage does it
            CASE WHEN run_seconds IS NULL OR run_seconds >= whole THEN until - before
                ELSE run_seconds * until // whole - run_seconds * before // whole END AS wall_seconds,
            CASE WHEN "start" >= {moment(start)} THEN begins ELSE 0 END AS begun,
            CASE WHEN "end" < {moment(end)} THEN ceases ELSE 0 END AS ceased,
            CASE WHEN "start" >= {moment(start)} AND submitted < "start" THEN begins * (
                EPOCH_US("start") // 1000000 - EPOCH_US(submitted) // 1000000) ELSE 0 END AS wait_seconds
        FROM (
            SELECT *, EPOCH_US("end") // 1000000 - EPOCH_US("start") // 1000000 AS whole,
                EPOCH_US(GREATEST("start", {moment(start)})) // 1000000 - EPOCH_US("start") // 1000000
                    AS before,
                EPOCH_US(LEAST("end", {moment(end)})) // 1000000 - EPOCH_US("start") // 1000000 AS until
            FROM ({asked.histories(start, end)})
            WHERE "end" >= {moment(start)} AND kind IN ({texts(asked.realm.kinds)})
        )""",
    )
    sums = ", ".join(
        f"SUM(CASE WHEN state IN ({texts(meter.states)}) THEN {_item_quantity(meter)} END) AS {meter.name}"
        for meter in asked.meters
    )
    rows = asked.engine.query(
        f"""
        SELECT resource, kind, item, MAX(name) AS name,
            STRING_AGG(DISTINCT COALESCE(project_name, project_ref), ', ') AS project,
            STRING_AGG(DISTINCT COALESCE(user_name, user_ref), ', ') AS "user",
            STRING_AGG(DISTINCT class, ', ' ORDER BY class) AS size,
            {sums}
        FROM period_span GROUP BY resource, kind, item ORDER BY resource, kind, item"""
    ).to_pylist()
    seconds: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in asked.engine.query(
        """
        SELECT resource, kind, item, state, SUM(wall_seconds) AS seconds
        FROM period_span GROUP BY resource, kind, item, state"""
    ).to_pylist():
        seconds.setdefault((row["resource"], row["kind"], row["item"]), {})[row["state"]] = int(
            row["seconds"]
        )
    return tuple(
        ItemRow(
            item=row["item"],
            name=row["name"] or "",
            kind=row["kind"],
            resource=row["resource"],
            project=row["project"] or "",
            user=row["user"] or "",
            size=row["size"] or "",
            quantities={meter.name: int(row[meter.name] or 0) for meter in asked.meters},
            state_seconds=seconds.get((row["resource"], row["kind"], row["item"]), {}),
        )
        for row in rows
    )


def _item_quantity(meter: CatalogueMeter) -> str:
    if meter.function == "sum":
        return f"CAST({meter.quantity} AS DECIMAL(38, 0))"
    return {"begun": "begun", "ceased": "ceased"}.get(meter.function, "1")


def _previous(asked: _Asked, first: date, zone: ZoneInfo) -> Previous | None:
    last = first - timedelta(days=1)
    before = last.replace(day=1)
    totals = _total(asked, before, last)
    if not totals:
        return None
    institutions = {
        labels[0]: quantities
        for labels, quantities in _by_label(asked.ask(["institution"], before, last)).items()
    }
    coverage = _coverage(asked, day_start(before, zone), day_start(first, zone))
    return Previous(f"{before:%B %Y}", totals, institutions, complete=not incomplete_days(coverage, zone))
