"""What would the example OpenShift cluster have said of its pods? A file of samples a day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from meterhouse.operations.demo.people import PROJECTS

CONTAINERS = "openshift"
_SEED = 20260903
_STEP = 900
_PODS = 40

Series = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Pod:
    name: str
    namespace: str
    node: str
    cores: str
    memory_gib: int
    gpus: int
    start: int  # seconds since 1970, whole steps
    end: int


def write_pods(folder: Path, first: date, last: date) -> None:
    """Write `metrics-YYYY-MM-DD.json` for each day, with what pods asked for at every quarter of an hour."""
    folder.mkdir(parents=True, exist_ok=True)
    pods = list(_pods(Random(_SEED), first, last))  # noqa: S311 - an example, not a secret
    day = first
    while day <= last:
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        metrics = {
            "start_date": str(day),
            "end_date": str(day),
            "interval_minutes": _STEP // 60,
            "cluster_name": CONTAINERS,
            "cpu_metrics": list(_series(pods, "cpu", start)),
            "memory_metrics": list(_series(pods, "memory", start)),
            "gpu_metrics": list(_series(pods, "nvidia.com/gpu", start)),
        }
        (folder / f"metrics-{day}.json").write_text(json.dumps(metrics), encoding="utf-8")
        day += timedelta(days=1)


def _pods(random: Random, first: date, last: date) -> Iterator[_Pod]:
    begin = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    end = int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()) + 86_400
    for number in range(_PODS):
        project = PROJECTS[number % len(PROJECTS)]
        word = ("web", "notebook", "worker", "inference", "database")[number % 5]
        gpus = 1 if word == "inference" and number % 2 else 0
        start = begin + random.randint(0, 50 * 96) * _STEP
        yield _Pod(
            f"{word}-{random.getrandbits(32):08x}",
            project.name,
            f"worker-{random.randint(1, 6)}",
            random.choice(("0.25", "0.5", "1", "2", "4")),
            random.choice((1, 2, 4, 16)),
            gpus,
            start,
            min(end, start + random.randint(4, 30 * 96) * _STEP),
        )


def _series(pods: list[_Pod], resource: str, day: int) -> Iterator[Series]:
    for pod in pods:
        value = {"cpu": pod.cores, "memory": str(pod.memory_gib * 2**30)}.get(resource, str(pod.gpus))
        first, last = max(pod.start, day), min(pod.end, day + 86_400)
        if value == "0" or first >= last:
            continue
        metric = {"pod": pod.name, "namespace": pod.namespace, "node": pod.node, "resource": resource}
        if resource == "nvidia.com/gpu":
            metric["label_nvidia_com_gpu_product"] = "NVIDIA-A100-SXM4-40GB"
        yield {"metric": metric, "values": [[moment, value] for moment in range(first, last, _STEP)]}
