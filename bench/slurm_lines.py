"""How fast do lines of sacct become daily usage, against a Python loop and against awk? One run, one page.

    python bench/slurm_lines.py [--lines 10000000] [--work DIR] [--keep]

It writes lines in Open XDMoD's 26 fields, and measures in processes of their own:

* `meterhouse ingest` and `meterhouse build`: raw records, spans and daily usage, all on disk
* Python's csv and a dict: core seconds an account; and core seconds a day, account, user and queue, which is
  what daily usage is
* awk (each that is installed): core seconds an account, from Elapsed and NCPUS

All must give the same core seconds. The page is printed, and written to bench/results/DATE-slurm.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
METERHOUSE = Path(sys.executable).parent / "meterhouse"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90

AWK = r"""{
    n = split($15, t, /[-:]/)
    sum[$6] += (t[n] + 60 * t[n - 1] + 3600 * t[n - 2] + (n > 3 ? 86400 * t[n - 3] : 0)) * $19
} END { for (account in sum) total += sum[account]; printf "%.0f\n", total }"""

PYTHON = {
    "csv and a dict, an account": """
import csv, sys
from collections import defaultdict
sums = defaultdict(int)
with open(sys.argv[1], newline="") as file:
    for f in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE):
        days, _, clock = f[14].rpartition("-")
        hours, minutes, seconds = clock.split(":")
        elapsed = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        sums[f[5]] += elapsed * int(f[18])
print(sum(sums.values()))
""",
    "csv and a dict, a day": """
import csv, sys
from collections import defaultdict
from datetime import datetime, timedelta
names = ("jobid jobidraw cluster partition qos account group gid user uid submit eligible start end elapsed"
    " exitcode state nnodes ncpus reqcpus reqmem reqtres alloctres timelimit nodelist jobname").split()
sums = defaultdict(int)
with open(sys.argv[1], newline="") as file:
    for f in csv.DictReader(file, names, delimiter="|", quoting=csv.QUOTE_NONE):
        start, end = datetime.fromisoformat(f["start"]), datetime.fromisoformat(f["end"])
        while start < end:
            until = min(end, datetime(start.year, start.month, start.day) + timedelta(days=1))
            seconds = (until - start).days * 86400 + (until - start).seconds
            sums[start.date(), f["account"], f["user"], f["partition"]] += seconds * int(f["ncpus"])
            start = until
print(sum(sums.values()))
""",
}

TOTAL = """
import sys
from meterhouse.site import Site
with Site.open(sys.argv[1]) as site, site.engine() as engine:
    daily = site.warehouse.view().select("daily")
    (row,) = engine.query(f"SELECT SUM(wall_seconds * vcpus)::BIGINT AS total FROM ({daily})").to_pylist()
    print(row["total"])
"""


@dataclass(frozen=True)
class Measured:
    """One child process: seconds, CPU seconds, its peak memory, and the last line that it said."""

    wall: float
    cpu: float
    peak_mib: float
    said: str


def measure(name: str, command: list[str], folder: Path) -> Measured:
    with tempfile.TemporaryFile() as output:
        began = datetime.now(UTC)
        child = subprocess.Popen(command, stdout=output, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
        wall = (datetime.now(UTC) - began).total_seconds()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"{name}: exit code {child.returncode}")
        output.seek(0)
        said = output.read().decode().strip().splitlines()
    step = Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said[-1] if said else "")
    print(f"{name:40} {step.wall:8.1f} s {step.cpu:8.1f} CPU s {step.peak_mib:7.0f} MiB", flush=True)
    return step


def write_lines(path: Path, lines: int) -> None:
    """Jobs of 200 accounts and 1,500 users over 90 days: 1 to 128 cores, one second to three days."""
    cores, names = (
        (1, 2, 4, 8, 16, 32, 64, 128),
        [f"n{rack:02}-{place:02}" for rack in range(40) for place in range(40)],
    )
    with path.open("w") as file:
        for number in range(lines):
            mixed = number * 2_654_435_761 % (1 << 32)
            count = cores[mixed >> 3 & 7]
            elapsed = 1 + (mixed >> 6) % (259_200 if mixed % 50 == 0 else 14_400)
            submit = BEGIN + timedelta(seconds=number * DAYS * 86_400 // lines)
            start = submit + timedelta(seconds=mixed >> 9 & 1023)
            days, clock = divmod(elapsed, 86_400)
            told = f"{days}-" * (days > 0) + f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
            gpus = f",gres/gpu={1 + mixed % 4}" * (mixed % 10 == 0)
            nodes = max(1, count // 64)
            tres = f"billing={count},cpu={count}{gpus},mem={count * 4}G,node={nodes}"
            submitted, began = submit.strftime("%Y-%m-%dT%H:%M:%S"), start.strftime("%Y-%m-%dT%H:%M:%S")
            ended = (start + timedelta(seconds=elapsed)).strftime("%Y-%m-%dT%H:%M:%S")
            account, user, group = mixed % 200, mixed % 1500, mixed % 50
            state = "CANCELLED by 1001" if mixed % 23 == 0 else "FAILED" if mixed % 17 == 0 else "COMPLETED"
            file.write(
                f"{number}|{number}|hpc|{'gpu' if gpus else 'batch'}|normal|acct{account}|grp{group}|"
                f"{2000 + group}|user{user}|{10_000 + user}|{submitted}|{submitted}|{began}|{ended}|{told}|"
                f"0:0|{state}|{nodes}|{count}|{count}|4000Mc|{tres}|{tres}|4-00:00:00|{names[mixed % 1600]}|"
                f"run-{mixed}\n"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--work", type=Path, help="folder for all that is made (default: a temporary one)")
    parser.add_argument("--keep", action="store_true", help="keep that folder")
    asked = parser.parse_args()
    work = asked.work or Path(tempfile.mkdtemp(prefix="meterhouse-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        report = bench(work, asked.lines)
    finally:
        if not asked.keep:
            shutil.rmtree(work, ignore_errors=True)
    print(report)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{datetime.now(UTC).date().isoformat()}-slurm.md"
    path.write_text(report, encoding="utf-8")
    print(f"written to {path}")


def bench(work: Path, lines: int) -> str:
    """All measurements, as a page to read."""
    path, site = work / "sacct.log", work / "site"
    write_lines(path, lines)
    subprocess.run([METERHOUSE, "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    with (site / "meterhouse.toml").open("a") as settings:
        settings.write('\n[[resources]]\nname = "hpc"\nkind = "cluster"\n')

    ingest = measure("ingest", [str(METERHOUSE), "ingest", "slurm", "--resource", "hpc", str(path)], site)
    build = measure("build", [str(METERHOUSE), "build"], site)
    total = measure("(total)", [sys.executable, "-c", TOTAL, str(site)], site).said
    ours = Measured(
        ingest.wall + build.wall, ingest.cpu + build.cpu, max(ingest.peak_mib, build.peak_mib), total
    )
    others = {
        name: measure(name, [sys.executable, "-c", code, str(path)], work) for name, code in PYTHON.items()
    }
    for awk in ("mawk", "gawk", "original-awk"):
        if found := shutil.which(awk):
            others[f"{awk}, an account"] = measure(awk, [found, "-F|", AWK, str(path)], work)
    for name, other in others.items():
        if other.said != total:
            raise SystemExit(f"core seconds differ: {total}, and by {name} {other.said}")

    def row(name: str, step: Measured) -> str:
        share = f"{step.wall / lines * 1e6:.2f} | {step.cpu / lines * 1e6:.2f}"
        return f"| {name} | {step.wall:.1f} | {step.cpu:.1f} | {step.peak_mib:,.0f} | {share} |"

    rows = [row("ingest", ingest), row("build", build), row("ingest and build", ours)]
    rows += [row(name, other) for name, other in others.items()]
    size = f"{os.cpu_count()} cores. {lines:,} lines of {path.stat().st_size / lines:.0f} bytes. "
    ratios = [
        f"| {name} | {other.wall / ours.wall:.2f} | {other.cpu / ours.cpu:.2f} |"
        for name, other in others.items()
    ]
    return "\n".join(
        [
            f"# Lines of sacct to daily usage, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "",
            f"{size}Load before: {os.getloadavg()[2]:.1f} (15 minutes). All gave the same core seconds.",
            "",
            "| step | wall s | CPU s | peak MiB | wall us a line | CPU us a line |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "| other / ingest and build | wall | CPU |",
            "|---|---|---|",
            *ratios,
            "",
        ]
    )


if __name__ == "__main__":
    main()
