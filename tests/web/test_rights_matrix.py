"""Who gets what, from which page and endpoint? Core hours of all VMs are 480 x (1 + 2 + 4 + 8) = 7200."""

from __future__ import annotations

from decimal import Decimal

import pytest
from served import Served
from two_institutions import PERIOD

# Role -> core hours in all, and the items of which spans and log tell.
SEEN = {
    "unlinked": (None, set()),
    "member": (960, {"vm-tides"}),  # the project that Cyd is in
    "pi": (480 + 960, {"vm-ocean", "vm-tides"}),  # Ada's project and the one below it
    "northfield": (480 + 960 + 768, {"vm-ocean", "vm-tides", "vm-waves"}),  # 40 % of Waves' 1920
    "harbour": (1152, {"vm-waves"}),  # 60 % of them
    "staff": (7200, {"vm-ocean", "vm-tides", "vm-waves", "vm-nobody"}),
    "administrator": (7200, {"vm-ocean", "vm-tides", "vm-waves", "vm-nobody"}),
}
ENDPOINTS = ("resources", "meters", "sources", "coverage", "usage", "spans", "log")
PAGES = ("/", "/explore", "/item", "/sources")


@pytest.mark.parametrize("role", SEEN)
def test_usage_counts_what_the_role_may_see(served: Served, role: str) -> None:
    answer = served.ask(role, "usage", meter="core_hours", **PERIOD).json()
    found = sum(Decimal(row["core_hours"]) for row in answer["rows"]) if answer["rows"] else None
    assert found == SEEN[role][0]


@pytest.mark.parametrize("role", SEEN)
@pytest.mark.parametrize(("path", "how"), [("spans", "application/json"), ("log", "text/csv")])
def test_spans_and_log_tell_of_items_that_the_role_may_see(
    served: Served, role: str, path: str, how: str
) -> None:
    answer = served.ask(role, path, how, **PERIOD)
    for item in ("vm-ocean", "vm-tides", "vm-waves", "vm-nobody"):
        assert (item in answer.text) == (item in SEEN[role][1]), item


@pytest.mark.parametrize("role", SEEN)
def test_the_page_of_an_item_is_there_for_who_may_see_it(served: Served, role: str) -> None:
    browser = served.browser(role)
    everything = ("vm-nobody", "vm-waves", "vm-tides", "vm-ocean")
    hidden = next((item for item in everything if item not in SEEN[role][1]), None)
    for item in (*sorted(SEEN[role][1])[:1], *([hidden] if hidden else [])):
        page = browser.get("/item", params={"item": item, **PERIOD})
        expected = 200 if item in SEEN[role][1] else (403 if role == "unlinked" else 404)
        assert page.status_code == expected, item
    listed = browser.get("/item", params=PERIOD).text
    assert {item for item in ("vm-ocean", "vm-tides", "vm-waves", "vm-nobody") if item in listed} == SEEN[
        role
    ][1]
    total, _ = SEEN[role]
    explored = browser.get("/explore", params={"realm": "cloud", "by": "", "meter": "core_hours", **PERIOD})
    shown = f">{total:,}.0000<" if total else "tied to a person"
    assert shown in explored.text


@pytest.mark.parametrize("path", ENDPOINTS)
def test_nobody_gets_anything_without_a_token(served: Served, path: str) -> None:
    answer = served.ask("anybody", path, **PERIOD)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_page_without_logging_in(served: Served, page: str) -> None:
    browser = served.browser(None)
    answer = browser.get(page)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/accounts/login/?next={page}")


@pytest.mark.parametrize("role", [role for role in SEEN if role != "unlinked"])
@pytest.mark.parametrize("page", ["/", "/sources"])
def test_pages_of_all_answer_every_role(served: Served, role: str, page: str) -> None:
    browser = served.browser(role)
    assert browser.get(page).status_code == 200


@pytest.mark.parametrize("path", ["resources", "meters", "sources", "coverage"])
def test_what_is_of_nobody_is_for_every_role(served: Served, path: str) -> None:
    for role in SEEN:
        assert served.ask(role, path, **PERIOD).status_code == 200, role


@pytest.mark.parametrize(
    ("path", "status"), [("usage", 200), ("resources", 200), ("spans", 403), ("log", 403), ("coverage", 403)]
)
def test_a_token_is_good_for_its_scopes_only(served: Served, path: str, status: int) -> None:
    assert served.ask("usage only", path, **PERIOD).status_code == status


def test_what_a_source_answered_is_for_staff(served: Served) -> None:
    assert "detail" in served.ask("staff", "coverage").json()["rows"][0]
    assert "detail" not in served.ask("pi", "coverage").json()["rows"][0]


def test_a_filter_never_widens_what_is_seen(served: Served) -> None:
    """The PI of Ocean asks for Waves, and for what everything above Tides used."""
    query = {"meter": "core_hours", "by": "portal_project", **PERIOD}
    assert served.ask("pi", "usage", where="portal_project=waves", **query).json()["rows"] == []
    found = served.ask(
        "member", "usage", **(query | {"by": "project_tree"}), where="project_tree=ocean"
    ).json()
    assert {Decimal(row["core_hours"]) for row in found["rows"]} == {Decimal(960)}
