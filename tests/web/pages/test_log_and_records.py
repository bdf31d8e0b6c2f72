"""Who may search which lines, and who may see the raw record behind one?"""

from __future__ import annotations

import html
import re

import pytest
from rights.matrix import ALL_ITEMS, ITEMS, ROLES
from served import Served
from two_institutions import PERIOD

LINKED = [role for role in ROLES if role != "unlinked"]
QUERY = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.mark.parametrize("role", LINKED)
def test_the_log_tells_of_what_the_role_may_see(served: Served, role: str) -> None:
    page = served.browser(role).get("/log", params=QUERY).text
    assert {item for item in ALL_ITEMS if item in page} == ITEMS[role]


def test_lines_are_searched_and_filtered(served: Served) -> None:
    browser = served.browser("staff")
    assert "vm-ocean" in browser.get("/log", params={**QUERY, "q": "TIDAL pool"}).text
    assert "vm-waves" not in browser.get("/log", params={**QUERY, "q": "tidal pool"}).text
    assert "Nothing found" in browser.get("/log", params={**QUERY, "q": "nothing like that"}).text
    page = browser.get("/log", params={**QUERY, "filter": "portal_project", "value": "waves"}).text
    assert "vm-waves" in page
    assert "vm-ocean" not in page
    assert 'aria-label="Without portal_project=waves"' in page
    assert "Nothing found" in browser.get("/log", params={**QUERY, "kind": "volume"}).text


def test_long_lists_come_in_pages(served: Served) -> None:
    page = served.browser("staff").get("/log", params={**QUERY, "page": "7"}).text
    assert "1 to 8 of 8" in page  # there is one page only
    assert served.browser("staff").get("/log", params={**QUERY, "page": "x"}).status_code == 400


def test_a_period_that_is_too_long_is_said(served: Served) -> None:
    answer = served.browser("staff").get("/log", params={"from": "2020-01-01", "to": "2026-03-31"})
    assert answer.status_code == 400
    assert "at most 93 days" in answer.text


def records(served: Served) -> dict[str, str]:
    """The address of a record of each item, as staff finds them in the log."""
    page = served.browser("staff").get("/log", params=QUERY).text
    found = [html.unescape(one) for one in re.findall(r'href="(/item/record\?[^"]+)"', page)]
    return {re.search(r"item=([^&]+)", one).group(1): one for one in found}  # type: ignore[union-attr]


@pytest.mark.parametrize("role", LINKED)
def test_a_record_is_there_for_who_may_see_its_item(served: Served, role: str) -> None:
    found = records(served)
    assert set(found) == ALL_ITEMS
    for item, address in found.items():
        answer = served.browser(role).get(address)
        assert answer.status_code == (200 if item in ITEMS[role] else 404), item
        if answer.status_code == 200:
            assert f"<bdi>{item}</bdi>" in answer.text


def test_another_record_of_the_batch_is_not_there_with_one_s_own_item(served: Served) -> None:
    """The member sees the records of Tides' VM, and no other by changing the number."""
    own = records(served)["vm-tides"]
    seen = []
    for number in range(1, 10):
        address = re.sub(r"record=\d+", f"record={number}", own)
        answer = served.browser("member").get(address)
        if answer.status_code == 200:
            seen.append(number)
            assert "vm-ocean" not in answer.text
    assert seen == [3, 4]


@pytest.mark.parametrize(
    "query", [{"record": "x"}, {"record": "-1"}, {"from": "never"}, {"record": "9" * 30}]
)
def test_what_is_no_record_is_said(served: Served, query: dict[str, str]) -> None:
    asked = {"item": "vm-tides", "resource": "cloud", "batch": "b", **PERIOD, **query}
    assert served.browser("staff").get("/item/record", params=asked).status_code == 400
