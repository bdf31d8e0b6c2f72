"""Whose files are shown to whom? A volume with a directory of Ocean's, one of Waves', and a file of Cyd's."""

from __future__ import annotations

import base64
import html
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from posting import post
from rights.matrix import ROLES
from served import METERHOUSE, PROGRAM, Served, copied, serving

from meterhouse.operations.directory_import import import_statement
from meterhouse.site import Site
from meterhouse.sources.directory.statement import SaidAccount, SaidProject, SaidReference, Statement

pytest.importorskip("numba", reason="needs the extra scan")
WHEN = 1774000000
SEEN = {
    "member": {"cyd"},  # her own file
    "pi": {"ocean"},
    "northfield": {"ocean", "<waves>"},
    "harbour": {"<waves>"},
    "staff": {"ocean", "<waves>", "cyd"},
    "administrator": {"ocean", "<waves>", "cyd"},
}
ALL = {"ocean", "<waves>", "cyd"}


@pytest.fixture(scope="module")
def stored(
    original: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The site of two institutions with a scan, served."""
    folder = copied(original, tmp_path_factory.mktemp("stored") / "site")
    with Site.open(folder) as site:
        (folder / "group").write_text("oceangroup:x:11:\nwavesgroup:x:12:\n")
        (folder / "passwd").write_text("cydlogin:x:21:100::/:/bin/sh\n")
        settings = folder / "meterhouse.toml"
        settings.write_text(
            settings.read_text()
            + '[[resources]]\nname = "disk"\nkind = "filesystem"\n'
            + '[[volumes]]\nname = "v"\nresource = "disk"\npath = "/v"\nentries = true\n'
            + 'group_file = "group"\npasswd_file = "passwd"\n'
        )
        import_statement(
            site,
            Statement(
                "portal",
                projects=[SaidProject("1"), SaidProject("3")],
                references=[
                    SaidReference("1", "disk", "unix_group", "oceangroup", matches="name"),
                    SaidReference("3", "disk", "unix_group", "wavesgroup", matches="name"),
                ],
                accounts=[SaidAccount("cyd", "disk", "cydlogin")],
            ),
        )
    lines = []
    for inode, (path, kind, size, uid, gid) in enumerate(
        (
            ("/v", "d", 0, 0, 0),
            ("/v/ocean", "d", 0, 0, 11),
            ("/v/ocean/a", "f", 3 << 30, 5, 11),
            ("/v/<waves>", "d", 0, 0, 12),
            ("/v/<waves>/b", "f", 5 << 30, 5, 12),
            ("/v/cyd", "d", 0, 21, 99),
            ("/v/cyd/c", "f", 7 << 30, 21, 99),
        ),
        start=1,
    ):
        name = base64.b64encode(path.encode()).decode()
        lines.append("\t".join(map(str, (name, size, uid, gid, WHEN, WHEN, WHEN, kind, inode, 1, 5))))
    scan = folder / "scan.dat"
    scan.write_text("\n".join(lines) + "\n")
    for command in (["--volume", "v", "--scanned-at", "2026-03-21T00:00:00", str(scan)],):
        subprocess.run(
            [METERHOUSE, "--site", str(folder), "ingest", "scan", *command], check=True, capture_output=True
        )
    with serving(folder) as url:
        yield Served(url, folder, tokens, {})


@pytest.mark.parametrize("role", [role for role in ROLES if role != "unlinked"])
def test_a_role_sees_directories_of_its_groups_and_its_own_files(stored: Served, role: str) -> None:
    page = stored.browser(role).get("/storage").text
    assert "<waves>" not in page  # a name from outside stays text
    told = html.unescape(page.split("By group")[0])
    assert {
        name for name in ALL if f"path=%2Fv%2F{name.replace('<', '%3C').replace('>', '%3E')}" in told
    } == SEEN[role]
    whole = sum({"ocean": 3, "<waves>": 5, "cyd": 7}[name] for name in SEEN[role])
    assert f"{whole} GiB in {len(SEEN[role])} files" in page


# What a report's CSV names, of groups, users and directories; a user's own files are of no group of theirs.
REPORTED = {
    "groups": {"ocean": "oceangroup", "<waves>": "wavesgroup", "cyd": ",99,"},
    "forecast": {"ocean": "oceangroup", "<waves>": "wavesgroup", "cyd": ",99,"},
    "users": {"ocean": "oceangroup", "<waves>": "wavesgroup", "cyd": "cydlogin"},
    "top": {"ocean": "/v/ocean", "<waves>": "/v/<waves>", "cyd": "/v/cyd"},
    "basedirs": {"ocean": "/v/ocean", "<waves>": "/v/<waves>", "cyd": "/v/cyd"},
    "old": {"ocean": "oceangroup", "<waves>": "wavesgroup", "cyd": ",99,"},
    "duplicates": {"ocean": "/v/ocean/a", "<waves>": "/v/<waves>/b", "cyd": "/v/cyd/c"},
    "cost": {"ocean": ",3221225472,", "<waves>": ",5368709120,", "cyd": ",7516192768,"},
}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "unlinked"])
def test_reports_in_the_background_are_of_what_the_role_sees(stored: Served, role: str) -> None:
    wanted = {}
    for report in REPORTED:
        asked = {"storage": report, "day": "2026-03-22", "rate": ["150"] if report == "cost" else []}
        asked |= {"days": 0} if report == "old" else {}
        headers = stored.headers(role)
        begun = PROGRAM.post(f"{stored.url}/api/v1/reports/storage", json=asked, headers=headers)
        assert begun.status_code == 202, begun.text
        wanted[report] = begun.json()["id"]
    for report, names in REPORTED.items():
        told = content_of(stored, role, wanted[report])
        expected = SEEN[role] - ({"cyd"} if report in ("groups", "forecast") and role == "member" else set())
        expected = set() if report == "duplicates" else expected  # no two are of one size
        assert {name for name, text in names.items() if text in told} == expected, (report, told)


def content_of(stored: Served, role: str, work: str) -> str:
    """The file, once it is made."""
    for _ in range(600):
        state = stored.ask(role, f"work/{work}").json()
        if state["state"] in ("done", "failed"):
            break
        time.sleep(0.1)
    assert state["state"] == "done", state
    return stored.ask(role, f"work/{work}/file", accept="*/*").text


def test_the_page_of_reports_asks_for_them(stored: Served) -> None:
    browser = stored.browser("pi")
    assert "A report on file systems" in browser.get("/reports").text
    asked = {"storage": "users", "day": "2026-03-22", "format": "csv", "volume": "v", "rate": ""}
    answer = post(browser, "/reports", "/reports/ask", kind="report", **asked)
    assert answer.status_code == 302, answer.text
    assert "Storage: users, v, 2026-03-22 (CSV)" in browser.get("/reports").text
    work = stored.ask("pi", "reports").json()[0]["id"]
    assert "oceangroup" in content_of(stored, "pi", work)


def test_a_report_that_cannot_be_made_is_refused_at_once(stored: Served) -> None:
    def refused(**said: object) -> str:
        asked = {"storage": "top", "day": "2026-03-22", **said}
        headers = stored.headers("staff")
        answer = PROGRAM.post(f"{stored.url}/api/v1/reports/storage", json=asked, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        return answer.text

    assert "by: expected bytes or files" in refused(by="group")
    assert "rate: expected with cost" in refused(rate=["5"])
    assert "rate: expected with cost" in refused(storage="cost")
    assert "expected RATE or VOLUME=RATE" in refused(storage="cost", rate=["much"])
    assert "expected at most" in refused(storage="cost", rate=["1e400"])


def test_a_directory_of_others_is_empty_and_outside_the_volume_is_nothing(stored: Served) -> None:
    browser = stored.browser("harbour")
    page = browser.get("/storage", params={"volume": "v", "path": "/v/ocean"}).text
    assert "Nothing lies there that this account may see" in page
    assert browser.get("/storage", params={"volume": "v", "path": "/etc"}).status_code == 400
    assert browser.get("/storage", params={"volume": "x"}).status_code == 400
    inside = stored.browser("staff").get("/storage", params={"volume": "v", "path": "/v/ocean"}).text
    assert "3 GiB in 1 files" in inside


def test_without_a_scan_the_page_says_how_to_get_one(served: Served) -> None:
    page = served.browser("staff").get("/storage").text
    assert "No scan yet" in page
    assert "meterhouse ingest scan" in page
