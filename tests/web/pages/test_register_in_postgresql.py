"""Is a site served the same from a register in PostgreSQL? Log-in, Overview, Explore, and what changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
from served import Served, serving
from two_institutions import PERIOD, make_site

from meterhouse.directory.pen import written
from meterhouse.directory.register.models import ProjectMembership
from meterhouse.site import Site
from services.fixtures import postgresql as postgresql
from services.postgresql import PostgreSQL

BY_PROJECT = (
    f"/explore?{urlencode({'realm': 'cloud', 'meter': 'core_hours', 'by': 'portal_project', **PERIOD})}"
)


@pytest.fixture(scope="module")
def served_from_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("postgresql") / "site"
    with make_site(folder, register=postgresql.database()):
        pass
    program = Path(__file__).parents[1] / "accounts_of_roles.py"
    made = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with serving(folder, "--no-work") as url:
        yield Served(url, folder, json.loads(made.stdout), {})


def test_everyone_sees_what_is_theirs(served_from_postgresql: Served) -> None:
    """Seven times, on connections that are kept open for the next page."""
    for name, theirs in (
        ("staff", {"Ocean", "Tides", "Waves"}),
        ("member", {"Tides"}),
        ("harbour", {"Waves"}),
    ):
        browser = served_from_postgresql.browser(name)
        for _ in range(7):
            page = browser.get(BY_PROJECT)
            assert page.status_code == 200
            assert {one for one in ("Ocean", "Tides", "Waves") if f"<bdi>{one}</bdi>" in page.text} == theirs


@pytest.mark.parametrize(
    "path", ["/", "/project", "/pools", "/item", "/log", "/reports", "/saved", "/sources"]
)
def test_pages_are_shown(served_from_postgresql: Served, path: str) -> None:
    assert served_from_postgresql.browser("staff").get(path).status_code == 200


def test_a_question_is_kept_and_shown_again(served_from_postgresql: Served) -> None:
    browser = served_from_postgresql.browser("pi")
    token = browser.get(BY_PROJECT).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    sent = {"title": "By project", "address": BY_PROJECT.partition("?")[2], "moving": ""}
    headers = {"Referer": served_from_postgresql.url}
    kept = browser.post("/saved/save", data={**sent, "csrfmiddlewaretoken": token}, headers=headers)
    assert kept.status_code == 302
    assert "By project" in browser.get("/saved").text


def test_who_leaves_a_project_sees_it_no_longer(served_from_postgresql: Served) -> None:
    browser = served_from_postgresql.browser("pi")
    assert "<bdi>Tides</bdi>" in browser.get(BY_PROJECT).text
    with Site.open(served_from_postgresql.folder) as site:
        alias = site.register.alias
        held = ProjectMembership.objects.using(alias).get(person__username="ada")
        written(alias, "test", "", lambda pen: pen.change(held, valid_until=date(2026, 6, 1)))
    assert "<bdi>Tides</bdi>" not in browser.get(BY_PROJECT).text
