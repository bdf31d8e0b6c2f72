"""Do pages work in Chromium, by keyboard, on a phone and in the dark, and does nothing breach the policy?"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from screens import CHROMIUM, PHONE, Screen, screens
from served import PASSWORD, Served
from two_institutions import PERIOD, SCRIPT

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")
ASKED = urlencode({"realm": "cloud", "meter": "core_hours", **PERIOD})


@pytest.fixture(scope="module")
def opened(served: Served) -> Iterator[Any]:
    """Opens screens; the second time with the session of the first."""
    states: dict[str, Any] = {}
    with screens(served.url) as open_screen:

        def logged_in(name: str, width: int = 1280, dark: bool = False) -> Screen:
            if name not in states:
                first = open_screen()
                first.log_in(name, PASSWORD)
                states[name] = first.page.context.storage_state()
                assert first.complaints() == []
            screen: Screen = open_screen(width, dark, states[name])
            return screen

        yield logged_in


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (PHONE, False)])
def test_nothing_is_wrong_with_any_page(served: Served, opened: Any, width: int, dark: bool) -> None:
    screen = opened("staff", width, dark)
    listed = served.browser("staff").get("/log", params={"from": "2026-03-01", "to": "2026-03-31"}).text
    record = html.unescape(re.findall(r'href="(/item/record\?[^"]+)"', listed)[0])
    wrong = {}
    for path in (
        "/",
        f"/explore?{ASKED}&by=day,portal_project",
        f"/explore?{ASKED}&by=day&compare=previous",
        f"/explore?{ASKED}&by=portal_project&chart=pie",
        f"/explore?{ASKED}&by=day,person&chart=heat",
        "/project",
        "/project?code=ocean",
        "/pools?period=2026Q1&day=2026-03-31",
        "/pools?id=2&day=2026-03-31",
        f"/item?{urlencode(PERIOD)}",
        f"/item?{urlencode({'item': 'vm-tides', **PERIOD})}",
        record,
        "/log?from=2026-03-01&to=2026-03-31",
        "/storage",
        "/reports",
        "/saved",
        "/sources",
    ):
        screen.show(path)
        if found := screen.complaints():
            wrong[path] = found
    assert wrong == {}


def test_the_checks_find_what_is_wrong(opened: Any) -> None:
    screen = opened("staff", PHONE)
    screen.show("/project")
    screen.page.evaluate(
        """() => {
            document.querySelector("h1").insertAdjacentHTML("afterend",
                '<p class="quiet" id="twice">faint</p><p id="twice">x</p><button></button><input>');
            document.querySelector("p.quiet").style.setProperty("color", "#999");
            document.querySelector("h1").style.setProperty("width", "700px");
        }"""
    )
    told = "\n".join(screen.complaints())
    for expected in ("px wide on 360", "faint", "no name", "no label", "id twice: twice"):
        assert expected in told, expected


def test_questions_are_asked_by_keyboard_and_stand_in_the_address(served: Served, opened: Any) -> None:
    screen = opened("staff")
    page = screen.page
    screen.show(f"/explore?{ASKED}&by=day,portal_project")
    page.focus("#q-by1")
    page.keyboard.type("Person")
    page.wait_for_url("**by=day%2Cperson*")
    page.wait_for_selector("td >> text=Oka, Ada")
    page.wait_for_selector("[data-chart] svg")
    page.select_option("#q-filter", "portal_project")  # alone it asks nothing
    page.focus("#q-value")
    page.keyboard.type("Tid")
    page.wait_for_selector("#q-values option[value='Tides']", state="attached")
    page.keyboard.type("es")
    page.keyboard.press("Enter")
    page.wait_for_url("**where=portal_project%3DTides*")
    page.wait_for_selector("[aria-label='Without Portal project: Tides']")
    page.wait_for_selector("[data-chart] svg")
    assert "Oka, Ada" not in page.inner_text("tbody")
    page.go_back()
    page.wait_for_selector("td >> text=Oka, Ada")
    assert screen.complaints() == []


def test_the_first_key_leads_past_the_frame(opened: Any) -> None:
    screen = opened("staff")
    screen.show("/")
    screen.page.keyboard.press("Tab")
    assert screen.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    screen.page.keyboard.press("Enter")
    assert screen.page.evaluate("document.activeElement.id") == "main"


def test_a_question_is_saved_put_on_a_dashboard_and_drawn_there(opened: Any) -> None:
    screen = opened("administrator")
    page = screen.page
    screen.show(f"/explore?{ASKED}&by=day,portal_project&chart=area")
    page.locator("summary", has_text="Save it").click()
    page.fill("[name=title]", SCRIPT)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector(".said >> text=Saved as")
    screen.show("/saved")
    page.fill("[name=title] >> nth=0", SCRIPT)
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/dashboards/*")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_selector("[data-chart] svg")
    assert screen.complaints() == []


def test_an_export_is_asked_for_and_its_list_says_when_it_is_ready(opened: Any) -> None:
    screen = opened("administrator")
    screen.show("/reports")
    screen.page.get_by_role("button", name="Export it").click()
    newest = "#made tbody tr:first-child"
    screen.page.wait_for_selector(f"{newest} .tag.complete", timeout=60_000)
    with screen.page.expect_download() as download:
        screen.page.click(f"{newest} a[download]")
    assert download.value.suggested_filename.startswith("spans-")
    assert screen.complaints() == []
