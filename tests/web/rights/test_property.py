"""Does an answer ever contain what lies outside a right? Rights and questions at random, counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_institutions import FIRST, LAST

from meterhouse.reports.questions import answer_question
from meterhouse.reports.spans import read_spans
from meterhouse.site import Site
from meterhouse.usage.question import Question
from meterhouse.web.rights import Forbidden, Right, Visitor, may_see

TODAY = date(2026, 4, 1)
# The same as in two_institutions: item, project, person, and who funds which part of its core hours.
PARTS = (
    ("vm-ocean", "ocean", "ada", {"Northfield": 480}),
    ("vm-tides", "tides", "cyd", {"Northfield": 960}),
    ("vm-waves", "waves", "bea", {"Harbour": 1152, "Northfield": 768}),
    ("vm-nobody", None, None, {None: 3840}),
)
PROJECTS, PEOPLE, INSTITUTIONS = ("ocean", "tides", "waves"), ("ada", "bea", "cyd"), ("Northfield", "Harbour")


def ids(site: Site) -> dict[str, int]:
    """The directory's ids by code, user name and institution."""
    from meterhouse.directory.register import models

    alias = site.register.alias
    return {
        **dict(models.Project.objects.using(alias).values_list("code", "id")),
        **dict(models.Person.objects.using(alias).values_list("username", "id")),
        **dict(models.Institution.objects.using(alias).values_list("name", "id")),
    }


def some(names: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names), max_size=2)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    projects=some(PROJECTS),
    people=some(PEOPLE),
    institutions=some(INSTITUTIONS),
    by=st.lists(
        st.sampled_from(["portal_project", "person", "institution", "pi", "project_tree", "month", "user"]),
        unique=True,
        max_size=3,
    ),
    where=st.one_of(st.none(), st.sampled_from([("portal_project", "waves"), ("institution", "Northfield")])),
)
def test_an_answer_counts_what_lies_in_the_right_and_nothing_else(
    site: Site,
    projects: frozenset[str],
    people: frozenset[str],
    institutions: frozenset[str],
    by: list[str],
    where: tuple[str, str] | None,
) -> None:
    known = ids(site)
    right = Right(
        people=frozenset(known[one] for one in people),
        projects=frozenset(known[one] for one in projects),
        institutions=frozenset(known[one] for one in institutions),
    )
    expected, items = Decimal(0), set()
    for item, project, person, funded in PARTS:
        for institution, hours in funded.items():
            if project in projects or person in people or institution in institutions:
                items.add(item)
                if where is None or where[1] in (project, institution):
                    expected += hours
    filters = {where[0]: [where[1]]} if where else None
    question = Question.ask(
        realm="cloud", meters=["core_hours", "vms_running"], first=FIRST, last=LAST, by=by, filters=filters
    )
    rows = answer_question(site, right.restrict(question)).rows
    # In the tree, Tides is counted for itself, for Ocean above it, and everything for the root.
    if "project_tree" not in by:
        assert sum((row.values[0] or Decimal(0) for row in rows), Decimal(0)) == expected
    elif not expected:
        assert not any(row.values[0] for row in rows)
    assert {span["item"] for span in read_spans(site, FIRST, LAST, filters=right.filters)} == items


@pytest.mark.parametrize(
    ("visitor", "projects"),
    [
        (("user", "ada", None), {"ocean", "tides"}),  # she leads Ocean, and Tides stands below it
        (("user", "cyd", None), {"tides"}),
        (("user", "bea", None), {"waves"}),
        (("user", None, None), set()),
        (("institution", "ada", "Harbour"), {"ocean", "tides"}),
    ],
)
def test_a_right_follows_from_memberships_and_the_tree(
    site: Site, visitor: tuple[str, str | None, str | None], projects: set[str]
) -> None:
    known = ids(site)
    role, person, institution = visitor
    asking = Visitor(role, known.get(person or ""), known.get(institution or ""))
    right = may_see(asking, site.register.alias, TODAY)
    assert right == Right(
        people=frozenset({known[person]}) if person else frozenset(),
        projects=frozenset(known[one] for one in projects),
        institutions=frozenset({known[institution]}) if institution else frozenset(),
    )


def test_staff_sees_everything_and_nobody_sees_anything(site: Site) -> None:
    alias = site.register.alias
    for role in ("staff", "administrator"):
        assert may_see(Visitor(role), alias, TODAY).filters == ()
    question = Question.ask(realm="cloud", meters=["core_hours"], first=FIRST, last=LAST)
    for public in (False, True):
        right = may_see(Visitor("public"), alias, TODAY, public)
        rows = answer_question(site, right.restrict(question)).rows
        assert [row.values[0] for row in rows] == ([Decimal(7200)] if public else [])


@pytest.mark.parametrize("grouping", ["portal_project", "person", "institution", "user", "project", "pi"])
def test_open_totals_name_nobody(site: Site, grouping: str) -> None:
    right = may_see(Visitor("public"), site.register.alias, TODAY, public=True)
    ask = {"realm": "cloud", "meters": ["core_hours"], "first": FIRST, "last": LAST}
    right.restrict(Question.ask(**ask, by=["resource", "month"]))
    with pytest.raises(Forbidden, match=grouping):
        right.restrict(Question.ask(**ask, by=[grouping]))
    with pytest.raises(Forbidden, match=grouping):
        right.restrict(Question.ask(**ask, filters={grouping: ["x"]}))
