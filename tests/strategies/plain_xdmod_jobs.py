"""Open XDMoD's realm Jobs once more, as plainly as can be: lines of sacct, loops over periods, fractions.

Written from the rules alone (XDMoD jobs and storage rules, formats), without anything of Meterhouse's.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

ENDED = (
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "FAILED", "NODE_FAIL"),
    *("PREEMPTED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE", "REVOKED"),
)
HOUR, DAY = 3600, 86400
LONG_LABELS = ["0 - 1s", "1 - 30s", "30s - 30min", "30 - 60min", "1 - 5hr", "5 - 10hr", "10 - 18hr", "18+hr"]


@dataclass(frozen=True)
class Job:
    """A job that counts; times are whole seconds since 1970."""

    user: str
    group: str
    queue: str
    qos: str
    submit: int
    start: int
    end: int
    nodes: int
    cores: int
    gpus: int
    eligible: int | None

    @property
    def wall(self) -> int:
        return self.end - self.start

    @property
    def wait(self) -> int:
        return self.start - self.submit


def seconds(text: str) -> int | None:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def length(text: str) -> int:
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, rest = [0] * (3 - len(parts)) + parts
    return int(days or 0) * DAY + hours * HOUR + minutes * 60 + rest


def gpus_in(tres: str) -> int:
    for part in tres.split(","):
        name, _, number = part.partition("=")
        if name == "gres/gpu" or name.startswith("gres/gpu:"):
            return int(number)
    return 0


def tasks_of(job_id: str) -> list[str]:
    listed = re.fullmatch(r"(\d+)_\[(.*)\]", job_id)
    if not listed:
        return [job_id]
    tasks = []
    for part in listed[2].split(","):
        first, _, last = part.partition("-")
        tasks += [f"{listed[1]}_{n}" for n in range(int(first), int(last or first) + 1)]
    return tasks


def jobs_of(lines: Iterable[str]) -> list[Job]:
    """The jobs that count, each once."""
    found: dict[tuple[Any, ...], Job] = {}
    for line in lines:
        said = line.rstrip("\n").split("|", 25)
        (job_id, _, _, queue, qos, _, group, _, user, _, submit, eligible, start, end, elapsed, _, state) = (
            said[:17]
        )
        nodes, cores, alloc, node_list = int(said[17] or 0), int(said[18] or 0), said[22], said[24]
        if "." in job_id or end == "Unknown" or node_list == "None assigned":
            continue
        if state.split(" ")[0].upper() not in ENDED or nodes == 0:
            continue
        last = seconds(end)
        first = seconds(start)
        assert last is not None
        if first is None or first > last:
            first = last - length(elapsed)
        submitted = min(seconds(submit) or first, first)
        known = seconds(eligible)
        known = None if known is None or known > first else known
        job = Job(user, group, queue, qos, submitted, first, last, nodes, cores, gpus_in(alloc), known)
        for task in tasks_of(job_id):
            found[task, submitted, last] = job
    return list(found.values())


@dataclass(frozen=True)
class Period:
    label: str
    start: int
    end: int


def periods(unit: str, first: date, last: date) -> list[Period]:
    """Every whole period that the days touch."""
    found = []
    labels = {
        "day": lambda day: day.isoformat(),
        "month": lambda day: day.isoformat()[:7],
        "quarter": lambda day: f"{day.year} Q{(day.month + 2) // 3}",
        "year": lambda day: str(day.year),
    }
    label_of = labels[unit]
    begin = first
    while label_of(begin - timedelta(days=1)) == label_of(first):
        begin -= timedelta(days=1)
    day = begin
    while day <= last:
        following = day + timedelta(days=1)
        while label_of(following) == label_of(day):
            following += timedelta(days=1)
        found.append(Period(label_of(day), _midnight(day), _midnight(following)))
        day = following
    return found


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


Facts = dict[str, int]


def _bucket(value: int) -> int:
    return sum(value >= edge for edge in (1, 30, 1800, 3600, 18000, 36000, 64800))


def rows(jobs: list[Job], period: Period) -> Iterator[tuple[Job, Facts]]:
    """The rows of the table of one period: an example of the jobs in each, and what they add up to."""
    together: dict[tuple[Any, ...], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.start < period.end and job.end >= period.start:
            key = (job.user, job.group, job.queue, job.qos, job.nodes, job.cores, job.gpus)
            together[*key, _bucket(job.wall), _bucket(job.wait)].append(job)
    for alike in together.values():
        facts: Facts = defaultdict(int)
        expanded = Fraction(0)
        for job in alike:
            part = min(job.end, period.end) - max(job.start, period.start)
            starts, ends = job.start >= period.start, job.end < period.end
            facts["running"] += 1
            facts["started"] += starts
            facts["ended"] += ends
            facts["submitted"] += period.start <= job.submit < period.end
            facts["wall"] += part
            facts["cpu"] += part * job.cores
            facts["node"] += part * job.nodes
            facts["gpu"] += part * job.gpus
            facts["wait"] += starts * job.wait
            for name, size in (("wall", 1), ("cpu", job.cores), ("node", job.nodes), ("gpu", job.gpus)):
                facts[f"{name}2"] += (part * size) ** 2
            facts["wait2"] += starts * job.wait**2
            if job.eligible is not None:
                facts["eligible_started"] += starts
                facts["eligible"] += starts * (job.start - job.eligible)
                facts["eligible2"] += starts * (job.start - job.eligible) ** 2
            if job.wall:
                expanded += Fraction(job.wall + job.wait, job.wall) * job.nodes * part
        facts["expanded"] = math.floor(expanded + Fraction(1, 2))
        yield alike[0], facts


def decimal(value: Fraction, places: int) -> str:
    """Rounded half up."""
    scaled = math.floor(value * 10**places + Fraction(1, 2))
    return f"{Decimal(scaled).scaleb(-places):f}"


def _ratio(above: int | Fraction, below: int | Fraction) -> Fraction:
    return Fraction(above) / below if below else Fraction(0)


def _error(squares: int, total: int, count: int) -> float | None:
    if not count:
        return 0.0
    mean = math.floor(Fraction(total, count) * 10**9) / 10**9
    variance = (float(squares) / count - mean**2) / count
    return None if variance < 0 else math.sqrt(variance)


Cell = list[tuple[int, Job, Facts]]  # the number of the period, and a row of it


class Figures:
    """The statistics of some rows; `series` says whether they are of a period of a time series."""

    def __init__(self, cell: Cell, series: bool, capacity_seconds: int, capacity: int) -> None:
        self.cell, self.series = cell, series
        self.capacity_seconds, self.capacity = capacity_seconds, capacity

    def total(self, name: str, weight: Callable[[Job], int] = lambda job: 1) -> int:
        return sum(facts[name] * weight(job) for _, job, facts in self.cell)

    def active(self, weight: Callable[[Job], int] = lambda job: 1) -> int:
        first = lambda number: self.series or number == 0  # noqa: E731
        return sum(
            (facts["running"] if first(number) else facts["started"]) * weight(job)
            for number, job, facts in self.cell
        )

    def printed(self, statistic: str) -> str:
        if statistic.startswith("sem_"):
            error = self._error_of(statistic)
            if error is None:
                return ""
            if error == 0:
                return "0"
            return f"{Decimal(repr(error)):f}"
        value, places = self._value(statistic)
        return decimal(Fraction(value), places)

    def _error_of(self, statistic: str) -> float | None:
        what = statistic.removeprefix("sem_avg_").removesuffix("_hours")
        ended, running = self.total("ended"), self.total("running")
        if what in ("processors", "gpus"):
            size = (lambda job: job.cores) if what == "processors" else (lambda job: job.gpus)
            squares = self.total("ended", lambda job: size(job) ** 2)
            total = self.total("running" if self.series else "ended", size)
            return _error(squares, total, running if self.series else ended)
        name = {"wallduration": "wall", "waitduration": "wait", "eligible_waitduration": "eligible"}.get(
            what, what
        )
        count = running if self.series else ended
        if name in ("wait", "eligible"):
            count = self.total("started" if name == "wait" else "eligible_started")
        error = _error(self.total(f"{name}2"), self.total(name), count)
        return None if error is None else error / 3600

    def _value(self, statistic: str) -> tuple[Fraction | int, int]:
        cores, gpus = (lambda job: job.cores), (lambda job: job.gpus)
        total, active = self.total, self.active()
        sizes = [job.cores for _, job, _ in self.cell if job.cores]
        match statistic:
            case "job_count":
                return total("ended"), 0
            case "started_job_count":
                return total("started"), 0
            case "running_job_count":
                return active, 0
            case "submitted_job_count":
                return total("submitted"), 0
            case "total_cpu_hours" | "total_gpu_hours" | "total_node_hours":
                return Fraction(total(statistic[6:-6]), HOUR), 4
            case "total_wallduration_hours":
                return Fraction(total("wall"), HOUR), 4
            case "total_waitduration_hours":
                return Fraction(total("wait"), HOUR), 4
            case "total_eligible_waitduration_hours":
                return Fraction(total("eligible"), HOUR), 4
            case "avg_cpu_hours" | "avg_gpu_hours" | "avg_node_hours":
                return _ratio(total(statistic[4:-6]), active) / HOUR, 8
            case "avg_wallduration_hours":
                return _ratio(total("wall"), active) / HOUR, 8
            case "avg_waitduration_hours":
                return _ratio(total("wait"), total("started")) / HOUR, 8
            case "avg_eligible_waitduration_hours":
                return _ratio(total("eligible"), total("eligible_started")) / HOUR, 8
            case "avg_processors":
                return _ratio(self.active(cores), active), 4
            case "avg_gpus":
                return _ratio(self.active(gpus), active), 4
            case "normalized_avg_processors":
                return 100 * _ratio(self.active(cores), active) / self.capacity, 9
            case "min_processors":
                return min(sizes, default=0), 0
            case "max_processors":
                return max(sizes, default=0), 0
            case "avg_job_size_weighted_by_cpu_hours":
                return _ratio(total("cpu", cores), total("cpu")), 4
            case "avg_job_size_weighted_by_gpu_hours":
                return _ratio(total("gpu", cores), total("gpu")), 4
            case "expansion_factor":
                return _ratio(total("expanded"), total("node")), 4
            case "utilization":
                return 100 * _ratio(total("cpu"), self.capacity_seconds), 4
            case "active_person_count":
                return len({job.user for _, job, _ in self.cell}), 0
            case "active_pi_count":
                return len({job.group for _, job, _ in self.cell}), 0
            case "active_resource_count":
                return 1, 0
        raise KeyError(statistic)


def cores_label(cores: int) -> str:
    for label, most in (
        *(("1", 1), ("2", 2), ("3 - 4", 4), ("5 - 8", 8), ("9 - 16", 16), ("17 - 32", 32), ("33 - 64", 64)),
        *(("65 - 128", 128), ("129 - 256", 256), ("257 - 512", 512), ("513 - 1024", 1024)),
        *(("1k - 2k", 2048), ("2k - 4k", 4096)),
    ):
        if cores <= most:
            return label
    return "> 4k"


def gpus_label(gpus: int) -> str:
    return str(gpus) if gpus <= 8 else cores_label(gpus)
