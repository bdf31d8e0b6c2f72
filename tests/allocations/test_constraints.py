"""Does the database itself refuse what must never be in the ledger? One case for each named constraint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from worlds import CPU, DISK, Q2, entities, grant, line, pool, use

from meterhouse.allocations.closing import close_period
from meterhouse.allocations.file.reading import ledger_file
from meterhouse.allocations.loading.load import load
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register.models import Institution, Project

NOW = datetime(2100, 1, 1, tzinfo=UTC)
DAY = date(2100, 1, 5)
ONE = Decimal(1)

WORLD = entities(
    calendars=[{"name": "quarters"}, {"name": "years"}],
    periods=[
        {"name": "closed", "start": "2099-10-01", "end": "2099-12-31", "calendar": "quarters"},
        {"name": "open", "start": "2100-01-01", "end": "2100-03-31", "calendar": "quarters"},
        {"name": Q2, "start": "2100-04-01", "end": "2100-06-30", "calendar": "quarters"},
        {"name": "2100", "start": "2100-01-01", "end": "2100-12-31", "calendar": "years"},
    ],
    resource_pools=[
        {"name": CPU, "units": "CPU Hours", "function": "sum", "calendar": "quarters"},
        {"name": DISK, "units": "KB", "function": "maximum", "calendar": "quarters"},
    ],
    schemes=[{"name": "ET", "opened": "2099-01-01"}, {"name": "Elliott", "opened": "2100-01-01"}],
    grants=[grant("g", "Inst", "2099-01-01"), grant("lab", "Lab", "2100-01-01", "2100-01-31")],
    allocation_pools=[
        pool("p", "Inst", CPU, "open"),
        pool("d", "Inst", DISK, "open"),
        pool("c", "Inst", CPU, "closed"),
        pool("lp", "Lab", CPU, "open"),
        pool("lq", "Lab", CPU, Q2),
    ],
    allocations=[
        line("a", "g", "p", "100"),
        line("b", "g", "d", "100"),
        line("z", "g", "c", "100"),
        line("v", "g", "p", "-1", void_of="a"),
    ],
    caps=[{"project": "Lab", "resource_pool": CPU, "quantity": "5"}],
    groups=[{"name": "north", "parent": ["institute", 1], "foreign_id": "f"}],
    memberships=[],
)
USAGES = [
    use("x", "2100-01-05", "Inst", "10"),
    use("h", "2100-01-05", "Inst", "10", "home"),
    use("old", "2099-11-05", "Inst", "10"),
    use("s", "2100-01-05", "Nowhere", "1"),
]
ADJUSTMENTS = [{"id": "r", "date": "2100-01-06", "kind": "refund", "quantity": "-1", "usage": "x"}]


@pytest.fixture
def alias(alias: str) -> str:
    contents = ledger_file({"entities": WORLD, "usages": USAGES, "adjustments": ADJUSTMENTS}, "test")
    assert load(alias, contents, who="test").refused == []
    rebuild(alias)
    close_period(alias, "closed", who="test")
    alert = ledger.Alert(pool=_pool(alias, "p"), threshold=ONE, crossed_at=NOW, used=ONE, allocated=ONE)
    alert.save(using=alias)
    ledger.AlertDelivery(alert=alert, channel="mail").save(using=alias)
    return alias


class Rows:
    """Rows of the world above, for one test."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def get(self, model: type[models.Model], **which: Any) -> Any:
        return model._default_manager.using(self.alias).filter(**which).order_by("pk").first()

    def new(self, model: type[models.Model], **values: Any) -> None:
        model(**values).save(using=self.alias, force_insert=True)

    def change(self, row: Any, **values: Any) -> None:
        for name, value in values.items():
            setattr(row, name, value)
        row.save(using=self.alias)

    def delete(self, model: type[models.Model], **which: Any) -> None:
        rows = model._default_manager.using(self.alias).filter(**which)
        assert rows.exists()
        rows._raw_delete(self.alias)

    def copy(self, row: Any, **values: Any) -> None:
        """The same row again, but for `values`."""
        row.pk = None
        row._state.adding = True
        for name, value in values.items():
            setattr(row, name, value)
        row.save(using=self.alias, force_insert=True)

    def machine(self) -> Any:
        return self.get(ledger.Machine)

    def calendar(self, name: str = "quarters") -> Any:
        return self.get(ledger.PeriodCalendar, name=name)

    def resource_pool(self, name: str = CPU) -> Any:
        return self.get(ledger.ResourcePool, name=name)

    def resource(self, code: str = "cpu") -> Any:
        return self.get(ledger.Resource, code=code)

    def project(self, code: str = "Inst") -> Any:
        return self.get(Project, code=code)

    def grant(self, code: str = "g") -> Any:
        return self.get(ledger.Grant, code=code)

    def period(self, name: str = "open") -> Any:
        return self.get(ledger.AllocationPeriod, name=name)

    def pool(self, code: str = "p") -> Any:
        return self.get(ledger.AllocationPool, code=code)

    def line(self, code: str = "a") -> Any:
        return self.get(ledger.Allocation, code=code)

    def usage(self, code: str = "x") -> Any:
        return self.get(ledger.PostedUsage, code=code)

    def charge(self, pool_code: str = "p") -> Any:
        return self.get(ledger.UsageCharge, pool__code=pool_code)

    def adjust(self, **values: Any) -> None:
        base = {"kind": "refund", "day": DAY, "pool": self.pool(), "quantity": -ONE}
        self.new(ledger.UsageAdjustment, **{**base, **values})

    def add_line(self, **values: Any) -> None:
        base = {"pool": self.pool(), "grant": self.grant(), "quantity": ONE}
        self.new(ledger.Allocation, **{**base, **values})


def _pool(alias: str, code: str) -> Any:
    return ledger.AllocationPool.objects.using(alias).get(code=code)


def _rate(rows: Rows, **values: Any) -> None:
    rows.new(ledger.ResourceRate, **{"resource": rows.resource(), "factor": ONE, **values})


def _policy(rows: Rows, **values: Any) -> None:
    rows.new(ledger.AllocationPolicy, **{"project": rows.project(), "mode": "shared", **values})


def _grant(rows: Rows, **values: Any) -> None:
    base = {"project": rows.project(), "scheme": rows.get(ledger.Scheme, name="Elliott")}
    dates = {"begins": date(2100, 1, 1), "ends": date(2101, 1, 1)}
    rows.new(ledger.Grant, **{**base, **dates, **values})


def _period(rows: Rows, **values: Any) -> None:
    base = {"name": "new", "calendar": rows.calendar(), "start": date(2101, 1, 1), "end": date(2101, 4, 1)}
    rows.new(ledger.AllocationPeriod, **{**base, **values})


def _pool_of(rows: Rows, **values: Any) -> None:
    base = {"project": rows.project("Sub"), "period": rows.period(), "resource_pool": rows.resource_pool()}
    rows.new(ledger.AllocationPool, **{**base, **values})


def _posted(rows: Rows, **values: Any) -> None:
    base = {"code": "n", "key": "n", "day": DAY, "resource": rows.resource(), "project": rows.project()}
    rows.new(ledger.PostedUsage, **{**base, "raw": ONE, **values})


def _resource(rows: Rows, **values: Any) -> None:
    base = {"machine": rows.machine(), "resource_pool": rows.resource_pool(), "name": "new"}
    rows.new(ledger.Resource, **{**base, **values})


def _charge(rows: Rows, **values: Any) -> None:
    base = {
        "period": rows.period(),
        "day": date(2100, 1, 9),
        "resource": rows.resource(),
        "pool": rows.pool(),
    }
    who = {"submitted_project": rows.project(), "allocated_project": rows.project()}
    rows.new(ledger.UsageCharge, **{**base, **who, "raw": ONE, "factor": ONE, "quantity": ONE, **values})


def _share_dates() -> dict[str, date]:
    return {"valid_from": date(2100, 2, 1), "valid_until": date(2100, 1, 1)}


# constraint -> a change that breaks this one only
VIOLATIONS: dict[str, Callable[[Rows], None]] = {
    "machine_is_never_deleted": lambda r: r.delete(ledger.Machine),
    "machine_is_one_of_its_name": lambda r: r.new(ledger.Machine, name="tango"),
    "machine_has_a_name": lambda r: r.new(ledger.Machine, name=""),
    "period_calendar_is_never_deleted": lambda r: r.delete(ledger.PeriodCalendar),
    "period_calendar_is_one_of_its_name": lambda r: r.new(ledger.PeriodCalendar, name="years"),
    "period_calendar_has_a_name": lambda r: r.new(ledger.PeriodCalendar, name=""),
    "resource_pool_is_never_deleted": lambda r: r.delete(ledger.ResourcePool),
    "resource_pool_is_one_of_its_name": lambda r: r.copy(r.resource_pool()),
    "resource_pool_has_a_name": lambda r: r.copy(r.resource_pool(), name=""),
    "resource_pool_function_is_known": lambda r: r.copy(r.resource_pool(), name="n", function="median"),
    "resource_pool_stays_as_it_was_used": lambda r: r.change(r.resource_pool(), function="last"),
    "resource_is_never_deleted": lambda r: r.delete(ledger.Resource),
    "resource_is_one_of_its_name": lambda r: _resource(r, name="cpu"),
    "resource_code_is_one_resources": lambda r: _resource(r, code="cpu"),
    "resource_says_realm_and_meter": lambda r: _resource(r, realm="cloud"),
    "resource_quantity_is_not_negative": lambda r: _resource(r, quantity=-ONE),
    "resource_stays_in_its_pool": lambda r: r.change(r.resource(), resource_pool=r.resource_pool(DISK)),
    "resource_rate_is_never_deleted": lambda r: (_rate(r), r.delete(ledger.ResourceRate)),  # type: ignore[dict-item,func-returns-value]
    "resource_rate_starts_before_it_ends": lambda r: _rate(r, **_share_dates()),
    "resource_rate_is_one_at_a_time": lambda r: (_rate(r), _rate(r, valid_from=DAY)),  # type: ignore[dict-item,func-returns-value]
    "resource_rate_is_not_negative": lambda r: _rate(r, factor=-ONE),
    "allocation_policy_is_never_deleted": lambda r: r.delete(ledger.AllocationPolicy),
    "allocation_policy_starts_before_it_ends": lambda r: _policy(r, **_share_dates()),
    "allocation_policy_is_one_at_a_time": lambda r: _policy(r, valid_from=DAY),
    "allocation_policy_mode_is_known": lambda r: r.change(r.get(ledger.AllocationPolicy), mode="loose"),
    "project_cap_is_never_deleted": lambda r: r.delete(ledger.ProjectCap),
    "project_cap_is_one_a_pool": lambda r: r.copy(r.get(ledger.ProjectCap)),
    "project_cap_is_not_negative": lambda r: r.change(r.get(ledger.ProjectCap), quantity=-ONE),
    "scheme_is_never_deleted": lambda r: r.delete(ledger.Scheme),
    "scheme_is_one_of_its_name": lambda r: r.copy(r.get(ledger.Scheme)),
    "scheme_has_a_name": lambda r: r.copy(r.get(ledger.Scheme), name=""),
    "scheme_closes_after_it_opened": lambda r: r.copy(
        r.get(ledger.Scheme), name="n", closed=date(2099, 1, 1)
    ),
    "grant_is_never_deleted": lambda r: r.delete(ledger.Grant),
    "grant_code_is_one_grants": lambda r: _grant(r, code="g"),
    "grant_begins_before_it_ends": lambda r: _grant(r, ends=date(2100, 1, 1)),
    "grant_begins_while_its_scheme_is_open": lambda r: _grant(r, begins=date(2099, 12, 31)),
    "allocation_period_is_never_deleted": lambda r: r.delete(ledger.AllocationPeriod),
    "allocation_period_is_one_of_its_name": lambda r: _period(r, name="open"),
    "allocation_period_has_a_name": lambda r: _period(r, name=""),
    "allocation_period_starts_before_it_ends": lambda r: _period(r, end=date(2101, 1, 1)),
    "allocation_period_status_is_known": lambda r: _period(r, status="ajar"),
    "allocation_period_is_one_at_a_time": lambda r: _period(r, start=date(2100, 6, 30)),
    "allocation_period_stays_closed": lambda r: r.change(r.period("closed"), status="open"),
    "allocation_pool_is_never_deleted": lambda r: r.delete(ledger.AllocationPool),
    "allocation_pool_is_one_a_period": lambda r: _pool_of(r, project=r.project()),
    "allocation_pool_code_is_one_pools": lambda r: _pool_of(r, code="p"),
    "allocation_pool_period_is_of_its_calendar": lambda r: _pool_of(r, period=r.period("2100")),
    "allocation_pool_stays_where_it_is": lambda r: r.change(r.pool(), project=r.project("Sub")),
    "allocation_is_never_deleted": lambda r: r.delete(ledger.Allocation),
    "allocation_code_is_one_lines": lambda r: r.add_line(code="a"),
    "allocation_is_of_its_projects_grant": lambda r: r.add_line(pool=r.pool("lp")),
    "allocation_grant_meets_its_period": lambda r: r.add_line(pool=r.pool("lq"), grant=r.grant("lab")),
    "allocation_is_never_changed": lambda r: r.change(r.line(), quantity=Decimal(7)),
    "allocation_is_not_in_a_closed_period": lambda r: r.add_line(pool=r.pool("c")),
    "owned_group_is_never_deleted": lambda r: r.delete(ledger.OwnedGroup),
    "owned_group_is_one_of_its_name": lambda r: r.new(ledger.OwnedGroup, name="north"),
    "owned_group_foreign_id_is_one_groups": lambda r: r.new(ledger.OwnedGroup, name="n", foreign_id="f"),
    "owned_group_has_a_name": lambda r: r.new(ledger.OwnedGroup, name=""),
    "owned_group_has_one_owner_at_most": lambda r: r.new(
        ledger.OwnedGroup, name="n", project=r.project(), institution=r.get(Institution, name="South")
    ),
    "posted_usage_is_never_deleted": lambda r: r.delete(ledger.PostedUsage),
    "posted_usage_is_one_a_key": lambda r: _posted(r, key="x"),
    "posted_usage_has_a_key": lambda r: _posted(r, key=""),
    "posted_usage_count_is_not_negative": lambda r: _posted(r, count=-1),
    "posted_usage_is_not_negative": lambda r: _posted(r, raw=-ONE),
    "suspended_usage_is_one_a_key": lambda r: r.copy(r.get(ledger.SuspendedUsage)),
    "suspended_usage_has_a_reason": lambda r: r.copy(r.get(ledger.SuspendedUsage), key="n", reason=""),
    "usage_charge_is_one_a_day": lambda r: r.copy(r.charge()),
    "usage_charge_pool_is_its_projects": lambda r: _charge(r, allocated_project=r.project("Lab")),
    "usage_charge_is_of_an_open_period": lambda r: _charge(r, period=r.period("closed")),
    "usage_charge_of_a_closed_period_stays": lambda r: r.delete(ledger.UsageCharge, pool__code="c"),
    "usage_adjustment_is_never_deleted": lambda r: r.delete(ledger.UsageAdjustment),
    "usage_adjustment_code_is_one": lambda r: r.adjust(code="r"),
    "usage_adjustment_says_what_it_does": lambda r: r.adjust(quantity=None),
    "usage_adjustment_voids_one_thing": lambda r: r.adjust(kind="void", pool=None, quantity=None),
    "usage_adjustment_has_its_sign": lambda r: r.adjust(quantity=ONE),
    "usage_adjustment_of_a_level_is_a_void": lambda r: r.adjust(pool=r.pool("d")),
    "usage_adjustment_is_of_an_open_period": lambda r: r.adjust(pool=r.pool("c")),
    "usage_adjustment_is_never_changed": lambda r: r.change(r.get(ledger.UsageAdjustment), reason="x"),
    "allocation_draw_is_one_a_day": lambda r: r.copy(r.get(ledger.AllocationDraw)),
    "allocation_draw_is_of_a_line_of_its_pool": lambda r: r.new(
        ledger.AllocationDraw, pool=r.pool(), day=DAY, allocation=r.line("b"), quantity=ONE
    ),
    "allocation_draw_of_a_closed_period_stays": lambda r: r.delete(ledger.AllocationDraw, pool__code="c"),
    "pool_statement_is_never_deleted": lambda r: r.delete(ledger.PoolStatement),
    "pool_statement_is_never_changed": lambda r: r.change(r.get(ledger.PoolStatement), used=ONE),
    "alert_is_one_a_crossing": lambda r: r.copy(r.get(ledger.Alert)),
    "alert_threshold_is_positive": lambda r: r.copy(r.get(ledger.Alert), threshold=Decimal(0)),
    "alert_delivery_is_one_a_channel": lambda r: r.copy(r.get(ledger.AlertDelivery)),
    "alert_delivery_channel_is_known": lambda r: r.copy(r.get(ledger.AlertDelivery), channel="pigeon"),
}


def test_every_named_constraint_has_a_case_here() -> None:
    named = {
        constraint.name
        for model in apps.get_app_config("allocations").get_models()
        for constraint in model._meta.constraints
    }
    assert named == set(VIOLATIONS)


def test_what_breaks_a_constraint_is_refused_by_its_name(alias: str) -> None:
    for name, violate in VIOLATIONS.items():
        with pytest.raises(IntegrityError) as refused, transaction.atomic(using=alias):
            violate(Rows(alias))
        message = str(refused.value)
        # SQLite names the columns of a unique constraint, not the constraint.
        assert name in message or "UNIQUE constraint failed" in message, (name, message)


def test_rows_as_they_should_be_are_taken(alias: str) -> None:
    rows = Rows(alias)
    _rate(rows)
    _grant(rows)
    _period(rows)
    _pool_of(rows)
    _posted(rows)
    _resource(rows, quantity=ONE, realm="cloud", meter="core_hours")
    _charge(rows)
    rows.adjust()
    rows.add_line()
    rows.change(rows.line(), description="a better word")
