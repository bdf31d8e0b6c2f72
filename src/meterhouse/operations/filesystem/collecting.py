"""Which scans are new, and how are they taken in? Volume by volume in processes, within a memory budget.

Of each volume the newest complete scan of the last days is taken: where the newest is cut off, that fact
lands, and the one before it is tried. A process reads one volume, and takes no more than `WORKER_MIB` for it,
however long its scan is; so the budget says how many read at once. One that is killed leaves nothing
half-visible, and costs its volume only.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.operations.filesystem.volumes import resource_of, volume_of
from meterhouse.sources.filesystem.compiled import is_compiled
from meterhouse.sources.filesystem.scan_sets import ScanSet, scan_sets
from meterhouse.usage.calendar import day_start

if TYPE_CHECKING:
    from meterhouse.site import Site

WORKER_MIB = 512  # what reading and landing takes at most, as bench/filesystem_scan.py measures it
_TELL_EVERY = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a volume: its scan landed, had landed already, or there is none; `detail` says why."""

    volume: str
    outcome: Literal["landed", "already there", "failed"]
    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a process is: bytes of all files of the volume's scan, lines so far."""

    volume: str
    read_bytes: int
    all_bytes: int
    lines: int


def scans_of(
    site: Site, day: date, days_back: int, volumes: Collection[str] = ()
) -> dict[str, list[ScanSet]]:
    """The scans of each volume that were made on `day` or before it, `days_back` days in all; newest first.

    `volumes`: only these. Raises QuestionError for one that has no pattern for its files in the settings.
    """
    patterns = {volume.name: volume.scans for volume in site.settings.volumes if volume.scans}
    unknown = sorted(set(volumes) - patterns.keys())
    if unknown or not patterns:
        raise QuestionError(
            f"volume {', '.join(unknown) or '(any)'}: expected scans = PATTERN in [[volumes]], found none"
        )
    zone = ZoneInfo(site.settings.site.time_zone)
    start = day_start(day - timedelta(days=days_back - 1), zone)
    end = day_start(day + timedelta(days=1), zone)
    return {
        name: scan_sets(pattern, site.path, start, end)
        for name, pattern in patterns.items()
        if not volumes or name in volumes
    }


def workers_within(memory_mib: int, jobs: int | None, volumes: int) -> int:
    """How many processes may read at once. Raises QuestionError for a budget that is too small for one."""
    if memory_mib < WORKER_MIB:
        raise QuestionError(
            f"memory: expected at least {WORKER_MIB} MiB, which one volume takes, found {memory_mib} MiB"
        )
    return max(1, min(memory_mib // WORKER_MIB, jobs or os.cpu_count() or 1, volumes))


def collect_scans(
    site: Site,
    scans: dict[str, list[ScanSet]],
    workers: int,
    progress: Callable[[Reading], None] = lambda reading: None,
) -> list[Collected]:
    """Take in the newest complete scan of each volume, `workers` volumes at once; by volume."""
    context = multiprocessing.get_context("spawn")  # a fork would take over threads and open databases
    said: Any = context.Queue()
    waiting = sorted(
        (name for name, sets in scans.items() if sets), key=lambda name: -_bytes(scans[name][0].files)
    )
    done = {
        name: Collected(name, "failed", "no scan of these days was found")
        for name, sets in scans.items()
        if not sets
    }
    running: dict[str, BaseProcess] = {}
    site.close()  # its processes open it themselves
    try:
        while waiting or running:
            # the first of all compiles the reader, and needs room for that; the others find it compiled
            while waiting and len(running) < (workers if is_compiled() else 1):
                name = waiting.pop(0)
                running[name] = context.Process(
                    target=_collect, args=(site.path, name, scans[name], said), name=name
                )
                running[name].start()
            _hear(said, done, progress)
            for name in [name for name, process in running.items() if not process.is_alive()]:
                process = running.pop(name)
                process.join()
                _hear(said, done, progress, wait=1.0 if name not in done else 0)
                if name not in done:
                    done[name] = Collected(name, "failed", f"its process ended with code {process.exitcode}")
    finally:
        for process in running.values():
            process.terminate()
            process.join()
    return [done[name] for name in sorted(done)]


def _hear(
    said: Any, done: dict[str, Collected], progress: Callable[[Reading], None], wait: float = _TELL_EVERY
) -> None:
    """Take what processes have said so far, waiting a little for the first word."""
    while True:
        try:
            one = said.get(timeout=wait) if wait else said.get_nowait()
        except queue.Empty:
            return
        if isinstance(one, Collected):
            done[one.volume] = one
        else:
            progress(one)
        wait = 0


def _collect(path: Path, volume: str, sets: list[ScanSet], said: Any) -> None:
    """In a process: take in the newest of these scans that is complete, and say what came of it."""
    from meterhouse.site import Site

    try:
        with Site.open(path) as site:
            said.put(_newest_complete(site, volume, sets, said.put))
    except MeterhouseError as error:
        said.put(Collected(volume, "failed", str(error)))


def _newest_complete(
    site: Site, volume: str, sets: list[ScanSet], tell: Callable[[Reading], None]
) -> Collected:
    from meterhouse.sources.filesystem.scans import IncompleteScan, read_scan

    reasons = []
    for one in sets:
        total = _bytes(one.files)
        told = [0.0]

        def progress(read_bytes: int, lines: int, total: int = total, told: list[float] = told) -> None:
            if time.monotonic() - told[0] >= _TELL_EVERY:
                told[0] = time.monotonic()
                tell(Reading(volume, read_bytes, total, lines))

        delivery = read_scan(
            one.files,
            resource_of(site, volume),
            volume_of(site, volume),
            scanned_at=None if one.named else one.moment,
            progress=progress,
        )
        try:
            landed = site.warehouse.land(delivery)
        except IncompleteScan as incomplete:
            site.warehouse.land(incomplete.report)
            reasons.append(str(incomplete))
            continue
        if landed.already_landed:
            return Collected(volume, "already there", "; ".join([delivery.origin, *reasons]))
        return Collected(
            volume, "landed", "; ".join([f"{delivery.origin}: {landed.coverage[0].detail}", *reasons])
        )
    return Collected(volume, "failed", "; ".join(reasons))


def _bytes(files: Collection[Path]) -> int:
    return sum(path.stat().st_size for path in files)
