"""The ledger decides as KEP 5 and the rules R1-R8 say: cases, each a world and what it must answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import CPU, DISK, FIRST, LAST, Q1, Q2, entities, funded, grant, line, pool, project, run, use

from meterhouse.allocations.file.reading import LedgerFileError
from meterhouse.allocations.replay import Case, play, read_cases
from services.reference_input import REFERENCE_INPUT

REFERENCE = REFERENCE_INPUT / "reference/kep5_cases.json"
END = "2100-03-31"

TREE = [project("Inst"), project("Lab", "Inst", "shared")]
TWO_POOLS = {
    "grants": [grant("gl", "Lab"), grant("gi", "Inst")],
    "allocation_pools": [pool("pl", "Lab"), pool("pi", "Inst")],
    "allocations": [line("l", "gl", "pl", "10"), line("i", "gi", "pi", "100")],
}


def case(
    world: dict[str, Any], usages: list[dict[str, Any]], expect: dict[str, Any], as_of: str = END, **more: Any
) -> dict[str, Any]:
    return {"entities": world, "usages": usages, "as_of": as_of, "expect": expect, **more}


def one_pool(**expect: Any) -> dict[str, Any]:
    return {"pools": {"p": expect}}


CASES: dict[str, dict[str, Any]] = {
    # R1, who pays
    "two levels up": case(
        entities(**funded()), [use("x", FIRST, "Sub", "30")], one_pool(used="30", remaining="70")
    ),
    "a used-up pool still pays: nothing spills over": case(
        entities(projects=TREE, **TWO_POOLS),
        [use("x", FIRST, "Lab", "15")],
        {"pools": {"pl": {"used": "15", "overdrawn": "5"}, "pi": {"used": "0"}}},
    ),
    "a pool whose grant has ended still pays: nobody else does silently": case(
        entities(
            projects=TREE,
            **{**TWO_POOLS, "grants": [grant("gl", "Lab", FIRST, "2100-01-31"), grant("gi", "Inst")]},
        ),
        [use("x", "2100-02-10", "Lab", "5")],
        {"pools": {"pl": {"used": "5", "overdrawn": "5", "lapsed": "10"}, "pi": {"used": "0"}}},
    ),
    "before its first grant begins, a shared project is paid for from above": case(
        entities(
            projects=TREE, **{**TWO_POOLS, "grants": [grant("gl", "Lab", "2100-02-01"), grant("gi", "Inst")]}
        ),
        [use("x", "2100-01-31", "Lab", "5"), use("y", "2100-02-01", "Lab", "7")],
        {"pools": {"pl": {"used": "7"}, "pi": {"used": "5"}}},
    ),
    "a pool without a line is no allocation": case(
        entities(projects=TREE, **{**TWO_POOLS, "allocations": [line("i", "gi", "pi", "100")]}),
        [use("x", FIRST, "Lab", "5")],
        {"pools": {"pl": {"used": "0"}, "pi": {"used": "5"}}},
    ),
    "a pool of another quarter is none": case(
        entities(
            projects=TREE,
            **{**TWO_POOLS, "allocation_pools": [pool("pl", "Lab", CPU, Q2), pool("pi", "Inst")]},
        ),
        [use("x", FIRST, "Lab", "5")],
        {"pools": {"pl": {"used": "0"}, "pi": {"used": "5"}}},
    ),
    "a parent that doesn't share ends the climb": case(
        entities(
            projects=[project("Inst", shares_with_children=False), project("Lab", "Inst", "shared")],
            **funded(),
        ),
        [use("x", FIRST, "Lab", "30")],
        {"pools": {"p": {"used": "0"}}, "unfunded": {"Lab|CPU Hours": "30"}},
    ),
    "a project without any pool above is unfunded at the top": case(
        entities(), [use("x", FIRST, "Sub", "30")], {"unfunded": {"Inst|CPU Hours": "30"}}
    ),
    "a project that moved is paid for by the parent of the day": case(
        entities(
            projects=[
                project("A"),
                project("B"),
                {
                    "pid": "Lab",
                    "allocation_mode": "shared",
                    "parents": [{"parent": "A", "to": "2100-02-14"}, {"parent": "B", "from": "2100-02-15"}],
                },
            ],
            grants=[grant("ga", "A"), grant("gb", "B")],
            allocation_pools=[pool("pa", "A"), pool("pb", "B")],
            allocations=[line("a", "ga", "pa", "100"), line("b", "gb", "pb", "100")],
        ),
        [use("x", "2100-02-14", "Lab", "10"), use("y", "2100-02-15", "Lab", "20")],
        {
            "pools": {"pa": {"used": "10"}, "pb": {"used": "20"}},
            "breakdowns": [{"by": ["project_institute"], "rows": {"A": "10", "B": "20"}}],
        },
    ),
    # R2, levels
    "the average is over the observed days": case(
        entities(function="average", **funded(resource_pool=DISK)),
        [use("x", "2100-01-01", "Inst", "10", "home"), use("y", "2100-01-03", "Inst", "25", "home")],
        one_pool(used="17.5", percent="17.5", peak_day=None, observed_days=2, elapsed_days=90),
    ),
    "an average is rounded half up at the ninth decimal": case(
        entities(function="average", **funded(resource_pool=DISK)),
        [
            use(f"x{day}", f"2100-01-0{day}", "Inst", raw, "home")
            for day, raw in ((1, "1"), (2, "1"), (3, "0"))
        ],
        one_pool(used="0.666666667", percent="0.6667"),
    ),
    "zero was read, and counts as a day": case(
        entities(function="minimum", **funded(resource_pool=DISK)),
        [use("x", "2100-01-01", "Inst", "10", "home"), use("y", "2100-01-02", "Inst", "0", "home")],
        one_pool(used="0", peak_day="2100-01-02", observed_days=2),
    ),
    "sub-projects are added within the day": case(
        entities(**funded(resource_pool=DISK)),
        [use("x", "2100-01-01", "Lab", "60", "home"), use("y", "2100-01-01", "Sub", "50", "home")],
        one_pool(used="110", overdrawn="10"),
    ),
    "a level beyond its allocation overdraws by the difference": case(
        entities(**funded(resource_pool=DISK, quantity="70")),
        [use("x", "2100-01-01", "Inst", "90", "home"), use("y", "2100-01-02", "Inst", "100", "home")],
        {"pools": {"p": {"used": "100", "overdrawn": "30", "available": "0"}}, "draws": {"a": "70"}},
    ),
    # R3, factors and capacity
    "the factor of the day counts": case(
        entities(
            resources=[
                {
                    "id": "cpu",
                    "machine": "tango",
                    "resource_pool": CPU,
                    "resource_name": "cpu",
                    "rates": [{"factor": "1", "to": "2100-01-31"}, {"factor": "2", "from": "2100-02-01"}],
                }
            ],
            **funded(),
        ),
        [use("x", "2100-01-31", "Inst", "10"), use("y", "2100-02-01", "Inst", "10")],
        one_pool(used="30", raw_used="20"),
    ),
    "capacity is quantity times factor, where a quantity was said": case(
        entities(
            resources=[
                {"id": "a", "machine": "m", "resource_pool": DISK, "scaling_factor": "1", "quantity": "1000"},
                {
                    "id": "b",
                    "machine": "n",
                    "resource_pool": DISK,
                    "scaling_factor": "0.5",
                    "quantity": "300",
                },
                {"id": "c", "machine": "o", "resource_pool": DISK, "scaling_factor": "9"},
            ]
        ),
        [],
        {"capacity": {"Disk Space": "1150"}},
    ),
    # R5, draws
    "the earliest end is drawn first": case(
        entities(
            grants=[grant("g1", "Inst"), grant("g2", "Inst", FIRST, "2100-02-15", "Elliott")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("a", "g1", "p", "100"), line("b", "g2", "p", "50")],
        ),
        [use("x", "2100-01-10", "Inst", "60")],
        {"draws": {"b": "50", "a": "10"}, "by_scheme": {"Elliott": "50", "ET": "10"}},
    ),
    "of equal ends the earliest beginning, then the lower id": case(
        entities(
            grants=[grant("g1", "Inst", "2100-01-05"), grant("g2", "Inst", "2100-01-02")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("10", "g2", "p", "5"), line("9", "g2", "p", "5"), line("1", "g1", "p", "5")],
        ),
        [use("x", "2100-01-10", "Inst", "7")],
        {"draws": {"9": "5", "10": "2", "1": "0"}},
    ),
    "what ended undrawn has lapsed, what begins later is pending": case(
        entities(
            grants=[
                grant("old", "Inst", FIRST, "2100-01-31"),
                grant("now", "Inst", FIRST, LAST),
                grant("new", "Inst", "2100-03-01"),
            ],
            allocation_pools=[pool("p", "Inst")],
            allocations=[
                line("a", "old", "p", "10"),
                line("b", "now", "p", "20"),
                line("c", "new", "p", "40"),
            ],
        ),
        [use("x", "2100-01-10", "Inst", "4")],
        one_pool(allocated="70", used="4", lapsed="6", available="20", pending="40"),
        as_of="2100-02-10",
    ),
    "a line is in force on its last day": case(
        entities(
            grants=[grant("g", "Inst", FIRST, "2100-01-31")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("a", "g", "p", "10")],
        ),
        [use("x", "2100-01-31", "Inst", "4")],
        one_pool(used="4", overdrawn="0", available="6", lapsed="0"),
        as_of="2100-01-31",
    ),
    "what was transferred away can't be drawn": case(
        entities(
            projects=TREE,
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("pi", "Inst"), pool("pl", "Lab")],
            allocations=[
                line("a", "g", "pi", "100"),
                line("out", "g", "pi", "-30", transfer="T"),
                line("in", "g", "pl", "30", transfer="T"),
            ],
        ),
        [use("x", "2100-01-10", "Inst", "80")],
        {"pools": {"pi": {"allocated": "70", "used": "80", "overdrawn": "10", "available": "0"}}},
    ),
    "a voided line and the line that voids it don't count": case(
        entities(
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[
                line("a", "g", "p", "100"),
                line("b", "g", "p", "40"),
                line("v", "g", "p", "-40", void_of="b"),
            ],
        ),
        [],
        one_pool(allocated="100"),
    ),
    # R6, caps
    "of nested caps the tightest is named": case(
        entities(
            projects=[project("Inst"), project("Lab", "Inst", "capped"), project("Sub", "Lab", "capped")],
            caps=[
                {"project": "Lab", "resource_pool": CPU, "quantity": "20"},
                {"project": "Sub", "resource_pool": CPU, "quantity": "50"},
            ],
            **funded(),
        ),
        [use("x", "2100-01-10", "Sub", "30"), use("y", "2100-01-11", "Sub", "10")],
        {"pools": {"p": {"used": "20"}}, "unfunded": {"Lab|CPU Hours": "20"}},
    ),
    "siblings share the cap of the project above them": case(
        entities(
            projects=[
                project("Inst"),
                project("Lab", "Inst", "capped"),
                project("A", "Lab", "shared"),
                project("B", "Lab", "shared"),
            ],
            caps=[{"project": "Lab", "resource_pool": CPU, "quantity": "50"}],
            **funded(),
        ),
        [use("x", "2100-01-10", "A", "40"), use("y", "2100-01-11", "B", "40")],
        {"pools": {"p": {"used": "50"}}, "unfunded": {"Lab|CPU Hours": "30"}},
    ),
    "a capped project's own allocation knows no cap": case(
        entities(
            projects=[project("Inst"), project("Lab", "Inst", "capped")],
            caps=[{"project": "Lab", "resource_pool": CPU, "quantity": "5"}],
            **funded("Lab"),
        ),
        [use("x", "2100-01-10", "Lab", "40")],
        one_pool(used="40"),
    ),
    "a cap counts scaled units": case(
        entities(
            projects=[project("Inst"), project("Lab", "Inst", "capped")],
            caps=[{"project": "Lab", "resource_pool": CPU, "quantity": "50"}],
            resources=[{"id": "cpu", "machine": "tango", "resource_pool": CPU, "scaling_factor": "2"}],
            **funded(),
        ),
        [use("x", "2100-01-10", "Lab", "40")],
        {"pools": {"p": {"used": "50", "raw_used": "25"}}, "unfunded": {"Lab|CPU Hours": "30"}},
    ),
    # R7, days
    "a run over a change to summer time is cut at the site's midnight": case(
        entities(**funded()),
        [run("2026-03-28T22:00:00", "2026-03-30T00:00:00", "25")],
        {
            "unfunded": {"Inst|CPU Hours": "25"},
            "breakdowns": [{"by": ["day"], "rows": {"2026-03-28": "2", "2026-03-29": "23"}}],
        },
        time_zone="Europe/Berlin",
    ),
    "a third of a run is no third of a unit lost": case(
        entities(**funded()),
        [run("2100-01-01T16:00:00", "2100-01-02T16:00:00", "1")],
        {
            "pools": {"p": {"used": "1"}},
            "breakdowns": [
                {"by": ["day"], "rows": {"2100-01-01": "0.333333333", "2100-01-02": "0.666666667"}}
            ],
        },
    ),
    # who, at the time of use
    "a career level that changed": case(
        entities(
            persons=[
                {
                    "username": "u1",
                    "affiliations": [
                        {"institute": "North", "career_level": "PhD", "to": "2100-01-31"},
                        {"institute": "North", "career_level": "Postdoc", "from": "2100-02-01"},
                    ],
                }
            ],
            accounts=[{"username": "u1", "person": "u1"}],
            **funded(),
        ),
        [use("x", "2100-01-31", "Inst", "10"), use("y", "2100-02-01", "Inst", "5")],
        {"breakdowns": [{"by": ["person_career_level"], "rows": {"PhD": "10", "Postdoc": "5"}}]},
    ),
    # adjustments and arrival
    "a refund undoes what was drawn last": case(
        entities(
            grants=[grant("g1", "Inst"), grant("g2", "Inst", FIRST, "2100-02-15")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("a", "g1", "p", "100"), line("b", "g2", "p", "50")],
        ),
        [use("x", "2100-01-10", "Inst", "60")],
        {"draws": {"b": "45", "a": "0"}},
        adjustments=[{"id": "r", "date": "2100-01-11", "kind": "refund", "quantity": "-15", "usage": "x"}],
    ),
    "what was refunded can be used again": case(
        entities(**funded()),
        [use("x", "2100-01-10", "Inst", "100"), use("y", "2100-01-20", "Inst", "30")],
        one_pool(used="80", overdrawn="0", available="20"),
        adjustments=[{"id": "r", "date": "2100-01-11", "kind": "refund", "quantity": "-50", "pool": "p"}],
    ),
    "a level takes no refund": case(
        entities(**funded(resource_pool=DISK)),
        [use("x", "2100-01-10", "Inst", "60", "home")],
        {"pools": {"p": {"used": "60"}}, "refused": ["r"]},
        adjustments=[{"id": "r", "date": "2100-01-11", "kind": "refund", "quantity": "-15", "usage": "x"}],
    ),
    "a void takes back usage that adds up, and a refund": case(
        entities(**funded()),
        [use("x", "2100-01-10", "Inst", "60"), use("y", "2100-01-10", "Inst", "30")],
        one_pool(used="30"),
        adjustments=[
            {"id": "r", "date": "2100-01-11", "kind": "refund", "quantity": "-15", "usage": "y"},
            {"id": "v", "date": "2100-01-12", "kind": "void", "usage": "x"},
            {"id": "w", "date": "2100-01-12", "kind": "void", "refers_to": "r"},
        ],
    ),
    "an adjustment after the day asked for isn't there yet": case(
        entities(**funded()),
        [use("x", "2100-01-10", "Inst", "60")],
        one_pool(used="60"),
        as_of="2100-01-10",
        adjustments=[{"id": "r", "date": "2100-01-11", "kind": "refund", "quantity": "-15", "usage": "x"}],
    ),
    "who or what nobody knows goes into suspense, in raw units": case(
        entities(**funded()),
        [
            use("x", "2100-01-10", "Nowhere", "60"),
            use("y", "2100-01-10", "Inst", "5", account="stranger"),
            use("z", "2100-01-10", "Inst", "1"),
        ],
        {"pools": {"p": {"used": "1"}}, "suspense": "65", "refused": []},
    ),
    "CPU and disk of one account, machine, project and day are two": case(
        entities(
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst"), pool("d", "Inst", DISK)],
            allocations=[line("a", "g", "p", "100"), line("b", "g", "d", "100")],
        ),
        [use("x", "2100-01-10", "Inst", "10"), use("y", "2100-01-10", "Inst", "20", "home")],
        {"pools": {"p": {"used": "10"}, "d": {"used": "20"}}},
    ),
    "less than nothing, and a run that ends before it starts, are refused": case(
        entities(**funded()),
        [
            use("x", "2100-01-10", "Inst", "-1"),
            run("2100-01-02T16:00:00", "2100-01-01T16:00:00", "1"),
            use("n", "2100-01-10", "Inst", "many"),
        ],
        {"pools": {"p": {"used": "0"}}, "refused": ["x", "j", "n"]},
    ),
    "what is learnt after a period was closed is charged in the next": case(
        entities(
            periods=[
                {"name": Q1, "start": "2100-01-01", "end": "2100-03-31", "closed_at": "2100-04-05"},
                {"name": Q2, "start": "2100-04-01", "end": "2100-06-30"},
            ],
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst"), pool("q", "Inst", CPU, Q2)],
            allocations=[line("a", "g", "p", "100"), line("b", "g", "q", "100")],
        ),
        [
            use("x", "2100-03-10", "Inst", "40"),
            use("y", "2100-03-11", "Inst", "7", recorded="2100-04-10"),
            use("z", "2100-04-11", "Inst", "1"),
        ],
        {"pools": {"p": {"used": "40"}, "q": {"used": "8"}}},
        as_of="2100-04-30",
    ),
    # refusals
    "periods of one calendar overlap": case(
        entities(
            periods=[
                {"name": "a", "start": "2100-01-01", "end": "2100-03-31"},
                {"name": "b", "start": "2100-03-31", "end": "2100-06-30"},
            ]
        ),
        [],
        {"errors": ["period_overlaps"]},
    ),
    "periods of two calendars may": case(
        entities(
            calendars=[{"name": "years"}, {"name": "quarters"}],
            periods=[
                {"name": "2100", "start": "2100-01-01", "end": "2100-12-31", "calendar": "years"},
                {"name": Q1, "start": "2100-01-01", "end": "2100-03-31", "calendar": "quarters"},
            ],
            resource_pools=[
                {"name": CPU, "function": "sum", "calendar": "years"},
                {"name": DISK, "function": "maximum", "calendar": "quarters"},
            ],
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst", CPU, "2100")],
            allocations=[line("a", "g", "p", "100")],
        ),
        [use("x", "2100-07-01", "Inst", "5")],
        {"pools": {"p": {"used": "5"}}, "errors": []},
        as_of="2100-07-01",
    ),
    "a pool's period is of its resource pool's calendar": case(
        entities(
            calendars=[{"name": "years"}, {"name": "quarters"}],
            periods=[{"name": "2100", "start": FIRST, "end": LAST, "calendar": "years"}],
            resource_pools=[
                {"name": CPU, "calendar": "quarters"},
                {"name": DISK, "function": "last", "calendar": "quarters"},
            ],
            allocation_pools=[pool("p", "Inst", CPU, "2100")],
        ),
        [],
        {"errors": ["calendar_differs"]},
    ),
    "a grant ends before it begins, a scheme closes before it opens": case(
        entities(
            schemes=[
                {"name": "ET", "opened": FIRST, "closed": "2099-12-31"},
                {"name": "Elliott", "opened": FIRST},
            ],
            grants=[grant("g", "Inst", "2100-02-01", "2100-01-31", "Elliott")],
        ),
        [],
        {"errors": ["scheme_closed_before_opened", "grant_expires_before_begins"]},
    ),
    "names that nobody knows": case(
        entities(grants=[grant("g", "Nowhere", scheme="None")]),
        [],
        {"errors": ["project_unknown", "scheme_unknown"]},
    ),
    "two default projects of one person": case(
        entities(
            memberships=[
                {"person": "u1", "project": "Inst", "is_default_project": True},
                {"person": "u1", "project": "Lab", "is_default_project": True},
            ]
        ),
        [],
        {"errors": ["default_project_not_unique"]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(alias: str, name: str) -> None:
    assert play(alias, Case.model_validate({"id": name, **CASES[name]})).differences == ()


def test_reference_cases(alias: str) -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference cases are not part of a clone")
    played = [play(alias, one) for one in read_cases(REFERENCE)]
    assert [(one.id, one.differences) for one in played if not one.passed] == []
    assert len(played) == 47


def test_a_wrong_expectation_is_told_with_what_was_found(alias: str) -> None:
    wrong = case(entities(**funded()), [use("x", FIRST, "Inst", "30")], one_pool(used="31"))
    assert play(alias, Case.model_validate({"id": "w", **wrong})).differences == (
        "pools.p.used: expected 31, found 30",
    )


def test_a_case_leaves_nothing_behind(alias: str) -> None:
    from meterhouse.allocations.register import models as ledger

    play(alias, Case.model_validate({"id": "x", **CASES["two levels up"]}))
    assert not ledger.AllocationPool.objects.using(alias).exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"entities": {**entities(), "wizards": []}}, "wizards: expected a known field"),
        (
            {"entities": entities(grants=[{**grant("g", "Inst"), "wand": 1}])},
            "grants.0.wand: expected a known field",
        ),
        ({"usages": [use("x", FIRST, "Inst", "1", wand="x")]}, "usages.0: wand: expected a known field"),
        ({"expect": {"pools": {"p": {"magic": "1"}}}}, "pools.p.magic: expected one of"),
    ],
)
def test_what_the_language_does_not_know_is_an_error(alias: str, change: dict[str, Any], told: str) -> None:
    whole = {"id": "c", **case(entities(**funded()), [], {}), **change}
    [difference] = play(alias, Case.model_validate(whole)).differences
    assert told in difference


def test_an_unknown_key_of_a_case_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(
        '{"cases": [{"id": "x", "entities": {}, "as_of": "2100-01-01", "expect": {}, "spell": 1}]}'
    )
    with pytest.raises(LedgerFileError, match="case x: spell"):
        read_cases(file)
