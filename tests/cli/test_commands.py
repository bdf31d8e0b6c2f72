"""The command line: a site from raw files to answers, and errors of one clear line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.by_command import SETTINGS, event, run

# Two vCPUs run for two hours, from 23:00 on the first of May, and stand still for one.
LIFE = [
    event("create.end", "2026-05-01T23:00:00"),
    event("power_off.end", "2026-05-02T01:00:00", "stopped"),
    event("delete.end", "2026-05-02T02:00:00", "deleted"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    run("init", str(folder / "site"))
    (folder / "site" / "meterhouse.toml").write_text(SETTINGS)
    (folder / "events.json").write_text(json.dumps(LIFE))
    run("ingest", "openstack-events", "-r", "c", str(folder / "events.json"), site=folder / "site")
    run("build", site=folder / "site")
    return folder / "site"


def asked(site: Path, *arguments: str) -> list[dict[str, str]]:
    text = run(*arguments, "--format", "csv", site=site).stdout
    return list(csv.DictReader(io.StringIO(text)))


MAY = ("--from", "2026-05-01", "--to", "2026-05-31")


def test_usage_answers_by_day(site: Path) -> None:
    rows = asked(site, "usage", "--by", "day", "--meter", "core_hours,stopped_wall_hours,vms_started", *MAY)
    assert rows == [
        {"day": "2026-05-01", "core_hours": "2.0000", "stopped_wall_hours": "0.0000", "vms_started": "1"},
        {"day": "2026-05-02", "core_hours": "2.0000", "stopped_wall_hours": "1.0000", "vms_started": "0"},
    ]


def test_usage_answers_as_json(site: Path) -> None:
    text = run(
        "usage", "--by", "project", "--meter", "core_hours", *MAY, "--format", "json", site=site
    ).stdout
    assert json.loads(text) == [{"project": "zealous", "project_id": "p1", "core_hours": "4.0000"}]


def test_log_tells_each_change_in_plain_words(site: Path) -> None:
    assert run("log", "--project", "zealous", *MAY, site=site).stdout.splitlines() == [
        "2026-05-01 23:00 | yerwa | created VM x, flavor c2.m4, 2 vCPU, 4 GiB, in project zealous",
        "2026-05-02 01:00 | yerwa | stopped VM x",
        "2026-05-02 02:00 | yerwa | deleted VM x",
    ]


def test_spans_name_their_records(site: Path) -> None:
    first, second = asked(site, "spans", *MAY)
    assert (first["state"], first["start"], first["end"]) == (
        "active",
        "2026-05-01T23:00:00Z",
        "2026-05-02T01:00:00Z",
    )
    assert (first["opened_record"], first["closed_record"], second["opened_record"]) == ("1", "2", "2")


def test_nothing_recorded_is_said_to_be_no_data(site: Path) -> None:
    assert "No data" in run("usage", "--from", "2020-01-01", "--to", "2020-01-31", site=site).stdout


def test_the_same_file_again_changes_nothing(site: Path) -> None:
    path = str(site.parent / "events.json")
    assert "already there" in run("ingest", "openstack-events", "-r", "c", path, site=site).stdout
    assert "Nothing new" in run("build", site=site).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("usage", "--meter", "core_ours", *MAY), "meter: expected one of core_hours"),
        (("usage", "--by", "month,day", *MAY), "by: expected one unit of time, found month, day"),
        (("usage", "--profile", "x", *MAY), "profile: expected one of default, xdmod, found 'x'"),
        (("ingest", "no-such", "-r", "c", "f"), "ingest: expected a format, one of"),
        (("ingest", "openstack-events", "-r", "d", "f"), "resource: expected one declared"),
        (("report", "monthly", "2026-13"), "month: expected YYYY-MM, found '2026-13'"),
        (("usage", *MAY, "--as-of", "99999"), "as_of: expected a snapshot from 0 to"),
    ],
)
def test_a_mistake_is_one_clear_line(site: Path, arguments: Sequence[str], message: str) -> None:
    error = run(*arguments, site=site, code=1).stderr
    assert error.startswith(f"meterhouse: {message}")
    assert error.count("\n") == 1


def test_bad_records_are_told_and_good_ones_land(tmp_path: Path, site: Path) -> None:
    path = tmp_path / "bad.json"
    good = event("exists", "2027-01-01T00:00:00", instance_id="vm-2")
    path.write_text(json.dumps([good, {**good, "vcpus": "many"}]))
    done = run("ingest", "openstack-events", "-r", "c", str(path), site=site)
    assert "1 records, 1 rejected" in done.stdout
    assert "record 2, field vcpus: expected" in done.stderr


def test_a_file_of_which_nothing_could_be_taken_is_a_failure(tmp_path: Path, site: Path) -> None:
    path = tmp_path / "rubbish.json"
    path.write_text("this is no JSON")
    assert (
        "0 records, 1 rejected"
        in run("ingest", "openstack-events", "-r", "c", str(path), site=site, code=3).stdout
    )


def test_help_comes_without_heavy_imports() -> None:
    program = (
        "import sys, meterhouse.cli.main\n"
        "heavy = {'duckdb', 'pyarrow', 'django', 'openstack', 'typst', 'pika', 'pydantic'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
