"""What does a program get? The same figures in every format, pages, tags, and problems it can read."""

from __future__ import annotations

import csv
import hashlib
import io
import sqlite3
import subprocess
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served import METERHOUSE, Served
from two_institutions import FORMULA, PERIOD, SCRIPT

BY_PROJECT = {"meter": "core_hours", "by": "portal_project", **PERIOD}
HOURS = {"ocean": Decimal(480), "tides": Decimal(960), "waves": Decimal(1920), "": Decimal(3840)}


@pytest.mark.parametrize(
    ("how", "chosen_by"),
    [("json", "header"), ("csv", "header"), ("arrow", "header"), ("parquet", "header"), ("csv", "name")],
)
def test_every_format_has_the_same_figures(served: Served, how: str, chosen_by: str) -> None:
    media = {
        "json": "application/json",
        "csv": "text/csv",
        "arrow": "application/vnd.apache.arrow.stream",
        "parquet": "application/vnd.apache.parquet",
    }
    named = {} if chosen_by == "header" else {"format": how}
    answer = served.ask(
        "staff", "usage", media[how] if chosen_by == "header" else "*/*", **BY_PROJECT, **named
    )
    assert answer.headers["content-type"].startswith(media[how])
    if how == "json":
        rows = answer.json()["rows"]
    elif how == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
    elif how == "arrow":
        rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    else:
        rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert {row["portal_project_id"] or "": Decimal(row["core_hours"]) for row in rows} == HOURS


def test_csv_is_what_the_command_prints(served: Served) -> None:
    asked = ["--meter", "core_hours", "--by", "portal_project"]
    period = ["--from", PERIOD["from"], "--to", PERIOD["to"], "--format", "csv"]
    printed = subprocess.run(
        [METERHOUSE, "--site", str(served.folder), "usage", *asked, *period], capture_output=True, check=True
    )
    assert served.ask("staff", "usage", "text/csv", **BY_PROJECT).content == printed.stdout


@pytest.mark.parametrize("path", ["usage", "log", "coverage", "projects", "people", "pools"])
def test_pages_together_are_the_whole(served: Served, path: str) -> None:
    query: dict[str, str] = {
        "usage": {**PERIOD, "by": "portal_project"},
        "log": PERIOD,
        "coverage": PERIOD,
        "pools": {"over": "true"},
    }.get(path, {})
    whole = served.ask("staff", path, **query).json()
    found, following = [], None
    for _ in range(20):
        page = served.ask("staff", path, **query, limit=1, **({"cursor": following} if following else {}))
        found += page.json()["rows"]
        following = page.json()["next"]
        assert ('rel="next"' in page.headers.get("link", "")) == (following is not None)
        if following is None:
            break
    assert found == whole["rows"]
    assert whole["next"] is None


def test_a_cursor_goes_on_with_its_own_question_only(served: Served) -> None:
    page = served.ask("staff", "usage", **BY_PROJECT, limit=1).json()
    other = served.ask("staff", "usage", **(BY_PROJECT | {"by": "person"}), limit=1, cursor=page["next"])
    assert other.status_code == 400
    for broken in ("x", "W10", "bnVsbA", "WzEsLTEsIiJd", "é"):
        assert served.ask("staff", "usage", **BY_PROJECT, cursor=broken).status_code == 400, broken


def test_pages_of_the_register_are_all_of_the_same_rows(served: Served) -> None:
    page = served.ask("staff", "people", limit=1).json()
    assert served.ask("pi", "people", limit=1, cursor=page["next"]).status_code == 409


def test_the_directory_is_that_of_a_day_as_it_was_known_then(served: Served) -> None:
    tree = {row["code"]: row["parent"] for row in served.ask("staff", "projects").json()["rows"]}
    assert tree == {"ocean": None, "tides": "ocean", "waves": None}
    below = served.ask("staff", "projects/ocean").json()["rows"]
    assert [row["code"] for row in below] == ["ocean", "tides"]
    members = served.ask("staff", "projects/ocean/members", day="2026-03-01").json()["rows"]
    assert [(row["username"], row["is_leader"]) for row in members] == [("ada", True)]
    before = served.ask("staff", "people", known="2020-01-01T00:00:00Z").json()["rows"]
    assert before == []


def test_pools_and_statements_say_what_is_left(served: Served) -> None:
    """Ocean has 2000 core hours and used 480; Waves has 1000 and used 1920."""
    rows = served.ask("staff", "pools", over="true").json()["rows"]
    found = {row["project"]: (row["allocated"], row["used"], row["remaining"]) for row in rows}
    assert found == {"ocean": ("2000", "480", "1520"), "waves": ("1000", "1920", "-920")}
    (frozen,) = served.ask("staff", "statements", period="2026Q1", project="waves").json()["rows"]
    assert (frozen["overdrawn"], frozen["closed_by"]) == ("920", "test")
    assert served.ask("staff", "pools").json()["rows"] == []  # the period is over


def test_a_known_answer_is_not_sent_again_and_not_to_somebody_else(served: Served) -> None:
    tag = served.ask("pi", "usage", **BY_PROJECT).headers["etag"]
    for role, status in (("pi", 304), ("harbour", 200)):
        assert served.ask(role, "usage", tag=tag, **BY_PROJECT).status_code == status


def test_a_text_that_a_spreadsheet_would_run_is_only_text(served: Served) -> None:
    spans = served.ask("staff", "spans", "text/csv", **PERIOD)
    rows = {row["item"]: row for row in csv.DictReader(io.StringIO(spans.text))}
    assert rows["vm-waves"]["name"] == f"'{FORMULA}"
    assert rows["vm-tides"]["name"] == SCRIPT
    exact = served.ask("staff", "spans", **PERIOD).json()["rows"]
    assert {row["name"] for row in exact if row["item"] == "vm-waves"} == {FORMULA}


def test_tokens_are_kept_as_digests_and_end(served: Served) -> None:
    register = sqlite3.connect(served.folder / "register.sqlite3")
    kept = {digest for (digest,) in register.execute("SELECT digest FROM web_accounts_apitoken")}
    assert {hashlib.sha256(token.encode()).hexdigest() for token in served.tokens.values()} == kept
    assert b"mh_" not in (served.folder / "serve.log").read_bytes()
    digest = hashlib.sha256(served.tokens["administrator"].encode()).hexdigest()
    for change in ("expires_at = '2020-01-02'", "revoked_at = '2026-01-01'"):
        before = register.execute(
            "SELECT created_at, expires_at, revoked_at FROM web_accounts_apitoken WHERE digest = ?", [digest]
        ).fetchone()
        with register:
            register.execute(
                f"UPDATE web_accounts_apitoken SET created_at = '2020-01-01', {change} WHERE digest = ?",
                [digest],
            )
        assert served.ask("administrator", "resources").status_code == 401, change
        with register:
            register.execute(
                "UPDATE web_accounts_apitoken SET created_at = ?, expires_at = ?, revoked_at = ? "
                "WHERE digest = ?",
                [*before, digest],
            )
    assert served.ask("administrator", "resources").status_code == 200
    register.close()
