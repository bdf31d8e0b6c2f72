"""Is a page that is kept still right? Not for another, not after a change, and of one state of the site."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from served import Served, copied, serving
from two_institutions import PERIOD

from meterhouse.directory.pen import written
from meterhouse.directory.register.models import ProjectMembership
from meterhouse.site import Site

TEMPLATES = Path(__file__).parents[3] / "src/meterhouse/web/templates"
BY_PROJECT = (
    f"/explore?{urlencode({'realm': 'cloud', 'meter': 'core_hours', 'by': 'portal_project', **PERIOD})}"
)


@pytest.fixture(scope="module")
def changing(
    original: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A site of this module's own, which it changes."""
    folder = copied(original, tmp_path_factory.mktemp("kept") / "site")
    with serving(folder, "--no-work") as url:
        yield Served(url, folder, tokens, {})


def figures(browser: httpx.Client) -> set[str]:
    """Which projects Explore shows."""
    page = browser.get(BY_PROJECT).text
    return {name for name in ("Ocean", "Tides", "Waves") if f"<bdi>{name}</bdi>" in page}


def test_what_is_kept_of_one_is_not_shown_to_another(changing: Served) -> None:
    for _ in range(2):  # made, and kept
        assert figures(changing.browser("staff")) == {"Ocean", "Tides", "Waves"}
        assert figures(changing.browser("pi")) == {"Ocean", "Tides"}
        assert figures(changing.browser("member")) == {"Tides"}
        assert figures(changing.browser("harbour")) == {"Waves"}


def test_names_and_tokens_are_each_visitors_own(changing: Served) -> None:
    """Two accounts that see the same share what is written, but neither a name nor a token of a form."""
    pages = [changing.browser(name).get(BY_PROJECT).text for name in ("staff", "administrator", "staff")]
    for page, name in zip(pages, ("staff", "administrator", "staff"), strict=True):
        assert re.findall(r'<span class="who">(\w+)</span>', page) == [name]
    tokens = [set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)) for page in pages]
    assert all(tokens)
    assert not tokens[0] & tokens[1]


@pytest.mark.parametrize("template", ["explore_content.html", "overview_content.html", "freshness.html"])
def test_what_is_kept_has_no_place_for_whose_it_is(template: str) -> None:
    text = (TEMPLATES / template).read_text()
    assert not re.findall(r"csrf|request\b|user\b|messages\b", re.sub(r"hx-\S+", "", text))


def test_what_changes_is_seen_by_the_next_page(changing: Served) -> None:
    """Ada leaves the project that she led: what is left is her own VM, of those days in Ocean."""
    browser = changing.browser("pi")
    assert figures(browser) == {"Ocean", "Tides"}
    with Site.open(changing.folder) as site:
        alias = site.register.alias
        held = ProjectMembership.objects.using(alias).get(person__username="ada")
        written(alias, "test", "", lambda pen: pen.change(held, valid_until=date(2026, 6, 1)))
    assert figures(browser) == {"Ocean"}


def test_who_loses_their_role_sees_nothing_at_once(changing: Served) -> None:
    browser = changing.browser("harbour")
    assert figures(browser) == {"Waves"}
    register = sqlite3.connect(changing.folder / "register.sqlite3")
    with register:
        register.execute(
            "DELETE FROM web_accounts_access WHERE user_id = "
            "(SELECT id FROM auth_user WHERE username = 'harbour')"
        )
    register.close()
    assert browser.get(BY_PROJECT).status_code == 403
