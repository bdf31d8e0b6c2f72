"""Run as a program: make the example site up to yesterday, with a scan and accounts.

`meterhouse demo` stands still at 2026's autumn; pictures of pages want this month.
"""

from __future__ import annotations

import base64
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from meterhouse.operations.demo import records
from meterhouse.operations.demo import site as demo
from meterhouse.operations.demo.people import PEOPLE, PROJECTS

VOLUME = "/projects"
MORE_SETTINGS = f"""
[[volumes]]
name = "projects"
resource = "home"
path = "{VOLUME}"
group_file = "group"
passwd_file = "passwd"

[web]
url = "http://127.0.0.1:8000"
"""


def make(folder: Path) -> Path:
    """Everything but the accounts; the folder of the site."""
    today = datetime.now(UTC).date()
    first = (today.replace(day=1) - timedelta(days=40)).replace(day=1)
    for module in (records, demo):
        module.FIRST, module.LAST = first, today - timedelta(days=1)
    demo._SETTINGS = demo._SETTINGS.replace("2026-09-01", str(first)) + MORE_SETTINGS
    demo.run_demo(folder, lambda said: None)
    site = folder / "site"
    from typer.testing import CliRunner

    from meterhouse.cli.main import app

    def run(*arguments: object) -> None:
        done = CliRunner().invoke(app, ["--site", str(site), *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    users = {one.username: 1000 + number for number, one in enumerate(PEOPLE)}
    groups = {one.name: 2000 + number for number, one in enumerate(PROJECTS)}
    (site / "passwd").write_text("".join(f"{name}:x:{n}:100::/:/bin/sh\n" for name, n in users.items()))
    (site / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in groups.items()))
    scan = folder / "scan.dat"
    moment = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(hours=3)
    scan.write_bytes(b"\n".join(_scan(users, groups, int(moment.timestamp()))) + b"\n")
    run("ingest", "scan", "--volume", "projects", "--scanned-at", moment.isoformat(), scan)
    return site


def _scan(users: dict[str, int], groups: dict[str, int], now: int) -> list[bytes]:
    chance = random.Random(20261101)
    found, inode = [], 1

    def line(path: str, size: int, uid: int, gid: int, age: int, kind: str) -> None:
        nonlocal inode
        inode += 1
        fields = (size, uid, gid, now - age, now - age, now - age)
        found.append(
            b"\t".join(
                [
                    base64.b64encode(path.encode()),
                    *(str(one).encode() for one in fields),
                    kind.encode(),
                    *(str(one).encode() for one in (inode, 1, 5)),
                ]
            )
        )

    line(VOLUME, 4096, 0, 0, 0, "d")
    for project in PROJECTS:
        gid = groups[project.name]
        line(f"{VOLUME}/{project.name}", 4096, users[project.pi], gid, 86_400, "d")
        for part in ("raw", "results", "scratch", "software")[: chance.randint(2, 4)]:
            line(f"{VOLUME}/{project.name}/{part}", 4096, users[project.pi], gid, 86_400, "d")
            for number in range(chance.randint(5, 60)):
                ending = chance.choice(("bam", "cram", "fastq.gz", "vcf.gz", "txt", "tmp", "sif", "csv"))
                owner = users[chance.choice(project.members)]
                path = f"{VOLUME}/{project.name}/{part}/{part}-{number:03d}.{ending}"
                line(path, chance.randint(1, 900) << 30, owner, gid, chance.randint(1, 1500) * 86_400, "f")
    return found


if __name__ == "__main__":
    made = make(Path(sys.argv[1]))
    accounts = Path(__file__).with_name("demonstration_accounts.py")
    subprocess.run([sys.executable, str(accounts), str(made)], check=True)  # a process serves one site
    print(made)
