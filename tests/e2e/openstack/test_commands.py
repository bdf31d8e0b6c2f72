"""The commands themselves against the real cloud: collect once, after all is over, and ask for the spans."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

METERHOUSE = Path(sys.executable).parent / "meterhouse"
SECOND = timedelta(seconds=1)  # Nova cuts times to the second, and shows a state before its action ends


@pytest.fixture(scope="session")
def site(played, layout, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    meterhouse(folder.parent, "init", str(folder))
    with (folder / "meterhouse.toml").open("a") as settings:
        settings.write(
            f"""
[[resources]]
name = "testcloud"
kind = "cloud"

[[sources]]
name = "poll"
kind = "openstack"
resource = "testcloud"
cloud = "testcloud"
clouds_file = "{layout.state}/clouds.yaml"
"""
        )
    meterhouse(folder, "collect")
    meterhouse(folder, "collect")  # what is told again changes nothing
    meterhouse(folder, "build")
    return folder


def meterhouse(folder: Path, *words: str) -> str:
    done = subprocess.run([str(METERHOUSE), *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def spans(site: Path, steps, name: str) -> list[dict[str, str]]:
    first, last = steps[0].asked.date(), steps[-1].done.date()
    text = meterhouse(site, "spans", "--from", str(first), "--to", str(last))
    item = next(step.item for step in steps if step.name == name)
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["item"] == item]
    return sorted(rows, key=lambda row: row["start"])


def moment(text: str) -> datetime:
    said = datetime.fromisoformat(text)
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def test_one_reading_after_the_fact_tells_the_whole_life_of_a_server(site, played):
    """Polled once when it was long gone: every state that it was in, each within its bracket."""
    steps = [step for step in played.steps if step.name == "every-state"]
    told = [row for row in spans(site, played.steps, "every-state") if row["state"] != "unknown"]
    changes = [
        step
        for before, step in zip([None, *steps], steps, strict=False)
        if not before or before.state != step.state
    ]
    assert [row["state"] for row in told] == [step.state for step in changes if step.state != "gone"]
    for row, step in zip(told, changes, strict=False):
        assert step.asked - SECOND <= moment(row["start"]) <= step.done + SECOND
    assert steps[-1].asked - SECOND <= moment(told[-1]["end"]) <= steps[-1].done + SECOND


def test_one_reading_after_the_fact_tells_of_a_server_that_came_and_went(site, played):
    create, delete = (step for step in played.steps if step.name == "brief")
    (life,) = [row for row in spans(site, played.steps, "brief") if row["state"] == "active"]
    assert (life["class"], life["vcpus"]) == ("large", "4")
    assert create.asked - SECOND <= moment(life["start"]) <= create.done + SECOND
    assert delete.asked - SECOND <= moment(life["end"]) <= delete.done + SECOND


def test_a_server_that_never_ran_was_never_active(site, played):
    for name in ("broken", "nowhere"):
        assert {row["state"] for row in spans(site, played.steps, name)} <= {"unknown"}
