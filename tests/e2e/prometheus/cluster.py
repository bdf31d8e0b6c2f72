"""What did the test cluster do in its month? Known exactly, and said as Prometheus would have scraped it.

Everything happens on a grid of fifteen minutes, so that what was sampled is what was: totals can be
compared to the last second and byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

STEP = 900
DAY = 86_400
GIB = 1 << 30

A100, V100, MIG = "NVIDIA-A100-SXM4-40GB", "Tesla-V100-PCIE-32GB", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"
# node -> product of its GPUs, machine
NODES: dict[str, tuple[str | None, str]] = {
    "wrk-0": (None, "PowerEdge-C6420"),
    "wrk-1": (None, "PowerEdge-C6420"),
    "gpu-a100": (A100, "PowerEdge-XE8545"),
    "gpu-mig": (MIG, "PowerEdge-XE8545"),
    "gpu-v100": (V100, "PowerEdge-R740xd"),
}
# namespace -> PI, who asked for it
NAMESPACES: dict[str, tuple[str | None, str | None]] = {
    "physics-3f2a": ("noether@uni.example", "emmy"),
    "biology-77c1": ("franklin@uni.example", "rosalind"),
    "rhods-notebooks": (None, "admin"),
    "kube-system": (None, None),
}


@dataclass(frozen=True)
class Held:
    """What a pod held from `start` to before `end` (seconds since 1970), and what it used of it."""

    namespace: str
    pod: str
    node: str
    start: int
    end: int
    cpu_micros: int
    memory_bytes: int
    gpus: int = 0
    gpu_resource: str | None = None
    cpu_used_micros: int = 0
    memory_used_bytes: int = 0

    @property
    def gpu_model(self) -> str | None:
        return NODES[self.node][0] if self.gpus else None


@dataclass(frozen=True)
class Claim:
    """A volume claim of one size; `attached` are the stretches in which a pod names it."""

    namespace: str
    claim: str
    storage_class: str
    start: int
    end: int
    space_bytes: int
    used_bytes: int
    attached: tuple[tuple[int, int], ...] = ()


@dataclass
class Cluster:
    """A month of a cluster, from `start` to before `end`."""

    start: int
    end: int
    held: list[Held] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    # pods that Prometheus knows, but that hold nothing: waiting for a place, or ended
    waiting: list[Held] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)

    def total(self, value: Callable[[Held], int], until: int, by: Callable[[Held], object]) -> Counter:
        """Sum of value times seconds until `until`, by what `by` says."""
        total: Counter = Counter()
        for held in self.held:
            seconds = min(held.end, until) - held.start
            if seconds > 0 and value(held):
                total[by(held)] += value(held) * seconds
        return total

    def cpu_used_samples(self, until: int) -> Iterator[tuple[Held, int, int]]:
        """What is seen of the use of cores: pod as it is now, moment, and millionths since a step before.

        A pod's first sample tells nothing: a rate needs two.
        """
        for pods in self.alive():
            for now in pods:
                for time in range(now.start, min(now.end, until), STEP):
                    if time > pods[0].start:
                        before = next(pod for pod in pods if pod.start <= time - STEP < pod.end)
                        yield now, time, before.cpu_used_micros

    def alive(self) -> Iterator[list[Held]]:
        """The sizes that one pod had from when it came until it went, in order."""
        together: list[Held] = []
        for held in sorted(self.held, key=lambda one: (one.namespace, one.pod, one.start)):
            last = together[-1] if together else None
            if last and (last.namespace, last.pod, last.end) == (held.namespace, held.pod, held.start):
                together.append(held)
                continue
            if together:
                yield together
            together = [held]
        if together:
            yield together


def make_cluster(start: int, days: int, seed: int = 7) -> Cluster:
    """A month with everything that happens to pods; `start` is a midnight."""
    random = Random(seed)
    cluster = Cluster(start, start + days * DAY)

    def at(day: float) -> int:
        return start + int(day * DAY) // STEP * STEP

    held = cluster.held
    # Pods of the system, all month long, on every node.
    for node in NODES:
        held.append(
            Held(
                "kube-system",
                f"dns-{node}",
                node,
                start,
                cluster.end,
                110_000,
                70 << 20,
                0,
                None,
                40_000,
                50 << 20,
            )
        )
    # A notebook that is resized twice: three sizes, one pod.
    for first, last, cpu, memory in (
        (2, 9.25, 500_000, 2),
        (9.25, 17.5, 4_000_000, 8),
        (17.5, 26, 2_500_000, 8),
    ):
        held.append(
            Held(
                "rhods-notebooks",
                "jupyter-emmy",
                "wrk-0",
                at(first),
                at(last),
                cpu,
                memory * GIB,
                0,
                None,
                cpu // 4,
                GIB,
            )
        )
    # A stateful pod that is away for three hours, and comes back under its name on another node.
    held.append(
        Held("physics-3f2a", "db-0", "wrk-0", at(1), at(12), 2_000_000, 16 * GIB, 0, None, 750_000, 12 * GIB)
    )
    held.append(
        Held(
            "physics-3f2a",
            "db-0",
            "wrk-1",
            at(12.125),
            at(29),
            2_000_000,
            16 * GIB,
            0,
            None,
            500_000,
            10 * GIB,
        )
    )
    # Same name in two namespaces at once.
    for namespace, cpu in (("physics-3f2a", 8_000_000), ("biology-77c1", 250_000)):
        held.append(
            Held(namespace, "worker-0", "wrk-1", at(5), at(6.5), cpu, 4 * GIB, 0, None, cpu // 2, 3 * GIB)
        )
    # GPUs: whole ones, slices, and a pod that gives one back.
    held.append(
        Held(
            "physics-3f2a",
            "train-a",
            "gpu-a100",
            at(3),
            at(8),
            16_000_000,
            128 * GIB,
            4,
            "nvidia.com/gpu",
            15_500_000,
            100 * GIB,
        )
    )
    held.append(
        Held(
            "biology-77c1",
            "fold-1",
            "gpu-v100",
            at(4.5),
            at(10),
            6_000_000,
            48 * GIB,
            2,
            "nvidia.com/gpu",
            3_000_000,
            40 * GIB,
        )
    )
    held.append(
        Held(
            "biology-77c1",
            "fold-1",
            "gpu-v100",
            at(10),
            at(11),
            6_000_000,
            48 * GIB,
            1,
            "nvidia.com/gpu",
            1_000_000,
            20 * GIB,
        )
    )
    held.append(
        Held(
            "rhods-notebooks",
            "jupyter-mig",
            "gpu-mig",
            at(7),
            at(20.75),
            1_500_000,
            6 * GIB,
            1,
            "nvidia.com/mig-1g.5gb",
            300_000,
            5 * GIB,
        )
    )
    # Many short ones, as jobs have them; some so short that one sample is all there is of them.
    for number in range(120):
        begin = at(random.uniform(0.1, days - 1))
        length = random.choice([1, 1, 2, 3, 8, 30, 96]) * STEP
        gpu = random.random() < 0.2
        node = random.choice(["gpu-a100", "gpu-v100"] if gpu else ["wrk-0", "wrk-1"])
        cpu = random.choice([10, 100, 333, 1000, 1500, 4000]) * 1000
        held.append(
            Held(
                random.choice(["physics-3f2a", "biology-77c1"]),
                f"job-{number:03}-x7k2p",
                node,
                begin,
                min(begin + length, cluster.end),
                cpu,
                random.choice([64, 500, 4096]) << 20,
                1 if gpu else 0,
                "nvidia.com/gpu" if gpu else None,
                cpu // 5,
                32 << 20,
            )
        )
    cluster.waiting.append(Held("biology-77c1", "too-large", "wrk-0", at(2), at(4), 900_000_000, GIB))
    cluster.ended.append(Held("biology-77c1", "done", "wrk-0", at(6), at(14), 3_000_000, GIB))
    cluster.claims += [
        Claim(
            "physics-3f2a",
            "data-db-0",
            "ceph-rbd",
            at(1),
            at(29),
            200 * GIB,
            60 * GIB,
            ((at(1), at(12)), (at(12.125), at(29))),
        ),
        Claim(
            "rhods-notebooks",
            "jupyter-emmy",
            "ceph-rbd",
            at(2),
            at(15),
            20 * GIB,
            5 * GIB,
            ((at(2), at(15)),),
        ),
        Claim(
            "rhods-notebooks",
            "jupyter-emmy",
            "ceph-rbd",
            at(15),
            cluster.end,
            40 * GIB,
            6 * GIB,
            ((at(15), at(26)),),
        ),
        Claim("biology-77c1", "scratch", "nfs", at(0), cluster.end, 1000 * GIB, 333 * GIB),
    ]
    return cluster


def openmetrics(cluster: Cluster) -> Iterator[str]:
    """The month as OpenMetrics, a line at a time: a scrape on every multiple of STEP."""
    yield from _requests(cluster)
    yield "# TYPE kube_pod_status_unschedulable gauge\n"
    for pod in cluster.waiting:
        yield from _gauge("kube_pod_status_unschedulable", _pod(pod), 1, pod.start, pod.end)
    yield "# TYPE kube_pod_status_phase gauge\n"
    for pods, phase in (
        (cluster.held, "Running"),
        (cluster.waiting, "Pending"),
        (cluster.ended, "Succeeded"),
    ):
        for pod in pods:
            yield from _gauge("kube_pod_status_phase", {**_pod(pod), "phase": phase}, 1, pod.start, pod.end)
    yield "# TYPE kube_node_labels gauge\n"
    for node, (product, machine) in NODES.items():
        labels = {"node": node, "label_kubernetes_io_arch": "amd64", "label_nvidia_com_gpu_machine": machine}
        if product:
            labels["label_nvidia_com_gpu_product"] = product
        yield from _gauge("kube_node_labels", labels, 1, cluster.start, cluster.end)
    yield "# TYPE kube_namespace_annotations gauge\n"
    for namespace, (pi, requester) in NAMESPACES.items():
        labels = {"namespace": namespace}
        if pi:
            labels["annotation_cf_pi"] = pi
        if requester:
            labels["annotation_openshift_io_requester"] = requester
        yield from _gauge("kube_namespace_annotations", labels, 1, cluster.start, cluster.end)
    yield "# TYPE kube_pod_labels gauge\n"
    for pod in cluster.held:
        if pod.pod == "jupyter-emmy":
            labels = {**_pod(pod), "label_nerc_mghpcc_org_class": "phys101", "uid": "0b1c"}
            yield from _gauge("kube_pod_labels", labels, 1, pod.start, pod.end)
    yield from _claims(cluster)
    yield from _use(cluster)
    yield "# EOF\n"


def _requests(cluster: Cluster) -> Iterator[str]:
    for metric in ("kube_pod_resource_request", "kube_pod_resource_limit"):
        yield f"# TYPE {metric} gauge\n"
        for pod in (*cluster.held, *cluster.waiting, *cluster.ended):
            where = {**_pod(pod), "node": pod.node, "scheduler": "default-scheduler", "priority": "0"}
            for resource, unit, value in (
                ("cpu", "cores", f"{pod.cpu_micros / 1_000_000}"),
                ("memory", "bytes", f"{pod.memory_bytes}"),
                (pod.gpu_resource, "integer", f"{pod.gpus}"),
            ):
                if resource:
                    labels = {**where, "resource": resource, "unit": unit}
                    yield from _gauge(metric, labels, value, pod.start, pod.end)


def _claims(cluster: Cluster) -> Iterator[str]:
    metric = "kube_persistentvolumeclaim_resource_requests_storage_bytes"
    yield f"# TYPE {metric} gauge\n"
    for claim in cluster.claims:
        yield from _gauge(metric, _claim(claim), claim.space_bytes, claim.start, claim.end)
    yield "# TYPE kube_persistentvolumeclaim_info gauge\n"
    for claim in cluster.claims:
        labels = {**_claim(claim), "storageclass": claim.storage_class}
        yield from _gauge("kube_persistentvolumeclaim_info", labels, 1, claim.start, claim.end)
    metric = "kube_pod_spec_volumes_persistentvolumeclaims_info"
    yield f"# TYPE {metric} gauge\n"
    for claim in cluster.claims:
        for pod, (start, end) in enumerate(claim.attached):
            yield from _gauge(metric, {**_claim(claim), "pod": f"user-{pod}"}, 1, start, end)
    yield "# TYPE kubelet_volume_stats_used_bytes gauge\n"
    for claim in cluster.claims:
        for start, end in claim.attached:
            yield from _gauge("kubelet_volume_stats_used_bytes", _claim(claim), claim.used_bytes, start, end)


def _use(cluster: Cluster) -> Iterator[str]:
    """Two containers a pod; counters of CPU seconds that go on from one size to the next."""
    yield "# TYPE container_cpu_usage_seconds counter\n"
    for pods in cluster.alive():
        for container, quarters in (("main", 3), ("sidecar", 1)):
            text = _labels({**_pod(pods[0]), "container": container})
            used = 0  # quarters of a millionth of a core second
            for pod in pods:
                for time in range(pod.start, pod.end, STEP):
                    yield f"container_cpu_usage_seconds_total{text} {used / 4_000_000!r} {time}\n"
                    used += pod.cpu_used_micros * quarters * STEP
    yield "# TYPE container_memory_working_set_bytes gauge\n"
    for pod in cluster.held:
        for container, share in (("main", 3), ("sidecar", 1)):
            labels = {**_pod(pod), "container": container}
            value = pod.memory_used_bytes * share // 4
            yield from _gauge("container_memory_working_set_bytes", labels, value, pod.start, pod.end)


def _gauge(metric: str, labels: dict[str, str], value: object, start: int, end: int) -> Iterator[str]:
    series = f"{metric}{_labels(labels)} {value}"
    for time in range(start, end, STEP):
        yield f"{series} {time}\n"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _pod(pod: Held) -> dict[str, str]:
    return {"namespace": pod.namespace, "pod": pod.pod}


def _claim(claim: Claim) -> dict[str, str]:
    return {"namespace": claim.namespace, "persistentvolumeclaim": claim.claim}
