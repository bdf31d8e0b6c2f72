"""Is a page that is kept still right? Not for another, not after a change, and of one state of the site."""

from __future__ import annotations

import re
import sqlite3
import time
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
from meterhouse.warehouse.publishing import NewFile, last_build

TEMPLATES = Path(__file__).parents[3] / "src/meterhouse/web/templates"
BY_PROJECT = (
    f"/explore?{urlencode({'realm': 'cloud', 'meter': 'core_hours', 'by': 'portal_project', **PERIOD})}"
)
BEHIND = "These figures are being made anew"


@pytest.fixture(scope="module")
def changing(
    original: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A site of this module's own, which it changes."""
    folder = copied(original, tmp_path_factory.mktemp("kept") / "site")
    with serving(folder, "--no-work") as url:
        yield Served(url, folder, tokens, {})


def build_again(folder: Path) -> int:
    """What a build leaves, without another figure: the newest file of daily usage is another one."""
    with Site.open(folder) as site, site.engine() as engine:
        view = site.warehouse.view()
        newest = view.files("daily")[-1]
        path = site.warehouse.new_path("daily")
        rows = engine.copy(f"SELECT * FROM ({view.select_files('daily', [newest])})", path)
        return site.warehouse.publish(
            kind="build",
            previous_build=last_build(site.register.alias, view.snapshot).number,
            input_snapshot=view.snapshot,
            models_key="test",
            remove=[newest.id],
            add=[NewFile("daily", path, newest.partition, newest.min_time, newest.max_time, rows)],
        )


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


def newest(browser: httpx.Client, address: str) -> str:
    """A page that isn't behind; nobody waits for it longer than a minute."""
    until = time.monotonic() + 60
    while BEHIND in (page := browser.get(address).text) and time.monotonic() < until:
        time.sleep(0.1)
    return page


def snapshot_shown(page: str) -> int:
    return int(re.findall(r"Snapshot (\d+) of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page)[0])


@pytest.mark.parametrize("address", ["/", BY_PROJECT])
def test_nobody_waits_for_what_a_build_changed(changing: Served, address: str) -> None:
    """The page before it is shown once more and says so; soon it is that of the build."""
    browser = changing.browser("staff")
    before = snapshot_shown(newest(browser, address))
    built = build_again(changing.folder)
    page = browser.get(address).text
    assert (snapshot_shown(page), BEHIND in page) == (before, True)
    assert snapshot_shown(newest(browser, address)) == built
    # Programs get the newest, always.
    words = {"realm": "cloud", "meter": "core_hours", "by": "portal_project", **PERIOD}
    built = build_again(changing.folder)
    told = httpx.get(
        f"{changing.url}/api/v1/usage",
        params=words,
        headers={"Authorization": f"Bearer {changing.tokens['staff']}"},
        trust_env=False,
    )
    assert told.json()["snapshot"] == built


def test_what_changes_is_seen_by_the_next_page(changing: Served) -> None:
    """Ada leaves the project that she led: what is left is her own VM, of those days in Ocean.

    That isn't a matter of seconds, also when a build changed something at the same time.
    """
    browser = changing.browser("pi")
    assert figures(browser) == {"Ocean", "Tides"}
    build_again(changing.folder)
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
