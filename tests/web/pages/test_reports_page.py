"""Are reports and exports made for whoever asked, of what they may see, and told of when they are ready?"""

from __future__ import annotations

import html
import re
import time

import httpx
import pytest
from posting import post
from served import Served
from two_institutions import PERIOD


def made(browser: httpx.Client, about: str) -> str:
    """The address of the file, once it is there."""
    for _ in range(300):
        page = browser.get("/reports/made").text
        row = next((one for one in page.split("<tr>") if about in html.unescape(one)), "")
        found = re.findall(r'href="(/reports/[0-9a-f-]+/file)"', row)
        if found:
            return found[0]
        assert "failed" not in row, row
        time.sleep(0.1)
    pytest.fail(f"{about}: not made")


def test_an_export_of_an_answer_is_made_and_told_of(served: Served) -> None:
    browser = served.browser("pi")
    words = {"realm": "cloud", "meter": "core_hours", "by": "portal_project", **PERIOD}
    answer = post(
        browser, f"/explore?{httpx.QueryParams(words)}", "/reports/ask",
        kind="export", what="usage", format="csv", **words,
    )  # fmt: skip
    assert answer.headers["location"] == "/reports"
    file = browser.get(made(browser, "Export of usage, cloud by portal_project"))
    assert (
        file.text
        == "portal_project,portal_project_id,core_hours\nOcean,ocean,480.0000\nTides,tides,960.0000\n"
    )
    assert file.headers["content-disposition"].startswith("attachment")


def test_a_notice_stands_on_every_page_until_one_has_looked(served: Served) -> None:
    browser = served.browser("harbour")
    browser.get("/reports")
    assert "ready" not in browser.get("/project").text
    post(browser, "/reports", "/reports/ask", kind="export", what="spans", format="csv", **PERIOD)
    for _ in range(300):
        if "1 ready" in browser.get("/reports/notice").text:
            break
        time.sleep(0.1)
    assert '<a href="/reports">1 ready</a>' in browser.get("/project").text
    browser.get("/reports")
    assert "ready</a>" not in browser.get("/project").text


def test_a_report_is_made_of_what_the_account_may_see(served: Served) -> None:
    browser = served.browser("member")
    post(browser, "/reports", "/reports/ask", kind="report", month="2026-03", format="html", realm="cloud")
    file = browser.get(made(browser, "Report of 2026-03, cloud (HTML)"))
    assert "p2-name" in file.text
    assert "p3-name" not in file.text


def test_nobody_fetches_or_deletes_what_another_asked_for(served: Served) -> None:
    browser = served.browser("northfield")
    post(browser, "/reports", "/reports/ask", kind="export", what="log", format="json", **PERIOD)
    file = made(browser, "Export of log")
    for role in ("staff", "harbour"):
        assert served.browser(role).get(file).status_code == 404
        ended = post(served.browser(role), "/reports", file.replace("/file", "/end"))
        assert ended.status_code == 404
    post(browser, "/reports", file.replace("/file", "/end"))
    assert browser.get(file).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"kind": "export", "what": "dump", "format": "csv", **PERIOD}, 403),
        ({"kind": "report", "month": "2026-3"}, 400),
        ({"kind": "report", "month": "2026-03", "format": "exe"}, 400),
        ({"kind": "nonsense"}, 400),
        ({"kind": "export", "what": "usage", "by": "nonsense", **PERIOD}, 400),
        ({"kind": "export", "what": "../../etc", **PERIOD}, 400),
    ],
)
def test_what_cannot_be_made_is_said(served: Served, asked: dict[str, str], status: int) -> None:
    answer = post(served.browser("pi"), "/reports", "/reports/ask", **asked)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_reports_are_planned_and_ended(served: Served) -> None:
    browser = served.browser("pi")
    answer = post(browser, "/reports", "/reports/plan", day="5", realm="cloud", format="xlsx")
    assert answer.status_code == 302
    page = browser.get("/reports").text
    assert "Report of each month, cloud (XLSX)" in page
    (schedule,) = re.findall(
        r'action="(/reports/[0-9a-f-]+/end)">[^/]*<input[^>]*><input[^>]*value="schedule"', page
    )
    assert post(served.browser("staff"), "/reports", schedule, do="schedule").status_code == 404
    post(browser, "/reports", schedule, do="schedule")
    assert "Report of each month" not in browser.get("/reports").text
    assert post(browser, "/reports", "/reports/plan", day="31", realm="cloud").status_code == 400


def test_a_source_is_run_by_staff_only(served: Served) -> None:
    for role, status in (("pi", 403), ("northfield", 403), ("staff", 400)):  # this site has no source
        answer = post(served.browser(role), "/reports", "/sources/run", source="x")
        assert answer.status_code == status, role
