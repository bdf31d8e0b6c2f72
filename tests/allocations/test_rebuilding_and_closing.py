"""An open period is worked out anew at any time; a closed one stands, and is corrected elsewhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from worlds import CPU, DISK, Q1, Q2, entities, grant, line, pool, use

from meterhouse.allocations.closing import (
    PeriodNotClosable,
    close_period,
    post_late_changes,
    statement_hash,
)
from meterhouse.allocations.deciding import measured_in_order
from meterhouse.allocations.file.reading import ledger_file
from meterhouse.allocations.loading.load import load
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.world import Use
from meterhouse.directory.register import models as directory

WORLD = entities(
    grants=[grant("g", "Inst")],
    allocation_pools=[pool("p", "Inst"), pool("q", "Inst", CPU, Q2), pool("d", "Inst", DISK)],
    allocations=[line("a", "g", "p", "100"), line("b", "g", "q", "100"), line("e", "g", "d", "9")],
)
USAGES = [
    use("x", "2100-01-05", "Lab", "40"),
    use("y", "2100-03-31", "Inst", "70"),
    use("h", "2100-01-05", "Inst", "5", "home"),
    use("z", "2100-04-01", "Inst", "1"),
]
TODAY = date(2100, 4, 10)


def book(alias: str, *usages: dict[str, object], **more: object) -> None:
    loaded = load(alias, ledger_file({"usages": list(usages), **more}, "test"), who="test")
    assert loaded.refused == []


@pytest.fixture
def alias(alias: str) -> str:
    load(alias, ledger_file({**WORLD, "usages": USAGES}, "test"), who="test")
    rebuild(alias)
    return alias


def rows(alias: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    return (
        list(ledger.UsageCharge.objects.using(alias).order_by("id").values_list()),
        list(ledger.AllocationDraw.objects.using(alias).order_by("id").values_list()),
    )


def test_the_same_usage_gives_the_same_rows(alias: str) -> None:
    before = rows(alias)
    rebuild(alias)
    assert rows(alias) == before


def test_draws_add_up_to_charges_and_adjustments_day_by_day(alias: str) -> None:
    book(
        alias,
        adjustments=[{"id": "r", "date": "2100-02-01", "kind": "refund", "quantity": "-15", "usage": "x"}],
    )
    rebuild(alias)
    draws = ledger.AllocationDraw.objects.using(alias).filter(pool__code="p")
    found = [(one.day, one.allocation and one.allocation.code, one.quantity) for one in draws.order_by("id")]
    assert sorted(found, key=str) == sorted(
        [
            (date(2100, 1, 5), "a", Decimal(40)),
            (date(2100, 2, 1), "a", Decimal(-15)),
            (date(2100, 3, 31), "a", Decimal(70)),
        ],
        key=str,
    )


def test_a_statement_says_what_stood(alias: str) -> None:
    statements = {one.pool.code: one for one in close_period(alias, Q1, who="alice")}
    p = statements["p"]
    assert (p.allocated, p.used, p.remaining, p.percent) == (100, 110, -10, 110)
    assert (p.overdrawn, p.lapsed, p.closed_by) == (10, 0, "alice")
    assert p.body["submitted_projects"] == {"Inst": "70", "Lab": "40"}
    assert p.body["draws"] == [{"allocation": "a", "scheme": "ET", "drawn": "100"}]
    assert (statements["d"].used, statements["d"].lapsed) == (5, 4)
    kept = ledger.PoolStatement.objects.using(alias).get(pool__code="p")
    assert kept.hash == statement_hash(kept)


def test_a_period_is_closed_once(alias: str) -> None:
    close_period(alias, Q1, who="test")
    with pytest.raises(PeriodNotClosable, match="found it closed"):
        close_period(alias, Q1, who="test")
    with pytest.raises(PeriodNotClosable, match="found 'never'"):
        close_period(alias, "never", who="test")


def test_usage_of_a_closed_period_changes_no_row_of_it(alias: str) -> None:
    close_period(alias, Q1, who="test")
    before = list(
        ledger.UsageCharge.objects.using(alias).filter(period__name=Q1).order_by("id").values_list()
    )
    book(alias, use("late", "2100-02-01", "Inst", "8"))
    rebuild(alias)
    after = list(ledger.UsageCharge.objects.using(alias).filter(period__name=Q1).order_by("id").values_list())
    assert after == before


def test_what_is_learnt_later_is_posted_once_into_the_open_period(alias: str) -> None:
    close_period(alias, Q1, who="test")
    book(alias, use("late", "2100-02-01", "Inst", "8"))
    [change] = post_late_changes(alias, today=TODAY, who="test")
    assert (change.pool, change.posted_to, change.quantity) == ("p", "q", 8)
    assert post_late_changes(alias, today=TODAY, who="test") == []
    posted = ledger.UsageAdjustment.objects.using(alias).get()
    assert (posted.kind, posted.day, posted.of_pool.code) == ("charge", TODAY, "p")
    book(alias, use("late", "2100-02-01", "Inst", "3"))
    [change] = post_late_changes(alias, today=TODAY, who="test")
    assert change.quantity == -5


def test_a_level_of_a_closed_period_is_told_but_not_corrected(alias: str) -> None:
    close_period(alias, Q1, who="test")
    book(alias, use("late", "2100-02-01", "Inst", "8", "home"))
    [change] = post_late_changes(alias, today=TODAY, who="test")
    assert (change.pool, change.posted_to, change.quantity) == ("d", "", 3)
    assert "maximum of a level" in change.why_not


def test_a_refund_without_a_pool_goes_to_the_period_that_is_open(alias: str) -> None:
    close_period(alias, Q1, who="test")
    book(
        alias,
        adjustments=[{"id": "r", "date": "2100-04-10", "kind": "refund", "quantity": "-15", "usage": "x"}],
    )
    assert ledger.UsageAdjustment.objects.using(alias).get().pool.code == "q"


def test_a_refund_into_a_closed_period_is_refused(alias: str) -> None:
    close_period(alias, Q1, who="test")
    refund = {"id": "r", "date": "2100-04-10", "kind": "refund", "quantity": "-15", "pool": "p"}
    loaded = load(alias, ledger_file({"adjustments": [refund]}, "test"), who="test")
    assert [(one.id, "closed" in one.why) for one in loaded.refused] == [("r", True)]


def test_a_posted_adjustment_never_changes(alias: str) -> None:
    refund = {"id": "r", "date": "2100-02-10", "kind": "refund", "quantity": "-15", "pool": "p"}
    book(alias, adjustments=[refund])
    book(alias, adjustments=[refund])
    loaded = load(alias, ledger_file({"adjustments": [{**refund, "quantity": "-16"}]}, "test"), who="test")
    assert [one.id for one in loaded.refused] == ["r"]


def test_what_was_measured_is_void_by_resource_and_day(alias: str) -> None:
    """10 and 20 measured in two projects on a day, 40 on the next: the first is void of Lab, then of all."""
    home = ledger.Resource.objects.using(alias).get(code="home").pk
    project = dict(directory.Project.objects.using(alias).values_list("code", "id"))
    day, after = date(2100, 2, 1), date(2100, 2, 2)
    measured = measured_in_order(
        [
            Use(0, day, home, project["Lab"], Decimal(10)),
            Use(0, day, home, project["Inst"], Decimal(20)),
            Use(0, after, home, project["Inst"], Decimal(40)),
        ]
    )

    def raw() -> dict[tuple[date, str], Decimal]:
        rebuild(alias, measured)
        found = ledger.UsageCharge.objects.using(alias).filter(posted=None, resource=home)
        return {(one.day, one.submitted_project.code): one.raw for one in found}

    everything = {(day, "Lab"): 10, (day, "Inst"): 20, (after, "Inst"): 40}
    assert raw() == everything
    void = {"date": "2100-02-03", "kind": "void", "resource": "home", "used_on": "2100-02-01"}
    book(alias, adjustments=[{"id": "v1", **void, "project": "Lab"}])
    assert raw() == {(day, "Inst"): 20, (after, "Inst"): 40}
    book(alias, adjustments=[{"id": "v2", **void}])
    assert raw() == {(after, "Inst"): 40}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"kind": "void", "resource": "home"}, "expected resource and used_on"),
        ({"kind": "void", "used_on": "2100-02-01"}, "expected resource and used_on"),
        ({"kind": "void", "resource": "home", "used_on": "2100-02-01", "usage": "x"}, "expected no usage"),
        ({"kind": "refund", "resource": "home", "quantity": "-1", "pool": "p"}, "expected with a void"),
        ({"kind": "void", "resource": "nothing", "used_on": "2100-02-01"}, "nothing"),
    ],
)
def test_a_void_of_what_was_measured_says_all_of_it(alias: str, said: dict[str, object], told: str) -> None:
    adjustments = [{"id": "v", "date": "2100-02-03", **said}]
    loaded = load(alias, ledger_file({"adjustments": adjustments}, "test"), who="test")
    [refused] = loaded.refused
    assert told in str(refused)
