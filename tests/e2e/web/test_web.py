"""In a real Chromium, with a real identity provider: from logging in down to one VM's line of the log."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from running import AUDIENCE, Running

CHROMIUM = shutil.which("chromium")
FIRST, LAST = "2026-03-01", "2026-03-20"
BY_INSTITUTION = f"realm=cloud&meter=core_hours&from={FIRST}&to={LAST}&by=institution"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def visit(chromium: Browser, running: Running) -> tuple[Page, list[str]]:
    """A page in a browser of its own, and what went wrong on the site's own pages in it."""
    wrong: list[str] = []
    page = chromium.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(30_000)

    def noted(text: str) -> None:
        if page.url.startswith(running.url):
            wrong.append(f"{page.url}: {text}")

    page.on("console", lambda message: noted(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: noted(str(error)))
    page.on("dialog", lambda dialog: noted(f"a name ran: {dialog.message}"))
    page.goto(running.url)
    return page, wrong


def log_in(page: Page, running: Running, name: str) -> None:
    """By the provider: its own log-in and consent."""
    page.click("text=Log in by Campus")
    page.wait_for_url(f"{running.issuer}/interaction/**")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", "anything")
    page.click("button[type=submit]")
    page.click("button[type=submit]")  # consent
    page.wait_for_url(f"{running.url}/**")


def test_a_person_explores_down_to_one_line_of_the_log(chromium: Browser, running: Running) -> None:
    page, wrong = visit(chromium, running)
    log_in(page, running, "ada")
    page.goto(f"{running.url}/explore?{BY_INSTITUTION}")
    page.click("td >> text=Northfield")
    page.click("td >> text=Ocean")
    page.wait_for_url("**where=*ocean*")
    for _ in range(4):  # person, and what stands below it, until there are items
        if page.locator("td a[href^='/item?']").count():
            break
        page.locator("tbody td a").first.click()
        page.wait_for_load_state("networkidle")
    page.locator("td a[href^='/item?'], a >> text=Items behind it").first.click()
    page.wait_for_url("**/item?**")
    if "item=" not in page.url:
        page.locator("a[href*='item=vm-ocean']").first.click()
    page.wait_for_url("**item=vm-ocean**")
    text = page.inner_text("main")
    assert "tidal pool" in text
    assert re.search(r"2026-03-01.00:00", text)
    printed = running.command("log", "--item", "vm-ocean", "--from", FIRST, "--to", LAST).decode()
    assert "tidal pool" in printed
    assert page.locator("a[href*='/item/record']").count()  # and on to the record that says so
    assert wrong == []


def test_what_is_not_theirs_is_refused(chromium: Browser, running: Running) -> None:
    """Bea leads Waves, which isn't Ada's."""
    page, _ = visit(chromium, running)
    log_in(page, running, "bea")
    for path in (
        f"/item?item=vm-ocean&from={FIRST}&to={LAST}",
        "/project?code=ocean",
        "/api/v1/projects/ocean",
    ):
        answer = page.goto(running.url + path)
        assert answer is not None
        assert answer.status in (403, 404), path
        assert "tidal pool" not in page.content()
    page.goto(f"{running.url}/explore?{BY_INSTITUTION}&where=portal_project%3Docean")
    assert "No data" in page.inner_text("main")
    answer = page.goto(f"{running.url}/admin/")
    assert answer is not None
    assert answer.status in (403, 404) or "/login" in page.url


def test_who_the_directory_does_not_know_gets_no_account(chromium: Browser, running: Running) -> None:
    page, _ = visit(chromium, running)
    log_in(page, running, "mallory")
    assert "directory" in page.inner_text("main")
    page.goto(f"{running.url}/explore")
    assert "/accounts/login/" in page.url


def test_the_downloaded_table_is_what_the_command_prints(chromium: Browser, running: Running) -> None:
    """Ada sees Ocean and Tides: the command, asked for these, prints the same bytes."""
    page, _ = visit(chromium, running)
    log_in(page, running, "ada")
    page.goto(
        f"{running.url}/explore?realm=cloud&meter=core_hours&from={FIRST}&to={LAST}&by=day,portal_project"
    )
    with page.expect_download() as started:
        page.click("text=/^CSV$/")
    printed = running.command(
        *("usage", "--realm", "cloud", "--meter", "core_hours", "--by", "day,portal_project"),
        *("--from", FIRST, "--to", LAST, "--format", "csv"),
        *("--where", "portal_project=ocean", "--where", "portal_project=tides"),
    )
    assert Path(started.value.path()).read_bytes() == printed
    assert printed.count(b"\n") == 41


def test_a_question_is_saved_and_asked_again(chromium: Browser, running: Running) -> None:
    page, wrong = visit(chromium, running)
    log_in(page, running, "ada")
    page.goto(f"{running.url}/explore?{BY_INSTITUTION}")
    page.click("text=Save it, or export it")
    page.fill("input[name=title]", "What Northfield used")
    page.click("button >> text=/^Save$/")
    page.wait_for_load_state("networkidle")
    page.goto(f"{running.url}/saved")
    page.click("text=What Northfield used")
    page.wait_for_url("**by=institution**")
    assert "1,440.0000" in page.inner_text("main")
    assert wrong == []


def test_staff_makes_a_report(chromium: Browser, running: Running, program: httpx.Client) -> None:
    """Whoever runs the site makes the account of Grace one that the provider logs in, then she reports."""
    page, wrong = visit(chromium, running)
    page.fill("input[name=login]", "grace")
    page.fill("input[name=password]", "a password for grace")
    page.click("button >> text=/^Log in$/")
    page.wait_for_url(f"{running.url}/")
    page.goto(f"{running.url}/accounts/providers/")
    page.click("text=Also log in by Campus")
    page.fill("input[name=login]", "grace")
    page.fill("input[name=password]", "anything")
    page.click("button[type=submit]")
    page.click("button[type=submit]")
    page.wait_for_url(f"{running.url}/accounts/providers/**")
    other, _ = visit(chromium, running)
    log_in(other, running, "grace")
    other.goto(f"{running.url}/reports")
    other.fill("input[name=month]", "2026-03")
    other.locator("form:has(input[name=month]) button").first.click()
    with other.expect_download(timeout=120_000) as started:
        other.locator("a[href$='/file']").first.click(timeout=120_000)
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF")
    assert wrong == []


def test_a_program_asks_with_a_token_of_the_provider(running: Running, program: httpx.Client) -> None:
    asked = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "meterhouse.usage"}
    given = program.post(
        f"{running.issuer}/token", data=asked, auth=("batch", "another-secret-of-a-test")
    ).json()
    assert "access_token" in given, given
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    me = program.get(f"{running.url}/api/v1/me", headers=headers).json()
    assert (me["name"], me["role"], me["scopes"]) == ("grace", "staff", ["usage"])
    period = {"from": FIRST, "to": LAST, "meter": "core_hours"}
    rows = program.get(f"{running.url}/api/v1/usage", params=period, headers=headers).json()["rows"]
    assert rows == [{"core_hours": "7200.0000"}]
    answer = program.get(f"{running.url}/api/v1/spans", params=period, headers=headers)
    assert answer.status_code in (400, 403)
