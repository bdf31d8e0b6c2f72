"""Is the description of the API true? Requests made from it, by chance and at its edges, never surprise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from served import Served

# What is valid by its description may still ask for the last day before the first, or for an unknown meter.
NOT_CHECKED = "positive_data_acceptance"
ROLES = os.environ.get("METERHOUSE_API_ROLES", "pi,anybody").split(",")
EXAMPLES = os.environ.get("METERHOUSE_API_EXAMPLES", "4")
PHASES = os.environ.get("METERHOUSE_API_PHASES", "fuzzing")


@pytest.mark.parametrize("role", ROLES)
def test_the_api_does_what_its_description_says(served: Served, role: str, tmp_path: Path) -> None:
    """Neither a failure of the server, nor a status, header or content that isn't described."""
    command = [
        str(Path(sys.executable).with_name("st")),
        *("run", f"{served.url}/api/v1/openapi.json", "--no-color", "--phases", PHASES),
        *("--max-examples", EXAMPLES, "--exclude-checks", NOT_CHECKED, "--max-response-time", "20"),
        *(("--seed", "1") if EXAMPLES == "4" else ()),
    ]
    if role != "anybody":
        command += ["-H", f"Authorization: Bearer {served.tokens[role]}"]
    log = served.folder / "serve.log"
    before = log.stat().st_size  # the site is that of other tests, too
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"NO_PROXY": "*"}
    )
    assert run.returncode == 0, run.stdout[-6000:]
    told = log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in told, told[-3000:]
