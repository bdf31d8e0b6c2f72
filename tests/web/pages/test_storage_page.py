"""Whose files are shown to whom? A volume with a directory of Ocean's, one of Waves', and a file of Cyd's."""

from __future__ import annotations

import base64
import html
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rights.matrix import ROLES
from screenshots import serving
from served import METERHOUSE, Served
from two_institutions import make_site

from meterhouse.operations.directory_import import import_statement
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
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The site of two institutions with a scan, served."""
    folder = tmp_path_factory.mktemp("stored") / "site"
    with make_site(folder) as site:
        (folder / "group").write_text("oceangroup:x:11:\nwavesgroup:x:12:\n")
        (folder / "passwd").write_text("cydlogin:x:21:100::/:/bin/sh\n")
        settings = folder / "meterhouse.toml"
        settings.write_text(
            settings.read_text()
            + '[[resources]]\nname = "disk"\nkind = "filesystem"\n'
            + '[[volumes]]\nname = "v"\nresource = "disk"\npath = "/v"\n'
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
    program = Path(__file__).parents[1] / "accounts_of_roles.py"
    accounts = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True)
    assert accounts.returncode == 0, accounts.stderr
    with serving(folder) as url:
        yield Served(url, folder, json.loads(accounts.stdout), {})


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
