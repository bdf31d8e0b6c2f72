"""What somebody at a terminal does: run `meterhouse`, with events of one VM to give it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

METERHOUSE = [sys.executable, "-m", "meterhouse.cli.main"]
SETTINGS = '[site]\nname = "T"\n\n[[resources]]\nname = "c"\nkind = "cloud"\n'


def run(*arguments: str, site: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """What the command printed; it must end with `code`."""
    command = [*METERHOUSE, *(["--site", str(site)] if site else []), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def event(kind: str, moment: str, state: str = "active", **more: str) -> dict[str, str]:
    """What a file of events says of a VM of two cores in the project `zealous`."""
    return {
        "event_type": f"compute.instance.{kind}",
        "generated": moment,
        "instance_id": "vm-1",
        "display_name": "x",
        "instance_type": "c2.m4",
        "vcpus": "2",
        "memory_mb": "4096",
        "disk_gb": "20",
        "state": state,
        "user_id": "u1",
        "user_name": "yerwa",
        "project_id": "p1",
        "project_name": "zealous",
        **more,
    }
