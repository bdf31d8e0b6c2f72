"""The four hierarchy files: as the portals' own importer wrote them, of any day, as known at any moment."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from portal import allocation, user

from meterhouse.directory.hierarchy import hierarchy
from meterhouse.directory.state import Directory
from meterhouse.feeds.hierarchy_files import ambiguous, hierarchy_files
from meterhouse.operations.directory_export import export_hierarchy
from meterhouse.operations.directory_import import import_statement
from meterhouse.site import Site
from meterhouse.sources.directory import coldfront, keycloak
from meterhouse.sources.directory.statement import (
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Statement,
)

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
RESOURCES = {"NERC-OpenStack": "nerc_openstack", "NERC-OpenShift": "nerc_openshift_staging"}


def runs(site: Site, users: list[dict[str, Any]], allocations: list[dict[str, Any]], day: date) -> None:
    """One import of the identity provider and one of the portal, true from a day on."""
    people = keycloak.read(keycloak.KeycloakHabits("mss"), users)
    projects = coldfront.read(coldfront.ColdFrontHabits("nerc", RESOURCES), "nerc", allocations)
    for statement in (people, projects):
        import_statement(site, statement, effective=day)


def files(site: Site, day: date, known: Any = None, columns: Any = 3) -> dict[str, list[str]]:
    directory = Directory(site.register.alias, known)
    found = hierarchy_files(hierarchy(directory, day), columns)
    return {name: content.splitlines() for name, content in found.items()}


RBB = user("rbb@some.edu", "R", "B", "Some University", field="engineering")
JIM = user("jim@some.edu", "J", "G", "Some University", field="other")


def named(one: dict[str, Any], name: str) -> dict[str, Any]:
    one["attributes"]["Allocated Project Name"] = name
    return one


def three_allocations() -> list[dict[str, Any]]:
    return [
        named(allocation(1, "Test-Project-1", "rbb@some.edu", "2e68"), "Test Project 1-ff0e78e"),
        named(allocation(2, "Test-Project-2", "jim@some.edu", "2e69"), "Test Project 2-ff0e78e"),
        named(
            allocation(3, "Test-Project-3", "jim@some.edu", "test-project-3", kind="OpenShift"),
            "test-project-3",
        ),
    ]


def test_three_columns_as_the_importer_takes_them(site):
    """Case XDM-01: two PIs, three projects. Numbers begin with 3; 1 and 2 are the unknown."""
    runs(site, [RBB, JIM], three_allocations(), MARCH)
    assert files(site, MARCH) == {
        "hierarchy.csv": [
            '"3","Some University",',
            '"4","Some University - engineering","3"',
            '"8","Some University - other","3"',
            '"5","R B","4"',
            '"9","J G","8"',
        ],
        "group.csv": [
            '"Test Project 1-ff0e78e", "5"',
            '"Test Project 2-ff0e78e", "9"',
            '"test-project-3", "9"',
            '"Test-Project-3", "9"',
        ],
        "names.csv": [
            '"Test Project 1-ff0e78e", , "Test-Project-1"',
            '"Test Project 2-ff0e78e", , "Test-Project-2"',
            '"test-project-3", , "Test-Project-3"',
        ],
        "pi2project.csv": [
            '"Test Project 1-ff0e78e", "Test Project 1-ff0e78e", "nerc_openstack"',
            '"Test Project 2-ff0e78e", "Test Project 2-ff0e78e", "nerc_openstack"',
        ],
    }


def test_two_columns_lead_from_resource_projects_to_portal_projects(site):
    runs(site, [RBB, JIM], three_allocations(), MARCH)
    found = files(site, MARCH, columns=2)
    assert found["hierarchy.csv"][:2] == [
        '"3", "Some University",',
        '"4", "Some University - engineering", "3"',
    ]
    assert found["group.csv"] == ['"Test-Project-1","5"', '"Test-Project-2","9"', '"Test-Project-3","9"']
    assert found["names.csv"][2] == '"test-project-3", "Test-Project-3"'
    assert found["pi2project.csv"][0] == '"Test Project 1-ff0e78e", "Test Project 1-ff0e78e"'


def three_runs(site: Site) -> list[dict[str, list[str]]]:
    """A PI comes in April; in May one moves to another institution, and a project is closed. The files
    as they were written after each run."""
    written = []
    runs(site, [RBB], three_allocations()[:1], MARCH)
    written.append(files(site, MARCH))
    runs(site, [RBB, JIM], three_allocations(), APRIL)
    written.append(files(site, APRIL))
    moved = user("jim@some.edu", "J", "G", "Other College", field="other")
    closed = three_allocations()
    closed[1]["project"]["status"] = "Archived"
    runs(site, [RBB, moved], closed, MAY)
    written.append(files(site, MAY))
    return written


def test_three_runs_and_the_files_as_of_each_date(site):
    march, april, may = three_runs(site)
    assert march["hierarchy.csv"] == [
        '"3","Some University",',
        '"4","Some University - engineering","3"',
        '"5","R B","4"',
    ]
    assert '"9","J G","8"' in april["hierarchy.csv"]
    assert may["hierarchy.csv"] == [
        '"3","Some University",',
        '"14","Other College",',
        '"4","Some University - engineering","3"',
        '"15","Other College - other","14"',
        '"5","R B","4"',
        '"9","J G","15"',  # who moves keeps the number
    ]
    assert [line.split(",")[0] for line in may["names.csv"]] == [
        '"Test Project 1-ff0e78e"',
        '"test-project-3"',
    ]
    # what was true on a day doesn't depend on when it is asked for
    assert files(site, MARCH) == march
    assert files(site, date(2026, 3, 31)) == march
    assert files(site, APRIL) == april
    assert files(site, MAY) == may
    assert files(site, MAY) == may


def test_a_day_as_it_was_known_at_an_earlier_moment(site):
    """Jim moved on 1 April, which became known later: the hierarchy of 1 May as known before and after."""
    runs(site, [RBB, JIM], three_allocations(), MARCH)
    before = site.warehouse.view().recorded_until
    runs(
        site,
        [RBB, user("jim@some.edu", "J", "G", "Other College", field="other")],
        three_allocations(),
        APRIL,
    )
    assert '"3","Some University",' in files(site, MAY, known=before)["hierarchy.csv"]
    assert not any("Other College" in line for line in files(site, MAY, known=before)["hierarchy.csv"])
    assert any("Other College" in line for line in files(site, MAY)["hierarchy.csv"])
    assert not any("Other College" in line for line in files(site, MARCH)["hierarchy.csv"])


def test_what_is_missing_stands_below_unknown(site):
    runs(
        site, [user("rbb@some.edu", "R", "B")], [allocation(1, "T", "rbb@some.edu", "p1", field=None)], MARCH
    )
    assert files(site, MARCH)["hierarchy.csv"] == [
        '"1","Unknown",',
        '"2","Unknown - Unknown","1"',
        '"3","R B","2"',
    ]


def test_a_second_export_writes_the_same_bytes(site, tmp_path):
    three_runs(site)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        export_hierarchy(site, folder, MAY, None, 3)
    assert {one.name: one.read_bytes() for one in first.iterdir()} == {
        one.name: one.read_bytes() for one in second.iterdir()
    }


def test_names_that_repeat_are_told_apart_and_hostile_ones_stay_on_their_line(site):
    statement = Statement("portal")
    statement.people += [SaidPerson("ada", "ada", "Ada", 'O"ka\n,'), SaidPerson("bea", "bea", "Bea", "Ruiz")]
    for key, pi in (("1", "ada"), ("2", "bea")):
        statement.projects.append(SaidProject(key, "Tides"))
        statement.members.append(SaidMember(key, pi, leader=True, primary_contact=True))
        statement.references.append(
            SaidReference(key, f"cloud-{key}", "cloud_project", f"p{key}", name="same")
        )
    import_statement(site, statement, effective=MARCH)
    found = files(site, MARCH)
    assert '"3","Ada O""ka ,","2"' in found["hierarchy.csv"]
    assert found["names.csv"] == ['"same", , "Tides (tides)"', '"same", , "Tides (tides-2)"']
    assert ambiguous(hierarchy(Directory(site.register.alias), MARCH)) == ["same"]


@pytest.mark.parametrize("columns", [2, 3])
def test_a_directory_that_says_nothing_makes_empty_files(site, columns):
    assert list(files(site, MARCH, columns=columns).values()) == [[], [], [], []]
