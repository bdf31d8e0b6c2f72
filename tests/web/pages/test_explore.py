"""Does the address hold the whole question, and does a click lead from the institution to the item?"""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

from served import Served
from two_institutions import PERIOD

ASKED = {"realm": "cloud", "meter": "core_hours", **PERIOD}


def links(text: str, path: str = "/explore") -> dict[str, list[tuple[str, str]]]:
    """What links of a table lead to that path: text -> words of the address."""
    table = text.split("<tbody>")[1].split("</tbody>")[0]
    found = re.findall(rf'<a href="{path}\?([^"]*)"><bdi>([^<]*)</bdi></a>', table)
    return {html.unescape(name): parse_qsl(html.unescape(query)) for query, name in found}


def test_the_form_leads_to_an_address_that_holds_the_question_and_nothing_else(served: Served) -> None:
    browser = served.browser("staff")
    form = {**ASKED, "chosen": "1", "by": ["", "portal_project", "person"], "chart": "bar", "compare": "year"}
    answer = browser.get("/explore", params={**form, "filter": "institution", "value": "Northfield"})
    assert answer.status_code == 302
    assert parse_qsl(urlsplit(answer.headers["location"]).query) == [
        ("realm", "cloud"),
        ("meter", "core_hours"),
        ("by", "portal_project,person"),
        ("from", "2026-03-01"),
        ("to", "2026-03-20"),
        ("where", "institution=Northfield"),
        ("chart", "bar"),
        ("compare", "year"),
    ]


def test_another_realm_is_asked_by_its_own_meters(served: Served) -> None:
    answer = served.browser("staff").get(
        "/explore", params={"realm": "cloud-storage", "meter": "core_hours", "chosen": "1", **PERIOD}
    )
    assert "meter=gib_hours" in answer.headers["location"]


def test_clicks_lead_from_the_institution_down_to_the_item(served: Served) -> None:
    """Northfield -> Ocean with Tides below it -> Tides itself -> Cyd -> the VM -> its log."""
    browser = served.browser("staff")
    page = browser.get("/explore", params={**ASKED, "by": "institution"}).text
    down = links(page)["Northfield"]
    assert ("by", "portal_project") in down
    page = browser.get("/explore", params=dict(down)).text
    assert set(links(page)) == {"Ocean", "Tides", "Waves"}
    down = links(page)["Ocean"]
    assert ("where", "project_tree=ocean") in down
    page = browser.get("/explore", params=down).text
    assert set(links(page)) == {"Ocean", "Tides"}
    down = links(page)["Tides"]
    assert ("by", "person") in down
    page = browser.get("/explore", params=down).text
    assert "Institution: <bdi>Northfield</bdi>" in page  # the way back
    items = links(page, "/item")["Park, Cyd"]
    page = browser.get("/item", params=items).text
    (item,) = re.findall(r'href="(/item\?item=vm-tides[^"]*)"', page)
    page = browser.get(html.unescape(item)).text
    assert "created VM" in page
    (record,) = set(re.findall(r'href="(/item/record\?[^"]*record=3)"', page))
    page = browser.get(html.unescape(record)).text
    assert "compute.instance.create.end" in page


def test_a_row_of_a_day_leads_to_the_items_of_that_day(served: Served) -> None:
    page = served.browser("staff").get("/explore", params={**ASKED, "by": "day,person"}).text
    assert {("from", "2026-03-20"), ("to", "2026-03-20")} <= set(links(page, "/item")["Park, Cyd"])


def test_a_comparison_shows_both_periods_and_the_difference(served: Served) -> None:
    asked = {**ASKED, "from": "2026-03-11", "to": "2026-03-30", "by": "", "compare": "previous"}
    page = served.browser("staff").get("/explore", params=asked).text
    cells = re.findall(r'<td class="number[^"]*">([^<]*)</td>', page)
    # Ten days of 360 core hours a day, and ten of the twenty days before.
    assert cells == ["3,600.0000", "3,600.0000", "+0.0000", "+0.0"]
    assert "Compared with 19 Feb 2026 to 10 Mar 2026" in page


def test_values_of_a_filter_are_those_that_the_account_may_see(served: Served) -> None:
    asked = {**ASKED, "filter": "portal_project"}
    for role, expected in (("member", ["Tides"]), ("pi", ["Ocean", "Tides"]), ("harbour", ["Waves"])):
        page = served.browser(role).get("/explore/values", params=asked).text
        assert re.findall(r'<option value="([^"]*)"', page) == expected, role
    page = served.browser("staff").get("/explore/values", params={**asked, "value": "id"}).text
    assert re.findall(r'<option value="([^"]*)"', page) == ["Tides"]


def test_the_command_on_the_page_can_be_pasted(served: Served) -> None:
    asked = {**ASKED, "by": "portal_project", "where": "portal_project=it's; rm -rf /"}
    page = served.browser("staff").get("/explore", params=asked).text
    assert "No data" in page
    asked["where"] = "portal_project=Ocean"
    page = html.unescape(served.browser("staff").get("/explore", params=asked).text)
    assert (
        "meterhouse usage --realm cloud --meter core_hours --by portal_project "
        "--from 2026-03-01 --to 2026-03-20 --where portal_project=Ocean" in page
    )
    assert f"{served.url}/api/v1/usage?realm=cloud&meter=core_hours&by=portal_project" in page
