"""`meterhouse allocations`: a ledger from a file and from real usage, as somebody at a terminal sees it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.by_command import METERHOUSE, SETTINGS, event, run
from services.reference_input import REFERENCE_INPUT
from strategies.sites import made_site

SERVER = Path(__file__).parents[1] / "docs" / "command_server.py"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "kep5.toml"
REFERENCE = REFERENCE_INPUT / "reference/kep5_cases.json"


# Two vCPUs run for two hours, from 23:00 on the first of May: two core hours on each of two days.
LIFE = [event("create.end", "2026-05-01T23:00:00"), event("delete.end", "2026-05-02T01:00:00", "deleted")]

# Only from the second of May on is p1 known to be the lab's.
LAB = """
projects = [
    { pid = "Inst" },
    { pid = "Lab", parent = "Inst", allocation_mode = "shared", references = [
        { resource = "c", ref = "p1", from = 2026-05-02 },
    ] },
]
resource_pools = [{ name = "Core hours", units = "core hours" }]
machines = [{ name = "c" }]
resources = [
    { machine = "c", resource_pool = "Core hours", realm = "cloud", meter = "core_hours", scaling_factor = 3},
]
schemes = [{ name = "ET", opened = 2026-01-01 }]
periods = [{ name = "2026Q2", start = 2026-04-01, end = 2026-06-30 }]
grants = [{ id = "g", project = "Inst", scheme = "ET", begins = 2026-01-01, expires = 2026-12-31 }]
allocation_pools = [{ id = "p", project = "Inst", period = "2026Q2", resource_pool = "Core hours" }]
allocations = [{ id = "a", grant = "g", allocation_pool = "p", quantity = 10 }]
"""


@pytest.fixture(scope="module", autouse=True)
def commands_are_imported_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each `meterhouse` is a process of its own still, but doesn't start from nothing."""
    client = tmp_path_factory.mktemp("commands") / "meterhouse"
    with subprocess.Popen(
        [sys.executable, str(SERVER), str(client)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        plain, METERHOUSE[:] = list(METERHOUSE), [str(client)]
        yield
        METERHOUSE[:] = plain
        server.terminate()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("ledger") / "site"
    run("init", str(site))
    run("allocations", "load", str(EXAMPLE), site=site)
    return site


def shown(site: Path, *arguments: str) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(run("allocations", *arguments, "--format", "csv", site=site).stdout))
    )


def test_the_example_of_kep_5_is_set_up_from_one_file_and_shown(example: Path) -> None:
    [disk] = shown(example, "show", "ProjectA")
    [cpu] = shown(example, "show", "ProjectD")
    figures = ("units", "allocated", "used", "remaining", "percent", "function")
    assert [disk[name] for name in figures] == ["KB", "600", "100", "500", "16.6667", "maximum"]
    assert [cpu[name] for name in figures] == ["CPU Hours", "60", "700", "-640", "1166.6667", "sum"]


def test_the_same_file_again_says_that_nothing_changes(example: Path) -> None:
    assert run("allocations", "load", str(EXAMPLE), site=example).stdout.strip() == "No change."


def test_pools_as_of_an_earlier_day(example: Path) -> None:
    rows = shown(example, "pools", "--as-of", "2100-01-02")
    assert [(row["project"], row["used"]) for row in rows] == [("ProjectA", "100"), ("ProjectD", "100")]


def test_real_usage_is_charged_by_the_day_of_use(tmp_path: Path) -> None:
    site = tmp_path / "site"
    made_site(site, SETTINGS).close()
    (tmp_path / "events.json").write_text(json.dumps(LIFE))
    (tmp_path / "lab.toml").write_text(LAB)
    run("ingest", "openstack-events", "-r", "c", str(tmp_path / "events.json"), site=site)
    run("build", site=site)
    run("allocations", "load", str(tmp_path / "lab.toml"), site=site)
    # The two core hours of the first of May belong to nobody yet.
    rebuilt = run("allocations", "rebuild", site=site)
    assert rebuilt.stdout == "1 charges, 1 draws\n"
    assert rebuilt.stderr == "unattributed: c: p1: 2\n"
    [row] = shown(site, "show", "Lab", "--as-of", "2026-05-31")
    names = ("project", "pays", "allocated", "raw_used", "used", "remaining", "percent")
    assert [row[name] for name in names] == ["Inst", "for Lab", "10", "2", "6", "4", "60"]
    run("allocations", "close", "2026Q2", "--who", "alice", site=site)
    [statement] = shown(site, "statement", "2026Q2")
    assert [statement[name] for name in ("used", "remaining", "closed_by")] == ["6", "4", "alice"]
    # Now the first of May is the lab's, too: the statement stands, and there is no later pool to charge.
    (tmp_path / "more.toml").write_text(
        'project_references = [{ project = "Lab", resource = "c", ref = "p1" }]'
    )
    run("allocations", "load", str(tmp_path / "more.toml"), site=site)
    late = run("allocations", "rebuild", "--late", site=site).stdout
    assert "late: p: 6: not posted: the project has no pool in an open period" in late
    assert shown(site, "statement", "2026Q2") == [statement]


def test_a_file_with_a_mistake_is_one_clear_line(tmp_path: Path, example: Path) -> None:
    (tmp_path / "bad.toml").write_text('grants = [{ project = "P", wand = 1 }]')
    told = run("allocations", "load", str(tmp_path / "bad.toml"), site=example, code=1).stderr
    assert "grants.0.wand: expected a known field" in told


def test_what_does_not_exist_is_named(example: Path) -> None:
    assert "found 'Nobody'" in run("allocations", "show", "Nobody", site=example, code=1).stderr
    assert "found 'never'" in run("allocations", "statement", "never", site=example, code=1).stderr


class Hook(ThreadingHTTPServer):
    """Takes what is posted, and keeps it."""

    posted: list[dict[str, str]]


class HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


def test_alerts_are_posted_once(tmp_path: Path) -> None:
    site = tmp_path / "site"
    made_site(site, SETTINGS).close()
    run("allocations", "load", str(EXAMPLE), site=site)
    with Hook(("127.0.0.1", 0), HookRequest) as hook:
        hook.posted = []
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{hook.server_address[1]}/"
        (site / "meterhouse.toml").write_text(f'{SETTINGS}\n[alerts.webhook]\nurl = "{url}"\n')
        first = run("allocations", "alerts", site=site).stdout
        again = run("allocations", "alerts", site=site).stdout
        hook.shutdown()
    assert first == "2 new crossings, 2 messages sent, 0 failed\n"
    assert again == "0 new crossings, 0 messages sent, 0 failed\n"
    found = [(said["project"], said["threshold_percent"], said["used_percent"]) for said in hook.posted]
    assert sorted(found) == [("ProjectD", "100", "1166.6667"), ("ProjectD", "80", "1166.6667")]


CASE = {
    "id": "one",
    "as_of": "2100-03-31",
    "entities": {"projects": [{"pid": "P"}]},
    "expect": {"unfunded": {}},
}


def test_replay_prints_the_outcome_of_each_case(tmp_path: Path) -> None:
    wrong = {**CASE, "id": "two", "expect": {"unfunded": {"P|CPU": "1"}}}
    (tmp_path / "cases.json").write_text(json.dumps({"format": "kep5-cases/1", "cases": [CASE, wrong]}))
    done = run("allocations", "replay", str(tmp_path / "cases.json"), "--format", "json", code=1)
    assert json.loads(done.stdout) == [
        {"id": "one", "passed": True, "differences": []},
        {"id": "two", "passed": False, "differences": ["unfunded.P|CPU: expected 1, found 0"]},
    ]


def test_the_reference_cases_pass(tmp_path: Path) -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference cases are not part of a clone")
    done = run("allocations", "replay", str(REFERENCE), "--format", "json", site=tmp_path)
    played = json.loads(done.stdout)
    assert [one for one in played if not one["passed"]] == []
    assert len(played) == 47
