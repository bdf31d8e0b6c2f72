"""Is usage attributed to whom it belonged on the day of use, and does nothing get lost or doubled?"""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.directory.periods import on
from meterhouse.directory.state import Directory
from meterhouse.operations.directory_import import import_statement
from meterhouse.operations.directory_listing import unattributed_rows
from meterhouse.reports.questions import answer_question
from meterhouse.site import Site
from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidField,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Statement,
)
from meterhouse.sources.openstack.event_files import read_openstack_events
from meterhouse.usage.build import build
from meterhouse.usage.meters import groupings
from meterhouse.usage.question import Question

FIRST, MOVE, LAST = date(2026, 3, 1), date(2026, 3, 11), date(2026, 3, 20)
CHANGE = date(2026, 3, 5)


def run_vms(site: Site, tmp_path: Path, *vms: tuple[str, str | None, int]) -> None:
    """A VM each (project id, user id, vCPUs) that runs from the first to the end of the last day."""
    events = []
    for number, (project, user, vcpus) in enumerate(vms):
        for event, day in (("create.end", FIRST), ("delete.end", LAST + timedelta(days=1))):
            events.append(
                {
                    "event_type": f"compute.instance.{event}",
                    "generated": f"{day}T00:00:00",
                    "instance_id": f"vm-{number}",
                    "instance_type": "m1",
                    "vcpus": str(vcpus),
                    "memory_mb": "1024",
                    "disk_gb": "0",
                    "state": "active" if event == "create.end" else "deleted",
                    "project_id": project,
                    "project_name": f"{project}-name",
                    "user_id": user,
                    "user_name": f"{user}-name",
                }
            )
    path = tmp_path / "2026-03-01T00:00:00_2026-03-22T00:00:00.json"
    path.write_text(json.dumps(events))
    site.warehouse.land(read_openstack_events(path, "cloud"))
    build(site.warehouse, site.engine, "UTC")


def ask(site: Site, by: str, first: date = FIRST, last: date = LAST, **options: Any) -> dict[str, Decimal]:
    """Core hours by label; two rows of one label must differ by id."""
    names = by.split(",")
    question = Question.ask(
        realm="cloud",
        meters=["core_hours"],
        first=first,
        last=last,
        by=names,
        filters=options.pop("where", None),
    )
    answer = answer_question(site, question, **options)
    return {" ".join(filter(None, (row.period, *row.labels))): row.values[0] for row in answer.rows}


def centre() -> Statement:
    """Ocean (PI Ada, Northfield) with Tides below it; Waves (PI Bea, Harbour 60 %, Northfield 40 %)."""
    return Statement(
        "portal",
        institutions=[SaidInstitution("n", "Northfield"), SaidInstitution("h", "Harbour")],
        fields=[SaidField("s", "Science"), SaidField("o", "Oceanography", "s")],
        people=[
            SaidPerson("ada", "ada", "Ada", "Oka", institution="n", field="o", career_level="Professor"),
            SaidPerson("bea", "bea", "Bea", "Ruiz", institution="h", field="s", career_level="Postdoc"),
            SaidPerson("cyd", "cyd", "Cyd", "Park", institution="n", career_level="Student"),
        ],
        projects=[
            SaidProject("1", "Ocean", code="ocean"),
            SaidProject("2", "Tides", code="tides", parent="1"),
            SaidProject("3", "Waves", code="waves", shares=(("h", 600_000), ("n", 400_000))),
        ],
        members=[
            SaidMember("1", "ada", leader=True, primary_contact=True),
            SaidMember("3", "bea", leader=True, primary_contact=True),
            SaidMember("2", "cyd", level="Student"),
        ],
        references=[
            SaidReference("1", "cloud", "cloud_project", "p1"),
            SaidReference("2", "cloud", "cloud_project", "p2-name", matches="name"),
            SaidReference("3", "cloud", "cloud_project", "p3"),
        ],
        accounts=[
            SaidAccount("ada", "cloud", "u1", "id"),
            SaidAccount("bea", "", "u2-name"),
            SaidAccount("cyd", "cloud", "u3", "id"),
        ],
    )


@pytest.fixture
def used(site: Site, tmp_path: Path) -> Site:
    """20 days: 1 core in Ocean, 2 in Tides, 4 in Waves and 8 in a project that nobody knows."""
    run_vms(site, tmp_path, ("p1", "u1", 1), ("p2", "u3", 2), ("p3", "u2", 4), ("p9", "u9", 8))
    import_statement(site, centre(), effective=FIRST)
    return site


DAYS, HOURS = 20, 24 * 20


def hours(**cores: float) -> dict[str, Decimal]:
    return {
        name.replace("_", " "): Decimal(str(core * HOURS)).quantize(Decimal("0.0001"))
        for name, core in cores.items()
    }


def exactly(found: dict[str, Decimal]) -> dict[str, Decimal]:
    return {name: value.quantize(Decimal("0.0001")) for name, value in found.items()}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        # Ocean and Tides are Ada's institution's; of Waves' four cores 60 % are Harbour's
        ("institution", hours(Northfield=1 + 2 + 1.6, Harbour=2.4, Unattributed=8)),
        ("pi", {"Oka, Ada": 3, "Ruiz, Bea": 4, "Unattributed": 8}),
        ("pi_institution", hours(Northfield=3, Harbour=4, Unattributed=8)),
        ("field", hours(Oceanography=3, Science=4, Unattributed=8)),
        ("parent_field", hours(Science=7, Unattributed=8)),
        ("portal_project", hours(Ocean=1, Tides=2, Waves=4, Unattributed=8)),
        ("project_path", {"Ocean": 1, "Ocean / Tides": 2, "Waves": 4, "Unattributed": 8}),
        # a project with all below it, and the whole centre with everything that has an owner
        ("project_tree", {"Ocean": 3, "Ocean / Tides": 2, "Waves": 4, "Whole centre": 7, "Unattributed": 8}),
        ("person", {"Oka, Ada": 1, "Park, Cyd": 2, "Ruiz, Bea": 4, "u9-name": 8}),
        ("person_institution", hours(Northfield=3, Harbour=4, Unattributed=8)),
        ("career_level", hours(Professor=1, Student=2, Postdoc=4, Unattributed=8)),
        ("project_level", {"Student": 2, "Unknown": 5, "Unattributed": 8}),
    ],
)
def test_usage_by_whom_it_belongs_to(used, by, expected):
    wanted = {
        name: value if isinstance(value, Decimal) else Decimal(value * HOURS)
        for name, value in expected.items()
    }
    assert exactly(ask(used, by)) == exactly(wanted)


def test_a_question_about_a_project_keeps_all_below_it_labelled(used):
    found = ask(used, "project_path", where={"project_tree": ["ocean"]})
    assert exactly(found) == exactly({"Ocean": Decimal(HOURS), "Ocean / Tides": Decimal(2 * HOURS)})


def test_a_question_about_an_institution_counts_its_share(used):
    found = ask(used, "portal_project", where={"institution": ["Harbour"]})
    assert exactly(found) == hours(Waves=2.4)


def test_a_person_who_moves_splits_usage_on_the_day_of_the_move(used):
    moved = Statement(
        "portal",
        institutions=[SaidInstitution("h", "Harbour")],
        people=[SaidPerson("ada", "ada", institution="h")],
    )
    import_statement(used, moved, effective=MOVE)
    # 10 days of Ada's 3 cores before the move and 10 after; Waves as before
    assert exactly(ask(used, "institution")) == exactly(
        {
            "Northfield": Decimal(3 * 240) + Decimal("1.6") * HOURS,
            "Harbour": Decimal(3 * 240) + Decimal("2.4") * HOURS,
            "Unattributed": Decimal(8 * HOURS),
        }
    )
    before, after = MOVE - timedelta(days=1), MOVE
    assert ask(used, "pi_institution", before, before)["Northfield"] == 72
    assert ask(used, "pi_institution", after, after)["Harbour"] == 72 + 96


def test_a_project_that_moves_below_another_counts_there_from_that_day(used):
    import_statement(
        used, Statement("portal", projects=[SaidProject("2", code="tides", parent="3")]), effective=MOVE
    )
    tree = ask(used, "project_tree")
    assert (tree["Ocean"], tree["Waves"]) == (HOURS + 2 * 240, 4 * HOURS + 2 * 240)
    assert (tree["Ocean / Tides"], tree["Waves / Tides"]) == (480, 480)


def test_a_share_that_changes_counts_from_that_day(used):
    changed = SaidProject("3", code="waves", shares=(("h", 1_000_000),))
    import_statement(
        used,
        Statement("portal", institutions=[SaidInstitution("h", "Harbour")], projects=[changed]),
        effective=MOVE,
    )
    assert ask(used, "institution")["Harbour"] == Decimal("0.6") * 4 * 240 + 4 * 240


def test_as_known_before_the_move_was_recorded_nothing_had_moved(used):
    before = ask(used, "institution")
    snapshot = used.warehouse.view().snapshot
    statement = Statement(
        "portal", institutions=[SaidInstitution("h", "Harbour")], people=[SaidPerson("ada", institution="h")]
    )
    import_statement(used, statement, effective=CHANGE)
    assert ask(used, "institution", as_of=snapshot) == before
    assert ask(used, "institution") != before


def test_what_nobody_owns_is_listed_with_its_ids(used):
    rows = [
        (row["what"], row["resource"], row["ref"], row["name"], row["days"], row["wall_seconds"])
        for row in unattributed_rows(used, FIRST, LAST, "all")
    ]
    assert rows == [
        ("project", "cloud", "p9", "p9-name", 20, 20 * 86_400),
        ("person", "cloud", "u9", "u9-name", 20, 20 * 86_400),
    ]


def test_a_site_without_a_directory_has_unknown_and_nothing_unattributed(site, tmp_path):
    run_vms(site, tmp_path, ("p1", "u1", 1))
    assert exactly(ask(site, "institution")) == hours(Unknown=1)


def shares(parts: list[int]) -> tuple[int, ...]:
    """Parts of a million: cuts of it, sorted."""
    edges = [0, *sorted({part for part in parts if 0 < part < 1_000_000}), 1_000_000]
    return tuple(later - earlier for earlier, later in pairwise(edges))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 999_999), max_size=4),
    moves=st.lists(st.tuples(st.sampled_from("123"), st.sampled_from("123"), st.integers(0, 19)), max_size=4),
)
def test_conservation_through_shares_and_the_tree(used, cuts, moves):
    """Whatever the shares and wherever projects move: the parts add up to the whole, exactly."""
    institutions = [SaidInstitution(f"i{n}", f"Institution {n}") for n in range(6)]
    split = tuple((f"i{n}", part) for n, part in enumerate(shares(cuts)))
    statement = Statement(
        "portal", institutions=institutions, projects=[SaidProject("1", code="ocean", shares=split)]
    )
    import_statement(used, statement, effective=CHANGE)
    for project, parent, day in moves:
        if project <= parent:  # a later project never stands above an earlier one: no ring
            continue
        code = {"2": "tides", "3": "waves"}[project]
        moved = Statement("portal", projects=[SaidProject(project, code=code, parent=parent)])
        import_statement(used, moved, effective=FIRST + timedelta(days=day))
    names = [name for name, grouping in groupings().items() if not grouping.spans_only]
    with used.engine() as engine:
        dimensions = dimension_tables(used.warehouse.view(), engine)
        rows = {
            name: answer_question(
                used,
                Question.ask(realm="cloud", meters=["core_hours"], first=FIRST, last=LAST, by=[name]),
                dimensions=dimensions,
                kept=engine,
            ).rows
            for name in names
        }
    whole = 15 * 20 * 86_400
    tree = {row.labels[0]: row.quantities[0] for row in rows.pop("project_tree")}
    assert tree["Whole centre"] + tree["Unattributed"] == whole
    sums = {
        name: sum((Fraction(row.quantities[0]) for row in found), Fraction(0)) for name, found in rows.items()
    }
    assert sums == dict.fromkeys(rows, Fraction(whole))


def test_history_says_who_made_a_change_and_when(used):
    from meterhouse.operations.directory_listing import history_rows

    statement = Statement("portal", people=[SaidPerson("ada", last_name="Oka-Lind")])
    moment = datetime.now(UTC)
    import_statement(used, statement, effective=MOVE, who="root")
    (row,) = [row for row in history_rows(used, moment) if row["what"] == "person"]
    assert (row["who"], row["why"], row["change"]) == ("root", "import portal", "changed")
    assert (row["before"], row["after"]) == ("last_name=Oka", "last_name=Oka-Lind")


def test_what_is_true_on_a_day_and_what_was_known_then_are_two_things(used):
    alias = used.register.alias
    before = used.warehouse.view().recorded_until
    import_statement(
        used,
        Statement("portal", institutions=[SaidInstitution("h", "Harbour")],
                  people=[SaidPerson("ada", institution="h")]),
        effective=CHANGE,
    )  # fmt: skip
    for known, expected in ((before, "Northfield"), (None, "Harbour")):
        directory = Directory(alias, known)
        ada = next(one.id for one in directory.people.values() if one.username == "ada")
        told = on(MOVE, directory.affiliations[ada])
        assert told is not None
        assert told.institution is not None
        assert directory.institutions[told.institution] == expected


def test_spans_and_dumps_are_kept_by_owner_as_well(used, tmp_path):
    from meterhouse.reports.site_dump import dump_site
    from meterhouse.reports.spans import read_spans
    from meterhouse.usage.meters import find_grouping

    for name, value, items in (
        ("institution", "Northfield", ["vm-0", "vm-1", "vm-2"]),
        ("project_tree", "ocean", ["vm-0", "vm-1"]),
        ("pi", "Ruiz, Bea", ["vm-2"]),
        ("institution", "Unattributed", ["vm-3"]),
    ):
        filters = ((find_grouping(name), (value,)),)
        assert [row["item"] for row in read_spans(used, FIRST, LAST, filters=filters)] == items
    both = ((find_grouping("institution"), ("Northfield", "Harbour")),)
    assert len(list(read_spans(used, FIRST, LAST, filters=both))) == 3  # each once, however many fund it
    folder = dump_site(used, FIRST, LAST, tmp_path / "dump", filters=both).parent
    with (folder / "span.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["rules"] == "default"]
    assert sorted(row["item"] for row in rows) == ["vm-0", "vm-1", "vm-2"]
