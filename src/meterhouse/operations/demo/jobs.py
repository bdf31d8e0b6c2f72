"""What would the example cluster's Slurm have said of its jobs? Lines of sacct, the same at every run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from meterhouse.operations.demo.people import PROJECTS

CLUSTER = "hpc"
CLUSTER_CORES = 1024
_SEED = 20260902
_JOBS = 2_400
# Partition: cores and GPUs of a node, typical hours.
_PARTITIONS = {"short": (64, 0, 0.4), "long": (64, 0, 9.0), "gpu": (32, 4, 3.0)}
_STATES = ("COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED by 1001")


def write_jobs(path: Path, first: date, last: date) -> None:
    """Write two months of jobs in the 26 fields that Open XDMoD takes, in the order of their ends."""
    random = Random(_SEED)  # noqa: S311 - an example, not a secret
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    length = (last - first).days * 86_400
    jobs = [_job(random, number, start, length) for number in range(1, _JOBS + 1)]
    lines = [line for _, line in sorted(jobs)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _job(random: Random, number: int, first: datetime, length: int) -> tuple[datetime, str]:
    project = random.choice(PROJECTS)
    user = random.choice(project.members)
    partition = random.choices(list(_PARTITIONS), weights=(6, 3, 1))[0]
    node_cores, node_gpus, hours = _PARTITIONS[partition]
    nodes = random.choice((1, 1, 1, 2, 4)) if partition == "long" else 1
    cores = node_cores * nodes if nodes > 1 else random.choice((1, 2, 4, 8, 16, node_cores))
    gpus = node_gpus and random.choice((1, 2, 4))
    submit = first + timedelta(seconds=random.randint(0, length))
    start = submit + timedelta(seconds=int(random.expovariate(1 / 1800)))
    elapsed = max(1, int(random.expovariate(1 / (hours * 3600))))
    end = start + timedelta(seconds=elapsed)
    memory = cores * 4
    tres = f"billing={cores},cpu={cores},mem={memory}G,node={nodes}"
    if gpus:
        tres += f",gres/gpu={gpus},gres/gpu:a100={gpus}"
    word = random.choice(("align", "simulate", "train", "render", "assemble"))
    fields = (
        number, number, CLUSTER, partition, "normal", project.name, project.pi, 2000, user, 1001,
        _time(submit), _time(submit), _time(start), _time(end), _clock(elapsed), "0:0",
        random.choice(_STATES), nodes, cores, cores, f"{memory}Gn", tres, tres, "2-00:00:00",
        f"node[{1:03d}-{nodes:03d}]" if nodes > 1 else f"node{random.randint(1, 16):03d}",
        f"{word}-{number}",
    )  # fmt: skip
    return end, "|".join(map(str, fields))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _clock(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock
