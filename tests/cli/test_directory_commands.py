"""The directory on the command line: shown first, then written, then exported as of a day."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cli.by_command import run

SETTINGS = """\
[site]
name = "T"
[[resources]]
name = "cloud"
kind = "cloud"
[[directory]]
name = "portal"
kind = "coldfront"
url = "https://coldfront.invalid"
resources = { NERC = "cloud" }
"""


def directory(site: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run("directory", *arguments, site=site, code=code)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("directory") / "site"
    site.mkdir()
    (site / "meterhouse.toml").write_text(SETTINGS)
    allocation = {
        "id": 1,
        "project": {"id": 1, "title": "Tides\x1b[31m", "pi": "ada@north.edu", "status": "Active"},
        "resource": {"name": "NERC", "resource_type": "OpenStack"},
        "status": "Active",
        "attributes": {"Allocated Project ID": "p1", "Allocated Project Name": "tides-1"},
    }
    (site / "allocations.json").write_text(json.dumps([allocation, {"id": 2}]))
    return site


def test_an_import_is_shown_written_listed_and_exported(site: Path) -> None:
    saved = ("import", "portal", "--file", str(site / "allocations.json"), "--effective", "2026-03-01")
    dry = directory(site, *saved, "--dry-run")
    assert "+ project tides-31m: Tides\\x1b[31m" in dry.stdout
    assert dry.stdout.endswith("portal: 5 differences, 1 skipped; nothing was written\n")
    assert "skipped: allocations, record 2: project: expected an object, found none" in dry.stderr
    assert directory(site, *saved).stdout.endswith("portal: 5 differences, 1 skipped\n")
    assert directory(site, *saved).stdout == "portal: 0 differences, 1 skipped\n"
    (row,) = json.loads(directory(site, "projects", "--as-of", "2026-03-02", "--format", "json").stdout)
    assert (row["code"], row["pi"], row["resource_projects"]) == ("tides-31m", "ada@north.edu", "p1 on cloud")
    directory(site, "export", "--as-of", "2026-03-02", "--output", str(site / "out"))
    assert (site / "out" / "pi2project.csv").read_text() == '"tides-1", "tides-1", "cloud"\n'


def test_mistakes_are_one_clear_line(site: Path) -> None:
    unknown = directory(site, "import", "nowhere", code=1)
    assert unknown.stderr == (
        "meterhouse: directory: expected one declared in meterhouse.toml (portal), found 'nowhere'\n"
    )
    no_token = directory(site, "import", "portal", code=1)
    assert no_token.stderr == "meterhouse: directory.portal: expected token, or token_url\n"
