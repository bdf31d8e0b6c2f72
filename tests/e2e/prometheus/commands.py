"""The program's own commands, as a centre's administrator gives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prometheus_server import PrometheusServer

PROGRAM = Path(sys.executable).parent / "meterhouse"


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`meterhouse --site SITE ...`, to its end."""
    return subprocess.run(
        [str(PROGRAM), "--site", str(site), *arguments], capture_output=True, text=True, timeout=300
    )


def collect_and_kill(site: Path, server: PrometheusServer, after: int) -> tuple[int, str]:
    """`meterhouse collect`, whose Prometheus dies after so many deliveries: exit code and errors."""
    collecting = subprocess.Popen(
        [str(PROGRAM), "--site", str(site), "collect"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert collecting.stdout is not None
    for _ in range(after):
        collecting.stdout.readline()
    server.kill()
    _, errors = collecting.communicate(timeout=300)
    return collecting.returncode, errors
