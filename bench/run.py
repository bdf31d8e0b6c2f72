"""How fast is Meterhouse, against plain pandas and PostgreSQL? One command, measured in child processes.

    python bench/run.py [--events 10000000 --instances 100000 --days 90] [--work DIR] [--keep]

It generates events, lands them in a site day by day as batches, and measures the project's own build:
in full, in full under a memory limit of 1 GiB, and after one more day. A tenth of the events goes through
`pandas_baseline.py` and through PostgreSQL (the same SQL). All must give the same totals. The result is
printed, and written to bench/results/DATE.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

MEMORY_LIMIT = "1GiB"


@dataclass(frozen=True, slots=True)
class Measured:
    """One child process: seconds and CPU seconds of its work, its peak memory, and what it said.

    Python's start and its imports aren't counted as work: they take as long for one event as for all.
    """

    wall: float
    cpu: float
    peak_mib: float
    said: dict[str, Any]


def measure(*command: str) -> Measured:
    """Run one step of this bench (`steps.py`) in a process of its own."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([sys.executable, str(HERE / "steps.py"), *command], stdout=output)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
        output.seek(0)
        said = json.loads(output.read().splitlines()[-1])
    step = Measured(said["wall"], said["cpu"], used.ru_maxrss / 1024, said)
    print(
        f"{' '.join(command):90.90} {step.wall:8.1f} s {step.cpu:8.1f} CPU s {step.peak_mib:7.0f} MiB",
        flush=True,
    )
    return step


def build_of_copy(site: str, *options: str) -> Measured:
    copied = shutil.copytree(site, f"{site}-copied")
    os.sync()  # what is written behind would be measured, too
    built = measure("build", copied, *options)
    shutil.rmtree(copied)
    return built


def builds_in_turns(site: str) -> tuple[Measured, Measured]:
    """The builds of the median wall time, of 9 after a day and of 3 of everything, each of a copy of `site`.

    Three and one in turns: the speed of a host drifts, and the ratio would drift with it.
    """
    days: list[Measured] = []
    fulls: list[Measured] = []
    for _ in range(3):
        days += [build_of_copy(site) for _ in range(3)]
        fulls.append(build_of_copy(site, "--full"))
    same_totals(*days, *fulls)
    one_day, full = (sorted(runs, key=lambda run: run.wall)[len(runs) // 2] for runs in (days, fulls))
    return one_day, full


def same_totals(one: Measured, *others: Measured) -> None:
    for other in others:
        if other.said["totals"] != one.said["totals"]:
            raise SystemExit(f"totals differ: {one.said['totals']} and {other.said['totals']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument(
        "--work", type=Path, help="folder for everything that is made (default: a temporary one)"
    )
    parser.add_argument("--keep", action="store_true", help="keep that folder")
    asked = parser.parse_args()
    work = asked.work or Path(tempfile.mkdtemp(prefix="meterhouse-bench-"))
    try:
        report = bench(work, asked.events, asked.instances, asked.days)
    finally:
        if not asked.keep:
            shutil.rmtree(work, ignore_errors=True)
    print(report)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{datetime.now(UTC).date().isoformat()}.md"
    path.write_text(report, encoding="utf-8")
    print(f"written to {path}")


def bench(work: Path, events: int, instances: int, days: int) -> str:
    """All measurements, as a page to read."""
    site, tenth = str(work / "site"), str(work / "tenth")
    measure("generate", tenth, str(events // 10), str(instances // 10), str(days))
    measure("land", site, str(events), str(instances), str(days), "0", str(days - 1))
    measure("build", site)
    land_day = measure("land", site, str(events), str(instances), str(days), str(days - 1), str(days))
    one_day, full = builds_in_turns(site)
    if one_day.said["way"] != "incremental":
        raise SystemExit("the models or rules were changed between two builds: nothing was measured")
    limited = measure("build", site, "--full", "--memory", MEMORY_LIMIT)
    same_totals(full, limited)
    models = measure("models", tenth)
    pandas = measure("pandas", tenth)
    walking = measure("pandas", tenth, "--walk")
    postgresql = measure("postgresql", tenth)
    same_totals(models, pandas, walking, postgresql)
    small = models.said["events"]
    total = full.said["events"]

    def row(name: str, step: Measured, count: int, cpu: float | None = None) -> str:
        cpu = step.cpu if cpu is None else cpu
        return (
            f"| {name} | {count:,} | {step.wall:.1f} | {cpu:.1f} | {step.peak_mib:,.0f} "
            f"| {step.wall / count * 1e6:.2f} | {cpu / count * 1e6:.2f} |"
        )

    def times(other: Measured) -> str:
        per_event = full.wall / total, full.cpu / total
        return f"{other.wall / small / per_event[0]:.1f} | {other.cpu / small / per_event[1]:.1f}"

    server = postgresql.said
    return "\n".join(
        [
            f"# Bench of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "",
            f"{os.cpu_count()} cores. {total:,} events of {instances:,} VMs in {days} days, one batch a day. "
            "Raw -> spans -> daily usage, both rule sets; medians of 3 builds of all and 9 after a day, "
            "in turns. Load on the machine before: "
            f"{os.getloadavg()[2]:.1f} (15 minutes).",
            "",
            "| step | events | wall s | CPU s | peak MiB | wall us an event | CPU us an event |",
            "|---|---|---|---|---|---|---|",
            row("build, all", full, total),
            row(f"build, all, limit {MEMORY_LIMIT}", limited, total),
            row("build after one new day", one_day, total),
            row("the models on DuckDB, a tenth", models, small),
            row("pandas, vectorised, a tenth", pandas, small),
            row("pandas, a walk for each VM, a tenth", walking, small),
            row(f"PostgreSQL {server['version']}, the same SQL, a tenth", postgresql, small),
            "",
            "| goal | wanted | wall | CPU |",
            "|---|---|---|---|",
            f"| pandas (walk) / Meterhouse, an event | >= 10 | {times(walking)} |",
            f"| pandas (vectorised) / Meterhouse, an event | | {times(pandas)} |",
            f"| PostgreSQL / Meterhouse, an event | >= 5 | {times(postgresql)} |",
            f"| with {MEMORY_LIMIT} / without a limit | <= 1.6 CPU "
            f"| {limited.wall / full.wall:.2f} | {limited.cpu / full.cpu:.2f} |",
            "| one new day / all | <= 0.05 "
            f"| {one_day.wall / full.wall:.3f} | {one_day.cpu / full.cpu:.3f} |",
            "",
            f"Landing the last day (a batch of {land_day.said['events']:,} events): {land_day.wall:.1f} s.",
            f"All give the same totals: {json.dumps(models.said['totals'])}",
            "",
        ]
    )


if __name__ == "__main__":
    main()
