"""Who sees which project and pool, and with which figures? Ocean used 480 of 2000, Waves 1920 of 1000."""

from __future__ import annotations

import html
import re

import pytest
from rights.matrix import POOLS, PROJECTS, ROLES
from served import Served

LINKED = [role for role in ROLES if role != "unlinked"]


@pytest.mark.parametrize("role", LINKED)
def test_the_list_has_the_projects_that_the_role_may_see(served: Served, role: str) -> None:
    page = served.browser(role).get("/project").text
    assert set(re.findall(r'/project\?code=([^"]+)"', page)) == PROJECTS[role]


@pytest.mark.parametrize("role", LINKED)
def test_a_project_is_there_for_who_may_see_it(served: Served, role: str) -> None:
    for code in ("ocean", "tides", "waves", "nonsense"):
        answer = served.browser(role).get("/project", params={"code": code})
        assert answer.status_code == (200 if code in PROJECTS[role] else 404), code


def test_a_project_names_what_stands_around_it_as_far_as_the_visitor_may_go(served: Served) -> None:
    page = served.browser("pi").get("/project", params={"code": "ocean"}).text
    assert 'href="/project?code=tides"' in page  # below it
    assert "Ada Oka" in page
    page = served.browser("member").get("/project", params={"code": "tides"}).text
    assert "<li><bdi>Ocean</bdi></li>" in page  # above it, and not Cyd's to open
    assert "Northfield" in page


@pytest.mark.parametrize("role", LINKED)
def test_pools_are_those_of_projects_that_the_role_may_see(served: Served, role: str) -> None:
    page = served.browser(role).get("/pools", params={"period": "2026Q1", "day": "2026-03-31"}).text
    assert set(re.findall(r'/project\?code=([^"]+)"', page)) == POOLS[role]
    numbers = {"ocean": "2,000 480 1,520 1,520 0 0 0", "waves": "1,000 1,920 -920 0 0 0 920"}
    for code, expected in numbers.items():
        row = page.split(f'code={code}"')[-1].split("</tr>")[0]
        if code in POOLS[role]:
            assert " ".join(re.findall(r'<td class="number">([^<]*)</td>', row)) == expected


def pools(served: Served) -> dict[str, str]:
    """The page of the pool of each project, as staff finds it."""
    page = served.browser("staff").get("/pools", params={"period": "2026Q1", "day": "2026-03-31"}).text
    rows = [one.split("</tr>")[0] for one in page.split("<tr>")]
    found = {}
    for row in rows:
        for code in re.findall(r'/project\?code=([^"]+)"', row):
            found[code] = html.unescape(re.findall(r'href="(/pools\?id=[^"]+)"', row)[0])
    return found


@pytest.mark.parametrize("role", LINKED)
def test_a_pool_is_there_for_who_may_see_its_project(served: Served, role: str) -> None:
    for code, address in pools(served).items():
        assert served.browser(role).get(address).status_code == (200 if code in POOLS[role] else 404), code
    assert served.browser(role).get("/pools", params={"id": 999}).status_code == 404
    assert served.browser(role).get("/pools", params={"id": "1 OR 1=1"}).status_code == 400


def test_a_closed_pool_shows_its_statement_and_who_used_it(served: Served) -> None:
    page = served.browser("northfield").get(pools(served)["waves"]).text
    assert re.search(r"SHA-256 <code>[0-9a-f]{64}</code>", page)
    assert "used up since" in page
    assert re.search(r"<bdi>Waves</bdi></td><td class=\"number\">1,920</td>", page)


def test_the_log_of_a_project_is_fetched_beside_it(served: Served) -> None:
    query = {"where": "portal_project=tides", "from": "2026-03-01", "to": "2026-03-31"}
    lines = served.browser("pi").get("/log/newest", params=query).text
    assert lines.count("vm-tides") == 4  # began and ended: each with its item and its record
    assert "vm-ocean" not in lines
    hidden = served.browser("pi").get("/log/newest", params=query | {"where": "portal_project=waves"}).text
    assert "Nothing happened" in hidden
