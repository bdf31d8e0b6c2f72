"""Which samples might a cluster have given? A few pods over some time, and how windows told them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from meterhouse.sources.kubernetes.series_rows import runs
from strategies.pod_samples import Row, run

EPOCHS = 16
PODS = (("physics", "p"), ("physics", "q"), ("biology", "p"))
NODES = ("n1", "n2")
CPU, MEMORY, GPU = "pod_cpu_request", "pod_memory_request", "pod_gpu_request"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Sampled:
    """What was sampled, and in which windows it was told.

    `said` holds for each series (query, namespace, pod, name of the resource) and epoch every value that was
    told, with its node; `labels` for each label (query, subject, label) and epoch the values that were told.
    `windows` are `[first, last)` epochs, in the order of arrival; `answered` the epochs that had answers.
    """

    step: int
    said: dict[tuple[Key, int], tuple[tuple[int, str], ...]] = field(default_factory=dict)
    labels: dict[tuple[Key, int], tuple[str, ...]] = field(default_factory=dict)
    windows: tuple[tuple[int, int], ...] = ((0, EPOCHS),)
    answered: frozenset[int] = frozenset()
    order: int = 0


@st.composite
def sampled_months(draw: st.DrawFn, epochs: int = EPOCHS, steps: tuple[int, ...] = (900, 21_600)) -> Sampled:
    # With six hours between samples a label's day is shorter than the month.
    step = draw(st.sampled_from(steps))
    said: dict[tuple[Key, int], tuple[tuple[int, str], ...]] = {}
    for namespace, pod in draw(st.lists(st.sampled_from(PODS), min_size=1, max_size=3, unique=True)):
        for stretch in draw(st.lists(_stretches(epochs), min_size=1, max_size=3)):
            for epoch in range(stretch.first, min(stretch.first + stretch.length, epochs)):
                for query, name, quantity in stretch.requests:
                    key = ((query, namespace, pod, name), epoch)
                    said[key] = (*said.get(key, ()), (quantity, stretch.node))
    labels: dict[tuple[Key, int], tuple[str, ...]] = {}
    for subject, label, value, told in draw(st.lists(_labels(epochs), max_size=4)):
        for epoch in told:
            labels[(*subject, label), epoch] = (*labels.get(((*subject, label), epoch), ()), value)
    cuts = sorted({0, epochs, *draw(st.lists(st.integers(1, epochs - 1), max_size=4))})
    again = draw(st.lists(st.tuples(st.integers(0, epochs - 1), st.integers(1, epochs)), max_size=3))
    windows = [*pairwise(cuts), *[(a, b) for a, b in again if a < b]]
    return Sampled(
        step,
        said,
        labels,
        tuple(draw(st.permutations(windows))),
        frozenset(draw(st.lists(st.integers(0, epochs - 1), max_size=6))),
        draw(st.integers(0, 1 << 16)),
    )


@dataclass(frozen=True)
class _Stretch:
    first: int
    length: int
    node: str
    requests: tuple[tuple[str, str, int], ...]


_requests = st.tuples(
    st.sampled_from([(CPU, "cpu", 1_000_000), (CPU, "cpu", 250_499), (CPU, "cpu", 250_500)]),
    st.sampled_from([(MEMORY, "memory", 1 << 30), (MEMORY, "memory", 1 << 19), None]),
    st.sampled_from([(GPU, "nvidia.com/gpu", 1), (GPU, "nvidia.com/gpu", 2), None, None]),
    st.sampled_from([(GPU, "nvidia.com/mig-1g.5gb", 1), None, None]),
).map(lambda parts: tuple(part for part in parts if part))


def _stretches(epochs: int) -> st.SearchStrategy[_Stretch]:
    return st.builds(
        _Stretch, st.integers(0, epochs - 1), st.integers(1, epochs), st.sampled_from(NODES), _requests
    )


_subjects = st.one_of(
    st.tuples(
        st.just(("node_labels",)),
        st.sampled_from(NODES).map(lambda node: (node,)),
        st.sampled_from(["gpu_product", "node_model"]),
    ),
    st.tuples(
        st.just(("namespace_annotations",)),
        st.sampled_from(["physics", "biology"]).map(lambda namespace: (namespace,)),
        st.sampled_from(["pi", "user"]),
    ),
    st.tuples(st.just(("pod_labels",)), st.sampled_from(PODS), st.sampled_from(["class", "gpu_product"])),
)


def _labels(epochs: int) -> st.SearchStrategy[tuple[Key, str, str, set[int]]]:
    told = st.sets(st.integers(0, epochs - 1), min_size=1)
    return st.tuples(_subjects, st.sampled_from("AB"), told).map(
        lambda drawn: ((*drawn[0][0], *drawn[0][1]), drawn[0][2], drawn[1], drawn[2])
    )


def raw_rows(sampled: Sampled) -> list[Row]:
    """The raw records that the windows gave, in an order of their own."""
    rows: list[Row] = []
    for first, last in sampled.windows:
        for key, values in _tellings(sampled.said, first, last).items():
            query, namespace, pod, name = key[0]
            quantity, node = key[1]
            said = {"namespace": namespace, "pod": pod, "node": node, "resource_name": name}
            rows += _runs(sampled, query, values, {**said, "quantity": quantity})
        for key, values in _tellings(sampled.labels, first, last).items():
            query, *subject, label = key[0]
            names = {"node_labels": ("node",), "pod_labels": ("namespace", "pod")}.get(query, ("namespace",))
            said = dict(zip(names, subject, strict=True))
            rows += _runs(sampled, query, values, {**said, "label": label, "value": key[1]})
        looked = [epoch for epoch in range(first, last) if epoch in sampled.answered]
        rows += _runs(sampled, "answered", looked, {"resource_name": CPU})
    Random(sampled.order).shuffle(rows)
    return rows


def _tellings(said: dict[tuple[Key, int], Any], first: int, last: int) -> dict[tuple[Key, Any], list[int]]:
    """The epochs of a window in which each value of each series was told."""
    found: dict[tuple[Key, Any], list[int]] = {}
    for (key, epoch), values in sorted(said.items()):
        if first <= epoch < last:
            for value in set(values):
                found.setdefault((key, value), []).append(epoch)
    return found


def _runs(sampled: Sampled, query: str, epochs: list[int], said: dict[str, Any]) -> list[Row]:
    times = [(epoch * sampled.step, "") for epoch in sorted(epochs)]
    return [run(query, one.first, one.last, step=sampled.step, **said) for one in runs(times, sampled.step)]


def some_series(seed: int, pods: int = 25) -> list[Row]:
    """Raw records of every query, without Hypothesis: sizes, gaps, labels, claims and use by chance."""
    chance = Random(seed)
    first, step = 1_704_067_200, 900  # 2024-01-01
    rows: list[Row] = []

    def some(query: str, times: list[int], **said: Any) -> None:
        for one in runs([(time, "") for time in times], step):
            rows.append(run(query, one.first, one.last, step=step, **said))

    def stretch() -> list[int]:
        begin = chance.randrange(300)
        times = range(begin, begin + chance.choice([1, 3, 20, 150]))
        return [first + time * step for time in times if chance.random() > 0.03]

    for number in range(pods):
        which = {
            "namespace": f"ns-{number % 4}",
            "pod": f"pod-{number}",
            "cluster": chance.choice([None, "prod"]),
            "uid": chance.choice([None, None, f"u{number}"]),
        }
        for _ in range(chance.choice([1, 2, 4])):
            times, node = stretch(), chance.choice(["n1", "n2", None])
            some(CPU, times, node=node, quantity=chance.randrange(8_000_000), resource_name="cpu", **which)
            some(
                MEMORY, times, node=node, quantity=chance.randrange(1 << 36), resource_name="memory", **which
            )
            for name in chance.choice(
                [[], [], ["nvidia.com/gpu"], ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb"]]
            ):
                some(GPU, times, node=node, quantity=chance.choice([0, 1, 4]), resource_name=name, **which)
            for time in times[:5]:
                some("pod_cpu_used", [time], quantity=chance.randrange(8_000_000), **which)
        if chance.random() < 0.4:
            some("pod_labels", stretch(), label="class", value=chance.choice("AB"), **which)
        claim = {"namespace": which["namespace"], "claim": f"claim-{number}", "cluster": which["cluster"]}
        some("pvc_request", stretch(), quantity=chance.randrange(1 << 40), **claim)
        some("pvc_attached", stretch(), quantity=chance.choice([0, 1, 2]), **claim)
        some("pvc_info", stretch(), label="storage_class", value=chance.choice(["rbd", "nfs"]), **claim)
    for cluster in (None, "prod"):
        for query in (CPU, "pvc_request", "pvc_attached"):
            some("answered", stretch(), resource_name=query, cluster=cluster)
        for node in NODES:
            for label in ("gpu_product", "node_model", "gpu_product"):
                some(
                    "node_labels",
                    stretch(),
                    label=label,
                    value=chance.choice("AB"),
                    node=node,
                    cluster=cluster,
                )
        for namespace in ("ns-0", "ns-1"):
            some(
                "namespace_annotations",
                stretch(),
                label="pi",
                value="x",
                namespace=namespace,
                cluster=cluster,
            )
    chance.shuffle(rows)
    return rows
