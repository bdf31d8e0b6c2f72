"""What does somebody get who means harm? Nothing that runs, nothing of others, and no secret."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from identity_provider import SECRET
from openpyxl import load_workbook
from rights.matrix import PAGES
from served import PASSWORD, PROGRAM, Served, copied
from two_institutions import FORMULA, PERIOD, SCRIPT

SHOWN = [page for page, who in PAGES.items() if who == "all"]


def made(served: Served, kind: str, said: dict[str, Any]) -> bytes:
    """The file that was asked for."""
    headers = served.headers("staff")
    work = PROGRAM.post(f"{served.url}/api/v1/{kind}", json=said, headers=headers).json()["id"]
    for _ in range(600):
        state = served.ask("staff", f"work/{work}").json()
        if state["state"] in ("done", "failed"):
            break
        time.sleep(0.1)
    assert state["state"] == "done", state
    return served.ask("staff", f"work/{work}/file", "*/*").content


@pytest.mark.parametrize("page", SHOWN)
def test_a_name_from_a_source_never_becomes_markup(served: Served, page: str) -> None:
    """A VM is called <script>; the page may name it, but only as text."""
    asked = {"realm": "cloud", "meter": "core_hours", "by": "project,user", "item": "vm-tides", **PERIOD}
    for query in (dict(PERIOD), asked, {**PERIOD, "code": "tides", "project": "tides"}):
        answer = served.browser("staff").get(f"/{page}", params=query)
        if answer.headers["content-type"].startswith("text/html"):
            assert SCRIPT not in answer.text


@pytest.mark.parametrize("page", SHOWN)
@pytest.mark.parametrize(
    "name",
    ["from", "realm", "meter", "by", "where", "item", "project", "chart", "as_of", "q", "next", "code"],
)
def test_what_an_address_says_never_becomes_markup(served: Served, page: str, name: str) -> None:
    hostile = f'"><img src=x onerror=alert(1)>{SCRIPT}'
    answer = served.browser("staff").get(f"/{page}", params={**PERIOD, name: hostile})
    assert answer.status_code < 500
    if answer.headers["content-type"].startswith("text/html"):
        assert SCRIPT not in answer.text
        assert "<img src=x" not in answer.text


def test_a_report_and_its_log_hold_names_as_text(served: Served) -> None:
    page = made(served, "reports", {"month": "2026-03", "format": "html", "log": True}).decode()
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page


def test_no_file_makes_a_spreadsheet_run_something(served: Served) -> None:
    """A VM is called =cmd|...: CSV gets an apostrophe before it, a workbook holds it as a text."""
    spans = {"what": "spans", **PERIOD}
    in_csv = list(csv.DictReader(io.StringIO(made(served, "exports", spans).decode())))
    assert {row["name"] for row in in_csv if row["item"] == "vm-waves"} == {f"'{FORMULA}"}
    for content in (
        made(served, "exports", {**spans, "format": "xlsx"}),
        made(served, "reports", {"month": "2026-03", "format": "xlsx", "log": True}),
    ):
        book = load_workbook(io.BytesIO(content))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert any(cell.value == FORMULA for cell in cells)
        assert not [cell for cell in cells if cell.data_type == "f"]
    with zipfile.ZipFile(
        io.BytesIO(made(served, "reports", {"month": "2026-03", "format": "csv"}))
    ) as tables:
        for name in tables.namelist():
            assert not Path(name).is_absolute()
            assert ".." not in name
            for row in csv.reader(io.StringIO(tables.read(name).decode())):
                assert not [one for one in row if one.startswith("=")], name


@pytest.mark.parametrize(
    "value",
    ["' OR '1'='1", "x') OR TRUE --", "waves'; DROP TABLE span; --", "\\' OR 1=1 --", "%", "_", "waves\x00"],
)
def test_a_filter_is_a_value_and_never_a_question(served: Served, value: str) -> None:
    for path, where in (("usage", "portal_project"), ("spans", "item"), ("log", "project")):
        answer = served.ask("pi", path, where=f"{where}={value}", **PERIOD)
        assert answer.status_code in (200, 400), (path, value)
        if answer.status_code == 200:
            assert answer.json()["rows"] == []
    for path in ("people", "projects"):
        assert served.ask("pi", f"{path}", day=value).status_code == 400
    assert served.ask("pi", f"projects/{quote(value, safe='')}").status_code in (400, 404)


def test_nothing_is_done_by_following_a_link(served: Served) -> None:
    """Log out, ask for a report, delete: none of it by GET."""
    browser = httpx.Client(base_url=served.url, trust_env=False, verify=False, timeout=60)
    for name, value in served.browser("pi").cookies.items():
        browser.cookies.set(name, value)
    browser.get("/accounts/logout/")
    assert browser.get("/api/v1/me").status_code == 200
    before = browser.get("/api/v1/exports").json()
    browser.get("/api/v1/exports", params=PERIOD)
    assert browser.get("/api/v1/exports").json() == before
    browser.close()


def test_pages_of_one_are_not_kept_for_another(served: Served) -> None:
    for path in ("/", "/explore", "/api/v1/people"):
        answer = served.browser("pi").get(path)
        assert "private" in answer.headers["cache-control"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "Cookie" in served.browser("pi").get("/api/v1/people").headers["vary"]


def test_secrets_stand_in_no_page_and_no_log(strict: Served) -> None:
    """Of the identity provider, tokens, passwords, and the key that signs sessions."""
    key = (strict.folder / ".web-key").read_text().strip()
    secrets = [SECRET, PASSWORD, key, *strict.tokens.values()]
    told = [(strict.folder / "serve.log").read_text(errors="replace")]
    with httpx.Client(base_url=strict.url, trust_env=False, verify=False, timeout=60) as nobody:
        for path in ("/accounts/login/", "/api/v1/openapi.json", "/nonsense", "/api/v1/nonsense"):
            told.append(nobody.get(path).text)
    for page in ("", "explore", "sources"):
        told.append(strict.browser("staff").get(f"/{page}").text)
    told += [strict.ask("staff", path).text for path in ("me", "sources", "resources", "people")]
    register = sqlite3.connect(strict.folder / "register.sqlite3")
    told += [str(row) for row in register.execute("SELECT * FROM web_accounts_auditevent")]
    told += [str(row) for row in register.execute("SELECT * FROM web_accounts_apitoken")]
    register.close()
    for secret in secrets:
        assert not [one for one in told if secret in one]


def test_what_only_the_server_reads_is_readable_by_it_alone(strict: Served) -> None:
    for name in (".web-key", ".web-shared.sqlite3"):
        assert stat.S_IMODE((strict.folder / name).stat().st_mode) == 0o600
    if (strict.folder / "made-files").exists():
        for work in (strict.folder / "made-files").glob("*/*"):
            assert stat.S_IMODE(work.stat().st_mode) == 0o700


def test_cookies_of_a_site_with_https_are_sent_by_https_alone(original: Path, tmp_path: Path) -> None:
    folder = copied(original, tmp_path / "site")
    (folder / "meterhouse.toml").write_text('[site]\nname = "x"\n[web]\nurl = "https://usage.example.org"\n')
    program = f"""
from meterhouse.web.configured import configure
configure({str(folder)!r})
from django.conf import settings
print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 1e7)
print(settings.DEBUG, settings.ALLOWED_HOSTS)
"""
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert printed == "True True True\nFalse ['127.0.0.1', '[::1]', 'localhost', 'usage.example.org']\n"
