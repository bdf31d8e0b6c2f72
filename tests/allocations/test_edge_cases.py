"""The ledger on the edges: leap days, transfers, caps in caps, closing, dated factors, moves, levels."""

from __future__ import annotations

from typing import Any

import pytest
from test_cases import case, one_pool
from worlds import CPU, DISK, FIRST, LAST, Q1, Q2, entities, funded, grant, line, pool, project, run, use

from meterhouse.allocations.replay import Case, play

LEAP = {
    "schemes": [{"name": "ET", "opened": "2096-01-01"}],
    "periods": [{"name": Q1, "start": "2096-01-01", "end": "2096-03-31"}],
    "grants": [grant("g", "Inst", "2096-01-01", "2096-02-29")],
    "allocation_pools": [pool("p", "Inst")],
    "allocations": [line("a", "g", "p", "100")],
}
CAPPED_TREE = [project("Inst"), project("Lab", "Inst", "capped"), project("Sub", "Lab", "capped")]


def caps(**of: str) -> list[dict[str, str]]:
    return [{"project": name, "resource_pool": CPU, "quantity": cap} for name, cap in of.items()]


def disk(*readings: tuple[str, str, str], **more: Any) -> list[dict[str, Any]]:
    """(day of January 2100, resource, KB) of the institute."""
    return [
        use(f"{resource}{day}", f"2100-01-{day}", "Inst", raw, resource, **more)
        for day, resource, raw in readings
    ]


TWO_QUARTERS = {
    "grants": [grant("g", "Inst")],
    "allocation_pools": [pool("p", "Inst"), pool("q", "Inst", CPU, Q2)],
    "allocations": [line("a", "g", "p", "100"), line("b", "g", "q", "100")],
}

CASES: dict[str, dict[str, Any]] = {
    # days
    "29 February of a leap year is a day, the grant's last": case(
        entities(**LEAP),
        [use("x", "2096-02-29", "Inst", "10"), use("y", "2096-03-01", "Inst", "7")],
        one_pool(used="17", overdrawn="7", lapsed="90", available="0"),
        as_of="2096-03-31",
    ),
    "on the last day of a grant its line is available, on the next it has lapsed": case(
        entities(**LEAP), [], one_pool(available="100", lapsed="0"), as_of="2096-02-29"
    ),
    "a run over three nights is cut at each, and adds up": case(
        # 72 hours from 30 March 12:00: 12, 24, 24 and 12 of them; 1 unit in all, 0.5 in each quarter
        entities(
            **funded()
            | {
                "allocation_pools": [pool("p", "Inst"), pool("q", "Inst", CPU, Q2)],
                "allocations": [line("a", "g", "p", "100"), line("b", "g", "q", "100")],
            }
        ),
        [run("2100-03-30T12:00:00", "2100-04-02T12:00:00", "1")],
        {"pools": {"p": {"used": "0.5"}, "q": {"used": "0.5"}}},
        as_of="2100-04-30",
    ),
    "a run of no length is of its day": case(
        entities(**funded()),
        [run("2100-01-05T10:00:00", "2100-01-05T10:00:00", "3")],
        one_pool(used="3"),
    ),
    "a run that ends at midnight is of the day before alone": case(
        entities(**funded()),
        [run("2100-03-31T20:00:00", "2100-04-01T00:00:00", "8")],
        one_pool(used="8") | {"unfunded": {}},
        as_of="2100-04-30",
    ),
    # lines
    "what was used before it was transferred away is overdrawn": case(
        entities(
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst"), pool("l", "Lab")],
            allocations=[
                line("a", "g", "p", "100"),
                line("t1", "g", "p", "-30", transfer="T"),
                line("t2", "g", "l", "30", transfer="T"),
            ],
        ),
        [use("x", "2100-01-10", "Inst", "90"), use("y", "2100-01-11", "Lab", "10")],
        {
            "pools": {
                "p": {"allocated": "70", "used": "90", "overdrawn": "20", "available": "0"},
                "l": {"allocated": "30", "used": "10", "remaining": "20", "available": "20"},
            }
        },
    ),
    "a grandparent's grant may be transferred to a grandchild, past the parent": case(
        entities(
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst"), pool("s", "Sub")],
            allocations=[
                line("a", "g", "p", "100"),
                line("t1", "g", "p", "-40", transfer="T"),
                line("t2", "g", "s", "40", transfer="T"),
            ],
        ),
        [use("x", "2100-01-10", "Lab", "5"), use("y", "2100-01-11", "Sub", "6")],
        {"pools": {"p": {"used": "5", "remaining": "55"}, "s": {"used": "6", "remaining": "34"}}},
    ),
    "grants that overlap: each is drawn while it is in force, the one that ends first before the other": case(
        # early is in force in January, late from the 15th on: 30 on the 10th from early, then 20 + 60
        entities(
            grants=[grant("e", "Inst", FIRST, "2100-01-31"), grant("l", "Inst", "2100-01-15", LAST)],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("early", "e", "p", "50"), line("late", "l", "p", "100")],
        ),
        [
            use("x", "2100-01-10", "Inst", "30"),
            use("y", "2100-01-20", "Inst", "80"),
            use("z", "2100-02-01", "Inst", "50"),
        ],
        {
            "draws": {"early": "50", "late": "100"},
            **one_pool(used="160", overdrawn="10", available="0", lapsed="0"),
        },
    ),
    "a line of higher priority that isn't in force yet leaves it to the others": case(
        entities(
            grants=[grant("now", "Inst"), grant("soon", "Inst", "2100-02-01")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("a", "now", "p", "100"), line("b", "soon", "p", "100", priority=1)],
        ),
        [use("x", "2100-01-31", "Inst", "10"), use("y", "2100-02-01", "Inst", "20")],
        {"draws": {"a": "10", "b": "20"}},
    ),
    "ids of lines are counted as numbers where they are": case(
        entities(
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("10", "g", "p", "5"), line("9", "g", "p", "5")],
        ),
        [use("x", FIRST, "Inst", "5")],
        {"draws": {"9": "5", "10": "0"}},
    ),
    # caps
    "of caps in caps the lower is used up first, and names what is left": case(
        # Sub's 20 pass, then Lab's own 40 of 50 - 20
        entities(projects=CAPPED_TREE, caps=caps(Sub="20", Lab="50"), **funded()),
        [use("x", "2100-01-05", "Sub", "25"), use("y", "2100-01-06", "Lab", "40")],
        one_pool(used="50") | {"unfunded": {"Sub|CPU Hours": "5", "Lab|CPU Hours": "10"}},
    ),
    "a cap of nothing lets nothing pass": case(
        entities(projects=CAPPED_TREE[:2], caps=caps(Lab="0"), **funded()),
        [use("x", "2100-01-05", "Lab", "3")],
        one_pool(used="0") | {"unfunded": {"Lab|CPU Hours": "3"}},
    ),
    "a shared project below a capped one is held by its cap": case(
        entities(
            projects=[*CAPPED_TREE[:2], project("Sub", "Lab", "shared")], caps=caps(Lab="10"), **funded()
        ),
        [use("x", "2100-01-05", "Sub", "25")],
        one_pool(used="10") | {"unfunded": {"Lab|CPU Hours": "15"}},
    ),
    "a factor counts before the cap": case(
        # 10 raw times 4 are 40, of which 30 pass
        entities(
            projects=CAPPED_TREE[:2],
            caps=caps(Lab="30"),
            **funded(),
            resources=[
                {
                    "id": "cpu",
                    "machine": "tango",
                    "resource_pool": CPU,
                    "resource_name": "cpu",
                    "scaling_factor": "4",
                }
            ],
        ),
        [use("x", "2100-01-05", "Lab", "10")],
        one_pool(used="30") | {"unfunded": {"Lab|CPU Hours": "10"}},
    ),
    # moves
    "who moves below a private project is no longer paid for from the old place": case(
        entities(
            projects=[project("Inst"), project("Other"), project("Lab", None, "shared")],
            project_parents=[
                {"project": "Lab", "parent": "Inst", "to": "2100-01-31"},
                {"project": "Lab", "parent": "Other", "from": "2100-02-01"},
            ],
            **funded(),
        ),
        [use("x", "2100-01-31", "Lab", "10"), use("y", "2100-02-01", "Lab", "7")],
        one_pool(used="10")
        | {
            "unfunded": {"Other|CPU Hours": "7"},
            "breakdowns": [{"by": ["project_institute"], "rows": {"Inst": "10", "Other": "7"}}],
        },
    ),
    # levels
    "the last of two file systems, one of which wasn't read that day, keeps its reading": case(
        entities(function="last", **funded(resource_pool=DISK)),
        disk(("01", "home", "40"), ("01", "scratch", "30"), ("02", "home", "10")),
        one_pool(used="40", observed_days=2, estimated_days=1, peak_day="2100-01-02"),
    ),
    "the average counts a day on which one file system wasn't read with what it had": case(
        # 70, then 10 + 30: 55 on average
        entities(function="average", **funded(resource_pool=DISK)),
        disk(("01", "home", "40"), ("01", "scratch", "30"), ("02", "home", "10")),
        one_pool(used="55", observed_days=2, estimated_days=1),
    ),
    "the minimum takes a reading of nothing": case(
        entities(function="minimum", **funded(resource_pool=DISK)),
        disk(("01", "home", "40"), ("02", "home", "0")),
        one_pool(used="0", peak_day="2100-01-02"),
    ),
    "a level of the quarter before isn't carried into the next": case(
        entities(
            function="last",
            grants=[grant("g", "Inst")],
            allocation_pools=[pool("p", "Inst", DISK), pool("q", "Inst", DISK, Q2)],
            allocations=[line("a", "g", "p", "100"), line("b", "g", "q", "100")],
        ),
        [
            use("x", "2100-03-31", "Inst", "50", "home"),
            use("y", "2100-03-31", "Inst", "30", "scratch"),
            use("z", "2100-04-01", "Inst", "20", "home"),
        ],
        {"pools": {"p": {"used": "80"}, "q": {"used": "20"}}},
        as_of="2100-04-30",
    ),
    "a maximum is drawn from the lines in force on its day": case(
        # 60 on 10 January, when only b is in force
        entities(
            grants=[grant("e", "Inst", "2100-02-01", LAST), grant("b", "Inst")],
            allocation_pools=[pool("p", "Inst", DISK)],
            allocations=[line("later", "e", "p", "50"), line("now", "b", "p", "40")],
        ),
        [use("x", "2100-01-10", "Inst", "60", "home"), use("y", "2100-02-10", "Inst", "50", "home")],
        {"draws": {"now": "40", "later": "0"}, **one_pool(used="60", overdrawn="20")},
    ),
    # factors
    "a factor that changes counts from its day, also backwards in the order of arrival": case(
        entities(
            **funded(),
            resource_rates=[
                {"resource": "cpu", "factor": "2", "to": "2100-01-31"},
                {"resource": "cpu", "factor": "0.5", "from": "2100-02-01"},
            ],
        ),
        [use("y", "2100-02-01", "Inst", "10"), use("x", "2100-01-31", "Inst", "10")],
        one_pool(used="25"),
    ),
    # nothing
    "where nothing is allocated and nothing used, there is no percentage": case(
        entities(allocation_pools=[pool("p", "Inst")]), [], one_pool(allocated="0", used="0", percent=None)
    ),
    "a refund of all of it leaves zero, which is a percentage": case(
        entities(**funded()),
        [use("x", FIRST, "Inst", "40")],
        one_pool(used="0", percent="0", available="100"),
        adjustments=[
            {"id": "r", "date": "2100-01-10", "quantity": "-40", "kind": "refund", "pool": "p", "usage": "x"}
        ],
    ),
    # closing, correcting and dividing
    "what a closed period's use is voided with is taken from the open one": case(
        entities(
            periods=[
                {"name": Q1, "start": "2100-01-01", "end": "2100-03-31", "closed_at": "2100-04-05"},
                {"name": Q2, "start": "2100-04-01", "end": "2100-06-30"},
            ],
            **TWO_QUARTERS,
        ),
        [use("x", "2100-03-10", "Inst", "40"), use("z", "2100-04-11", "Inst", "30")],
        {"pools": {"p": {"used": "40"}, "q": {"used": "-10", "remaining": "110", "percent": "-10"}}},
        as_of="2100-04-30",
        adjustments=[{"id": "v", "date": "2100-04-12", "kind": "void", "usage": "x"}],
    ),
    "a transfer moves what is allocated into the next quarter": case(
        entities(
            **{
                **TWO_QUARTERS,
                "allocations": [
                    line("a", "g", "p", "100"),
                    line("o", "g", "p", "-30", transfer="T"),
                    line("i", "g", "q", "30", transfer="T"),
                ],
            }
        ),
        [use("x", "2100-03-31", "Inst", "80"), use("y", "2100-04-01", "Inst", "10")],
        {
            "pools": {
                "p": {"allocated": "70", "used": "80", "overdrawn": "10"},
                "q": {"allocated": "30", "used": "10", "available": "20"},
            }
        },
        as_of="2100-04-01",
    ),
    "a refund goes back through the lines from the last one drawn": case(
        # 50 of a and 20 of b were drawn; 25 come back: b's 20 and 5 of a, which has ended by then
        entities(
            grants=[grant("g1", "Inst", FIRST, "2100-02-15"), grant("g2", "Inst")],
            allocation_pools=[pool("p", "Inst")],
            allocations=[line("a", "g1", "p", "50"), line("b", "g2", "p", "100")],
        ),
        [use("x", "2100-01-10", "Inst", "30"), use("y", "2100-01-20", "Inst", "40")],
        {"draws": {"a": "45", "b": "0"}, **one_pool(used="45", available="100", lapsed="5")},
        adjustments=[{"id": "r", "date": "2100-02-01", "kind": "refund", "quantity": "-25", "pool": "p"}],
    ),
    "each part of a run over midnight is of who the person was then": case(
        entities(
            persons=[
                {
                    "username": "u1",
                    "affiliations": [
                        {"institute": "North", "career_level": "PhD", "to": "2100-02-14"},
                        {"institute": "South", "career_level": "Staff", "from": "2100-02-15"},
                    ],
                }
            ],
            accounts=[{"username": "u1", "person": "u1"}],
            **funded(),
        ),
        [run("2100-02-14T12:00:00", "2100-02-15T12:00:00", "48")],
        {
            "breakdowns": [
                {
                    "by": ["person_institute", "person_career_level"],
                    "rows": {"North|PhD": "24", "South|Staff": "24"},
                }
            ]
        },
    ),
    "the cap of a project that isn't capped is not read": case(
        entities(caps=[{"project": "Lab", "resource_pool": CPU, "quantity": "5"}], **funded()),
        [use("x", FIRST, "Lab", "30")],
        one_pool(used="30"),
    ),
    "use on a day between two periods has no pool": case(
        entities(
            periods=[
                {"name": Q1, "start": "2100-01-01", "end": "2100-01-31"},
                {"name": Q2, "start": "2100-03-01", "end": "2100-06-30"},
            ],
            **funded(),
        ),
        [use("x", "2100-02-10", "Sub", "5"), use("y", "2100-01-31", "Sub", "6")],
        {"pools": {"p": {"used": "6"}}, "unfunded": {"Inst|CPU Hours": "5"}},
    ),
    "use that names no project is the default project's of the day": case(
        entities(
            memberships=[
                {"person": "u1", "project": "Lab", "is_default_project": True, "to": "2100-01-31"},
                {"person": "u1", "project": "Inst", "is_default_project": True, "from": "2100-02-01"},
            ],
            **funded(),
        ),
        [use("x", "2100-01-31", None, "5"), use("y", "2100-02-01", None, "6")],
        {"breakdowns": [{"by": ["submitted_project"], "rows": {"Lab": "5", "Inst": "6"}}]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_edge_case(alias: str, name: str) -> None:
    assert play(alias, Case.model_validate({"id": name, **CASES[name]})).differences == ()
