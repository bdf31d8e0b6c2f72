"""Are pages safe and usable? Hostile names stay text; in Chromium charts are drawn and nothing overflows."""

from __future__ import annotations

import shutil
from urllib.parse import urlencode

import httpx
import pytest
from served import PASSWORD, Served
from two_institutions import PERIOD, SCRIPT

CHROMIUM = shutil.which("chromium")


def test_names_from_outside_stay_text(served: Served) -> None:
    browser = served.browser("staff")
    asked = {"realm": "cloud", "meter": "core_hours", **PERIOD}
    for path, query in (
        ("/item", PERIOD),
        ("/item", {**PERIOD, "item": "vm-tides"}),
        ("/explore", {**asked, "by": "project", "where": SCRIPT}),
        ("/explore", {**asked, "by": "project", "where": f"project={SCRIPT}"}),
        ("/explore", {"realm": SCRIPT}),
        ("/explore", {**asked, "chart": SCRIPT}),
    ):
        page = browser.get(path, params=query).text
        assert "<script>alert" not in page, (path, query)
        assert "alert(1)" in page, (path, query)


def test_every_answer_forbids_what_is_not_its_own(served: Served) -> None:
    browser = served.browser("staff")
    for path in ("/", "/explore", "/nonsense", "/accounts/login/", "/api/v1/resources"):
        policy = browser.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy


def test_a_form_from_elsewhere_is_refused(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False, verify=False) as elsewhere:
        answer = elsewhere.post("/accounts/login/", data={"login": "staff", "password": PASSWORD})
        assert answer.status_code == 403
        assert "another site" in answer.text


def test_logging_in_leads_nowhere_else_and_makes_a_new_session(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False, verify=False) as browser:
        browser.cookies.set("meterhouse_session", "chosenbysomebodyelse")
        form = browser.get("/accounts/login/", params={"next": "https://evil.example/"}).text
        sent = {
            "login": "pi",
            "password": PASSWORD,
            "next": "https://evil.example/",
            "csrfmiddlewaretoken": form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0],
        }
        answer = browser.post("/accounts/login/", data=sent)
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        cookie = next(one for one in answer.headers.get_list("set-cookie") if "meterhouse_session" in one)
        assert "chosenbysomebodyelse" not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_nobody_makes_an_account_for_themselves(served: Served) -> None:
    page = served.browser(None).get("/accounts/signup/")
    assert "Whoever runs this site makes accounts" in page.text


def test_static_files_do_not_lead_out_of_their_folder(served: Served) -> None:
    page = served.browser(None).get("/accounts/login/").text
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in served.browser(None).get(style).headers["cache-control"]
    folder = style.rpartition("/")[0]
    for outside in ("/../settings.py", "/%2e%2e/settings.py", "/..%2fsettings.py", "//etc/passwd"):
        assert served.browser(None).get(folder + outside).status_code == 404


@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium")
def test_pages_in_a_browser(served: Served) -> None:
    """A phone's width: nothing is wider, every chart is drawn, and the policy is never breached."""
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_context(viewport={"width": 360, "height": 740}).new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"a name ran: {dialog.message}"))
        page.goto(f"{served.url}/accounts/login/")
        page.keyboard.type("staff")  # the first field has the focus
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.url}/")
        explore = urlencode({"realm": "cloud", "meter": "core_hours", "by": "day,portal_project", **PERIOD})
        item = urlencode({"item": "vm-tides", **PERIOD})
        for path, charts in (("/", 0), (f"/explore?{explore}", 1), (f"/item?{item}", 1), ("/sources", 0)):
            page.goto(served.url + path)
            if charts:
                page.wait_for_selector("[data-chart] svg")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        page.goto(f"{served.url}/explore?{explore}")
        page.wait_for_selector("[data-chart] svg")
        page.select_option("#q-by1", "person")
        page.wait_for_url("**by=day%2Cperson*")
        page.wait_for_selector("td >> text=Oka, Ada")
        page.wait_for_selector("[data-chart] svg")
        chromium.close()
    assert said == []
