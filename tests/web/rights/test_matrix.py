"""Who gets what, from which address? Every role at every operation of the API and at every page."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from rights.matrix import (
    ALL_ITEMS,
    CORE_HOURS,
    ITEMS,
    OF_A_PROJECT,
    OPERATIONS,
    PAGES,
    PROJECTS,
    ROLES,
    ROWS,
    SAME,
    SCOPES,
)
from served import PROGRAM, Served
from two_institutions import PERIOD

QUERY: dict[str, dict[str, str]] = {
    "get spans": PERIOD,
    "get log": PERIOD,
    "get usage": PERIOD,
    "get pools": {"over": "true"},
    "get statements": {"period": "2026Q1"},
}
LINKED = [role for role in ROLES if role != "unlinked"]


@pytest.fixture(scope="module")
def addresses(original: Path) -> dict[str, list[str]]:
    program = Path(__file__).with_name("addresses.py")
    printed = subprocess.run([sys.executable, str(program), str(original)], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    found: dict[str, list[str]] = json.loads(printed.stdout)
    return found


def test_every_operation_of_the_api_stands_in_the_matrix(addresses: dict[str, list[str]]) -> None:
    assert set(addresses["operations"]) == OPERATIONS
    assert set(SCOPES) == OPERATIONS - {"get me"}


def test_every_page_stands_in_the_matrix(addresses: dict[str, list[str]]) -> None:
    assert {one for one in addresses["pages"] if not one.startswith("admin/")} == set(PAGES)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_settings_are_for_those_who_run_the_site(
    served: Served, addresses: dict[str, list[str]], role: str | None
) -> None:
    """Every address below /admin/ that names no row; for roles other than Ada's some of them."""
    of_admin = [one for one in addresses["pages"] if one.startswith("admin/") and not set(one) & set("<(^")]
    assert len(of_admin) > 10
    browser = served.browser(role)
    for page in of_admin[:: 1 if role == "pi" else 9]:
        answer = browser.get(f"/{page}")
        if role not in ("staff", "administrator"):
            assert answer.status_code in (302, 403, 404, 405), page
            if "location" in answer.headers:
                assert "login" in answer.headers["location"] or answer.headers["location"] == "/admin/", page
        else:
            assert answer.status_code < 500, page


@pytest.mark.parametrize("role", ROLES)
def test_usage_counts_what_the_role_may_see(served: Served, role: str) -> None:
    answer = served.ask(role, "usage", meter="core_hours", **PERIOD).json()
    found = sum(Decimal(row["core_hours"]) for row in answer["rows"]) if answer["rows"] else None
    assert found == CORE_HOURS[role]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", ROWS)
def test_rows_are_those_that_the_role_may_see(served: Served, role: str, operation: str) -> None:
    column, expected = ROWS[operation]
    path = operation.removeprefix("get ")
    query = QUERY.get(operation, {})
    rows = served.ask(role, path, **query).json()["rows"]
    assert {row[column] for row in rows} == expected[role]
    in_csv = csv.DictReader(io.StringIO(served.ask(role, path, "text/csv", **query).text))
    assert {row[column] for row in in_csv} == expected[role]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", OF_A_PROJECT)
def test_a_project_is_there_for_who_may_see_it(served: Served, role: str, operation: str) -> None:
    for code in ("ocean", "tides", "waves", "nonsense"):
        answer = served.ask(role, operation.removeprefix("get ").format(code=code))
        assert answer.status_code == (200 if code in PROJECTS[role] else 404), code
        if answer.status_code == 404:
            assert answer.json()["detail"].replace(code, "X") == (
                "there is no project 'X' on that day that this account may see"
            )


@pytest.mark.parametrize("operation", SAME)
def test_what_is_of_nobody_is_the_same_for_every_role(served: Served, operation: str) -> None:
    path = operation.removeprefix("get ")
    for role in ROLES:
        answer = served.ask(role, path)
        assert answer.status_code == 200, role
        assert bool(answer.json()["rows"]) == (path != "sources"), role


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_nobody_gets_anything_without_a_token(served: Served, operation: str) -> None:
    answer = asked(served, operation, None)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", sorted(SCOPES))
def test_a_token_is_good_for_its_scopes_only(served: Served, operation: str) -> None:
    assert (asked(served, operation, "usage only").status_code == 403) == (SCOPES[operation] != "usage")


@pytest.mark.parametrize("role", ROLES)
def test_exports_and_reports_hold_what_the_role_may_see(served: Served, role: str) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("exports", {"what": "spans", "format": "csv", **PERIOD}),
        ("exports", {"what": "log", "format": "json", **PERIOD}),
        ("exports", {"what": "usage", "by": "user", "meter": "core_hours", **PERIOD}),
        ("reports", {"month": "2026-03", "format": "csv", "log": True}),
    ]
    begun = [post(served, role, kind, said) for kind, said in asked]
    if role == "unlinked":
        assert {one.status_code for one in begun} == {403}
        return
    for (_, said), one in zip(asked, begun, strict=True):
        assert one.status_code == 202, one.text
        content = text_of(fetched(served, role, one.json()["id"]))
        if said.get("what") == "usage":
            hours = sum(Decimal(row["core_hours"]) for row in csv.DictReader(io.StringIO(content)))
            assert hours == CORE_HOURS[role]
        else:
            assert {item for item in ALL_ITEMS if item in content} == ITEMS[role], said


@pytest.mark.parametrize("role", ROLES)
def test_all_tables_are_for_staff(served: Served, role: str) -> None:
    begun = post(served, role, "exports", {"what": "dump", **PERIOD})
    assert begun.status_code == (202 if role in ("staff", "administrator") else 403)


@pytest.mark.parametrize("other", ROLES)
def test_what_somebody_made_is_nobody_elses(served: Served, other: str) -> None:
    made = post(served, "pi", "exports", {"what": "usage", **PERIOD}).json()["id"]
    fetched(served, "pi", made)
    if other == "pi":
        return
    for operation in ("get work/{id}", "get work/{id}/file", "delete work/{id}"):
        method, path = operation.format(id=made).split()
        answer = PROGRAM.request(method, f"{served.url}/api/v1/{path}", headers=served.headers(other))
        assert answer.status_code == 404
        assert "of this account" in answer.json()["detail"]


def test_what_a_source_answered_is_for_staff(served: Served) -> None:
    assert "detail" in served.ask("staff", "coverage").json()["rows"][0]
    assert "detail" not in served.ask("pi", "coverage").json()["rows"][0]
    assert "email" in served.ask("staff", "people").json()["rows"][0]
    assert "email" not in served.ask("northfield", "people").json()["rows"][0]


def test_a_filter_never_widens_what_is_seen(served: Served) -> None:
    """The PI of Ocean asks for Waves, and for what everything above Tides used."""
    query = {"meter": "core_hours", "by": "portal_project", **PERIOD}
    assert served.ask("pi", "usage", where="portal_project=waves", **query).json()["rows"] == []
    found = served.ask(
        "member", "usage", **(query | {"by": "project_tree"}), where="project_tree=ocean"
    ).json()
    assert {Decimal(row["core_hours"]) for row in found["rows"]} == {Decimal(960)}
    assert served.ask("pi", "pools", over="true", project="waves").json()["rows"] == []
    assert served.ask("pi", "spans", where="item=vm-waves", **PERIOD).json()["rows"] == []


@pytest.mark.parametrize("role", [None, *ROLES])
@pytest.mark.parametrize("page", [page for page in PAGES if "<" not in page])
def test_pages_are_for_who_may_see_them(served: Served, role: str | None, page: str) -> None:
    allowed = PAGES[page]
    answer = served.browser(role).get(f"/{page}", params=PERIOD)
    if allowed == "open" or (allowed == "account" and role is not None):
        assert answer.status_code in (200, 302, 401)  # 401: a provider's log-in that wasn't one
    elif role is None:
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(f"/accounts/login/?next=/{page}")
    elif role == "unlinked" or (allowed == "staff" and role not in ("staff", "administrator")):
        assert answer.status_code == 403
    elif allowed == "posted":
        assert answer.status_code == 405
    else:
        # 400 where a page needs more than a period, 404 where it is about one thing that isn't named.
        assert answer.status_code in (200, 400, 404)
        if role is not None:
            hidden = ALL_ITEMS - ITEMS[role]
            assert not {item for item in hidden if item in answer.text}


@pytest.mark.parametrize("role", ROLES)
def test_the_page_of_an_item_is_there_for_who_may_see_it(served: Served, role: str) -> None:
    browser = served.browser(role)
    for item in sorted(ALL_ITEMS):
        page = browser.get("/item", params={"item": item, **PERIOD})
        expected = 200 if item in ITEMS[role] else (403 if role == "unlinked" else 404)
        assert page.status_code == expected, item


def asked(served: Served, operation: str, role: str | None) -> httpx.Response:
    """What an operation answers to someone, with parameters that are fine."""
    method, path = operation.split()
    nothing = "00000000-0000-4000-8000-000000000000"
    path = path.format(code="ocean", work_id=nothing, schedule_id=nothing)
    headers = {} if role is None else served.headers(role)
    bodies: dict[str, dict[str, Any]] = {
        "post reports": {"month": "2026-03"},
        "post reports/storage": {"storage": "users", "day": "2026-03-22"},
        "post exports": dict(PERIOD),
        "post schedules": {"day": 2},
    }
    url = f"{served.url}/api/v1/{path}"
    if method == "post":
        return PROGRAM.post(url, json=bodies[operation], headers=headers)
    return PROGRAM.request(method, url, params=QUERY.get(operation), headers=headers)


def post(served: Served, role: str, path: str, said: dict[str, Any]) -> httpx.Response:
    return PROGRAM.post(f"{served.url}/api/v1/{path}", json=said, headers=served.headers(role))


def fetched(served: Served, role: str, work: str) -> httpx.Response:
    """The file, when it is done."""
    for _ in range(600):
        state = served.ask(role, f"work/{work}").json()
        if state["state"] not in ("waiting", "running"):
            break
        time.sleep(0.1)
    assert state["state"] == "done", state["error"]
    return served.ask(role, f"work/{work}/file", "*/*")


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())
