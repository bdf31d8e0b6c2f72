"""How fast is a scan read, against decompressing it alone and against a plain Python loop?

    python bench/filesystem_scan.py [--lines 5000000] [--scan FILE.gz] [--rounds 3] [--igzip PATH] [--land]

Each step runs in a process of its own; one round runs all of them one after the other, so that other work
on the machine disturbs all alike, and ratios are taken within a round. Printed: medians of the rounds.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCANNED_AT = datetime(2023, 12, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measured:
    """A step: seconds of its work, CPU seconds, and peak memory in MiB."""

    wall: float
    cpu: float
    peak_mib: float
    said: dict[str, Any]


def loop(path: Path) -> dict[str, int]:
    """Sums by group as the replaced pipeline makes them: a line, its columns, its path, a dictionary."""
    used: dict[str, int] = {}
    newest: dict[str, int] = {}
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            base64.b64decode(columns[0])
            group, links = columns[3], int(columns[9])
            if links:
                used[group] = used.get(group, 0) + int(columns[1]) // links
            changed = int(columns[5])
            if changed > newest.get(group, 0) and changed < SCANNED_AT.timestamp():
                newest[group] = changed
    return {"shared_bytes": sum(used.values())}


def groups(path: Path) -> dict[str, int]:
    """Usage by group, user, class and ages of the whole volume."""
    return _one_pass(path, 0, False)


def everything(path: Path) -> dict[str, int]:
    """The same by directory to a depth of six, and every directory at every depth."""
    return _one_pass(path, 6, True)


def _one_pass(path: Path, limit: int, directories: bool) -> dict[str, int]:
    import pyarrow.compute as pc

    from meterhouse.sources.delivery import Rows
    from meterhouse.sources.filesystem.scans import ScannedVolume, read_scan

    volume = ScannedVolume("v", "/", limit, directories)
    said = {"shared_bytes": 0, "rows": 0}
    for item in read_scan([path], "lustre", volume, scanned_at=SCANNED_AT).stream:
        if isinstance(item, Rows):
            said["rows"] += item.records.num_rows
            if item.table == "filesystem_usage":
                said["shared_bytes"] += pc.sum(item.records.column("shared_bytes")).as_py()
    return said


def landed(path: Path) -> dict[str, float]:
    """The whole of it, landed in a new site."""
    from meterhouse.site import Site
    from meterhouse.sources.filesystem.scans import ScannedVolume, read_scan

    with tempfile.TemporaryDirectory(prefix="meterhouse-bench-") as folder:
        site = Site.init(Path(folder) / "site")
        with site:
            _ = site.warehouse
            began = time.perf_counter(), time.process_time()
            site.warehouse.land(
                read_scan([path], "lustre", ScannedVolume("v", "/", 6), scanned_at=SCANNED_AT)
            )
            said = {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}
            size = sum(one.stat().st_size for one in (Path(folder) / "site" / "warehouse").rglob("*.parquet"))
            return said | {"mib": size >> 20}


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "loop": loop,
    "groups": groups,
    "everything": everything,
    "landed": landed,
}


def run_step(name: str, path: Path) -> None:
    """In the child: do it, and say what it took, without Python's start and imports."""
    if name != "loop":
        import pyarrow.compute  # noqa: F401

        from meterhouse.sources.filesystem import kernel, scan_pass, scans  # noqa: F401

        warm_up(STEPS[name] if name != "landed" else everything)
    began = time.perf_counter(), time.process_time()
    said = STEPS[name](path)
    took = {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}
    print(json.dumps(took | said))


def warm_up(step: Callable[[Path], dict[str, Any]]) -> None:
    """Have the kernel compiled, or taken from its cache, before time is taken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan"
        path.write_bytes(base64.b64encode(b"/a") + b"\t1\t1\t1\t1\t1\t1\tf\t1\t1\t1\n")
        step(path)


def measure(command: list[str]) -> Measured:
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=output)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
        output.seek(0)
        last = output.read()[-4000:].splitlines()[-1:]
    said = json.loads(last[0]) if last and last[0].startswith(b"{") else {}
    cpu = used.ru_utime + used.ru_stime
    return Measured(said.get("wall", wall), said.get("cpu", cpu), used.ru_maxrss / 1024, said)


def decompressing(igzip: str | None, path: Path) -> list[str]:
    """The command that unpacks the file into nothing."""
    program = [igzip, "-dc"] if igzip else [sys.executable, "-m", "isal.igzip", "-dc"]
    return ["sh", "-c", 'exec "$@" > /dev/null', "sh", *program, str(path)]


def steps_of(asked: argparse.Namespace, path: Path) -> Iterator[tuple[str, list[str]]]:
    yield "igzip -dc", decompressing(asked.igzip, path)
    for name in STEPS:
        if name == "landed" and not asked.land:
            continue
        if name == "loop" and asked.no_loop:
            continue
        yield name, [sys.executable, __file__, "--step", name, "--scan", str(path)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--scan", type=Path, help="a scan to read, instead of a made-up one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--igzip", default=shutil.which("igzip"), help="Debian's isal; else Python's")
    parser.add_argument("--land", action="store_true", help="also land it in a site")
    parser.add_argument("--no-loop", action="store_true", help="without the plain loop")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        run_step(asked.step, asked.scan)
        return
    with tempfile.TemporaryDirectory(prefix="meterhouse-bench-") as folder:
        path = asked.scan
        if path is None:
            path = Path(folder) / "scan.gz"
            generator = [sys.executable, str(HERE / "generate_scan.py"), str(asked.lines), str(path)]
            subprocess.run(generator, check=True)
        report(asked, path)


def report(asked: argparse.Namespace, path: Path) -> None:
    found: dict[str, list[Measured]] = {}
    for _ in range(asked.rounds):
        for name, command in steps_of(asked, path):
            found.setdefault(name, []).append(measure(command))
    sums = {one.said["shared_bytes"] for all_ in found.values() for one in all_ if "shared_bytes" in one.said}
    if len(sums) > 1:
        raise SystemExit(f"totals differ: {sums}")
    base, slow = found["igzip -dc"], found.get("loop", [])
    print(
        f"{'step':12} {'seconds':>8} {'CPU s':>7} {'peak MiB':>9} {'x igzip':>8} {'x CPU':>6} {'loop /':>7}"
        f" {'loop / CPU':>10}"
    )
    for name, rounds in found.items():
        ratio = statistics.median(one.wall / other.wall for one, other in zip(rounds, base, strict=True))
        ratio_cpu = statistics.median(one.cpu / other.cpu for one, other in zip(rounds, base, strict=True))
        faster = ""
        if slow:
            gains = [other.wall / one.wall for one, other in zip(rounds, slow, strict=True)]
            gains_cpu = [other.cpu / one.cpu for one, other in zip(rounds, slow, strict=True)]
            faster = f"{statistics.median(gains):7.1f} {statistics.median(gains_cpu):10.1f}"
        print(
            f"{name:12} {statistics.median(one.wall for one in rounds):8.2f}"
            f" {statistics.median(one.cpu for one in rounds):7.2f}"
            f" {max(one.peak_mib for one in rounds):9.0f} {ratio:8.2f} {ratio_cpu:6.2f} {faster}"
        )


if __name__ == "__main__":
    main()
