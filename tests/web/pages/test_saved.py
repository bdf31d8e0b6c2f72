"""Are saved questions one's own, found again as they were, and shown to others as those may see?"""

from __future__ import annotations

import html
import re

import httpx
import pytest
from posting import post
from served import PASSWORD, Served

ASKED = "realm=cloud&meter=core_hours&by=portal_project&from=2026-03-01&to=2026-03-20&chart=bar"


def save(browser: httpx.Client, title: str, address: str = ASKED, moving: str = "") -> httpx.Response:
    return post(browser, f"/explore?{ASKED}", "/saved/save", title=title, address=address, moving=moving)


def kept(browser: httpx.Client) -> dict[str, str]:
    """Titles and addresses of what is saved."""
    page = browser.get("/saved").text
    found = re.findall(r'<a href="(/explore\?[^"]+)"><bdi>([^<]+)</bdi>', page)
    return {html.unescape(title): html.unescape(address) for address, title in found}


def number(browser: httpx.Client, title: str) -> str:
    """The id of a saved question."""
    row = browser.get("/saved").text.split(f"<bdi>{html.escape(title)}</bdi>")[1]
    return re.findall(r'action="/saved/(\d+)/change"', row)[0]


def test_a_question_is_found_again_as_it_was_saved(served: Served) -> None:
    browser = served.browser("pi")
    answer = save(browser, "  Core  hours ")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/explore?{ASKED}")
    assert kept(browser)["Core hours"] == f"/explore?{ASKED}"
    assert "Tides" in browser.get(kept(browser)["Core hours"]).text
    save(browser, "Core hours", ASKED.replace("bar", "pie"))  # the same title again replaces it
    assert kept(browser)["Core hours"].endswith("chart=pie")


def test_a_moving_question_means_the_days_of_today(served: Served) -> None:
    browser = served.browser("pi")
    save(browser, "Of late", moving="30-days")
    assert "from=2026-03-01" not in kept(browser)["Of late"]


def test_titles_from_people_stay_text_and_questions_are_read_before_they_are_kept(served: Served) -> None:
    browser = served.browser("pi")
    save(browser, "<script>alert(1)</script>", f"{ASKED}&next=https://evil.example&x=<b>")
    page = browser.get("/saved").text
    assert "<script>alert" not in page
    assert kept(browser)["<script>alert(1)</script>"] == f"/explore?{ASKED}"
    for address in ("realm=nonsense", f"{ASKED}&chart=x", f"{ASKED}&compare=x", "from=never"):
        assert save(browser, "Wrong", address).status_code == 400, address
    assert save(browser, "").status_code == 400
    assert save(browser, "x" * 201).status_code == 400


def test_without_the_form_s_token_nothing_is_kept(served: Served) -> None:
    answer = served.browser("pi").post("/saved/save", data={"title": "Forged", "address": ASKED})
    assert answer.status_code == 403
    assert "Forged" not in kept(served.browser("pi"))


def test_nobody_changes_what_is_another_s(served: Served) -> None:
    save(served.browser("pi"), "Mine")
    mine = number(served.browser("pi"), "Mine")
    for doing in ("rename", "delete", "share", "unshare", "add"):
        answer = post(
            served.browser("staff"), "/saved", f"/saved/{mine}/change", do=doing, title="Taken", dashboard="1"
        )
        assert answer.status_code == 404
    assert served.browser("staff").get(f"/saved/{mine}/panel").status_code == 404
    assert "Mine" in kept(served.browser("pi"))


def test_a_question_is_renamed_and_deleted(served: Served) -> None:
    browser = served.browser("harbour")
    save(browser, "One")
    save(browser, "Two")
    two = number(browser, "Two")
    assert post(browser, "/saved", f"/saved/{two}/change", do="rename", title="One").status_code == 400
    assert post(browser, "/saved", f"/saved/{two}/change", do="rename", title="Three").status_code == 302
    assert set(kept(browser)) == {"One", "Three"}
    post(browser, "/saved", f"/saved/{two}/change", do="delete")
    assert set(kept(browser)) == {"One"}


def test_who_opens_a_shared_question_sees_what_is_theirs(served: Served) -> None:
    browser = served.browser("staff")
    save(browser, "For all")
    shared = number(browser, "For all")
    post(browser, "/saved", f"/saved/{shared}/change", do="share")
    (link,) = re.findall(r"/saved/shared/[A-Za-z0-9_-]+", browser.get("/saved").text)[:1]
    answer = served.browser("member").get(link, follow_redirects=True)
    assert "Tides" in answer.text
    assert "Waves" not in answer.text
    assert served.browser(None).get(link).headers["location"].startswith("/accounts/login/")
    post(browser, "/saved", f"/saved/{shared}/change", do="unshare")
    assert served.browser("member").get(link).status_code == 404
    assert served.browser("member").get("/saved/shared/None").status_code == 404


def test_a_dashboard_is_made_filled_ordered_shared_and_deleted(served: Served) -> None:
    browser = served.browser("northfield")
    for title in ("First", "Second"):
        save(browser, title)
    answer = post(browser, "/saved", "/dashboards", title="Board")
    board = answer.headers["location"]
    assert post(browser, "/saved", "/dashboards", title="Board").status_code == 400
    for title in ("First", "Second", "Second"):
        post(browser, board, f"{board}/change", do="add", question=number(browser, title))
    titles = re.compile(r'<h2><a href="/explore\?[^"]+"><bdi>([^<]+)</bdi>')
    assert titles.findall(browser.get(board).text) == ["First", "Second"]
    panel = re.findall(r'name="panel" value="(\d+)"', browser.get(board).text)[1]
    post(browser, board, f"{board}/change", do="up", panel=panel)
    assert titles.findall(browser.get(board).text) == ["Second", "First"]
    chart = browser.get(f"/saved/{number(browser, 'First')}/panel").text
    assert "data-chart" in chart
    post(browser, board, f"{board}/change", do="share")
    (link,) = re.findall(r"/dashboards/shared/[A-Za-z0-9_-]+", browser.get(board).text)[:1]
    seen = served.browser("harbour").get(link).text
    assert titles.findall(seen) == ["Second", "First"]
    (address,) = re.findall(r'hx-get="(/saved/\d+/panel\?key=[^"]+)"', seen)[:1]
    drawn = html.unescape(served.browser("harbour").get(html.unescape(address)).text)
    assert "Waves" in drawn
    assert "Ocean" not in drawn  # Harbour funds nothing of it
    assert served.browser("harbour").get(board).status_code == 404
    assert post(served.browser("harbour"), "/saved", f"{board}/change", do="delete").status_code == 404
    post(browser, board, f"{board}/change", do="remove", panel=panel)
    assert titles.findall(browser.get(board).text) == ["First"]
    post(browser, board, f"{board}/change", do="delete")
    assert browser.get(board).status_code == 404
    assert set(kept(browser)) == {"First", "Second"}


@pytest.mark.parametrize("panel", ["", "x", "-1", "9" * 30, "0"])
def test_what_is_no_panel_is_not_there(served: Served, panel: str) -> None:
    browser = served.browser("staff")
    if "Odd" not in browser.get("/saved").text:
        post(browser, "/saved", "/dashboards", title="Odd")
    (board,) = re.findall(r'href="(/dashboards/\d+)"><bdi>Odd', browser.get("/saved").text)
    assert post(browser, board, f"{board}/change", do="remove", panel=panel).status_code == 404
    assert PASSWORD not in browser.get(board).text
