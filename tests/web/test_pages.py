"""Are pages safe? Hostile names stay text, forms and log-in can't be abused, files stay in their folder."""

from __future__ import annotations

import httpx
from served import PASSWORD, Served
from two_institutions import PERIOD, SCRIPT


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
        ("/explore", {**asked, "compare": SCRIPT}),
        ("/log", {"from": "2026-03-01", "to": "2026-03-31"}),
        ("/log", {**PERIOD, "where": f"project={SCRIPT}"}),
        ("/log", {**PERIOD, "q": SCRIPT}),
        ("/project", {"q": SCRIPT}),
        ("/pools", {"q": SCRIPT}),
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
    with httpx.Client(base_url=served.url, trust_env=False, verify=False, timeout=60) as elsewhere:
        answer = elsewhere.post("/accounts/login/", data={"login": "staff", "password": PASSWORD})
        assert answer.status_code == 403
        assert "another site" in answer.text


def test_logging_in_leads_nowhere_else_and_makes_a_new_session(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False, verify=False, timeout=60) as browser:
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
