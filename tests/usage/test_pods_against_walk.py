"""Does the model of pods agree with a plain walk over every sample, however the samples were told?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.pod_months import CPU, EPOCHS, GPU, MEMORY, PODS, Key, Sampled, raw_rows, sampled_months
from strategies.pod_samples import Row, modelled, seconds
from strategies.profiles import examples

DAY = 86_400


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1) as engine:
        yield engine


def walk(sampled: Sampled) -> list[Row]:
    """The spans of every pod: epoch by epoch, each sample compared with the one before it."""
    spans: list[Row] = []
    for namespace, pod in sorted(PODS):
        open_span: Row | None = None
        mine: list[Row] = []
        for epoch in range(EPOCHS):
            size = _size(sampled, namespace, pod, epoch)
            if size is None:
                open_span = None
                continue
            node, content = size
            if open_span is not None and open_span["content"] == content:
                open_span["end"] += sampled.step
                continue
            begins = open_span is None
            open_span = {
                "item": f"{namespace}/{pod}",
                "start": epoch * sampled.step,
                "end": (epoch + 1) * sampled.step,
                "content": content,
                "host": node,
                "begins": int(begins),
            }
            mine.append(open_span)
        for number, span in enumerate(mine):
            newest = number == len(mine) - 1
            followed = not newest and mine[number + 1]["start"] == span["end"]
            looked = any(
                span["end"] <= epoch * sampled.step < span["end"] + DAY for epoch in sampled.answered
            )
            span["is_last"] = newest and not looked
            span["ceases"] = int(not followed and not span["is_last"])
        spans += mine
    return spans


def _size(
    sampled: Sampled, namespace: str, pod: str, epoch: int
) -> tuple[str | None, tuple[Any, ...]] | None:
    """The node of a pod at an epoch, and everything that splits; None when it wasn't there."""
    told = {
        (query, name): max(values)
        for ((query, where, which, name), at), values in sampled.said.items()
        if (where, which, at) == (namespace, pod, epoch)
    }
    if not told:
        return None
    gpus = {name: value for (query, name), value in told.items() if query == GPU}
    cpu, memory = told.get((CPU, "cpu"), (0, "")), told.get((MEMORY, "memory"), (0, ""))
    node = max((at for _, at in gpus.values()), default="") or cpu[1] or memory[1] or None

    def label(*key: str) -> str | None:
        return _label(sampled, key, epoch)

    model = label("pod_labels", namespace, pod, "gpu_product") or label(
        "node_labels", str(node), "gpu_product"
    )
    return node, (
        (cpu[0] + 500) // 1000,
        (memory[0] + (1 << 19)) >> 20,
        sum(count for count, _ in gpus.values()),
        ",".join(sorted(gpus)) or None,
        model if gpus else None,
        label("node_labels", str(node), "node_model"),
        label("namespace_annotations", namespace, "pi"),
        label("namespace_annotations", namespace, "user"),
        label("pod_labels", namespace, pod, "class"),
    )


def _label(sampled: Sampled, key: Key, epoch: int) -> str | None:
    """What a label says: now, else last within a day, else first within a day."""
    said = {at: max(values) for (label, at), values in sampled.labels.items() if label == key}
    now = epoch * sampled.step
    for at in sorted((at for at in said if at <= epoch), reverse=True):
        if at == epoch or now < (at + 1) * sampled.step + DAY:
            return said[at]
        break
    for at in sorted(at for at in said if at > epoch):
        return said[at] if at * sampled.step - now <= DAY else None
    return None


def comparable(found: list[Row]) -> list[Row]:
    """Spans of the model as the walk has them."""
    content = (
        *("cpu_millis", "memory_mib", "gpus", "gpu_resource", "gpu_model", "class"),
        *("group_name", "user_name", "qos"),
    )
    return [
        {
            "item": one["item"],
            "start": seconds(one["start"]),
            "end": seconds(one["end"]),
            "content": tuple(one[name] for name in content),
            **{name: one[name] for name in ("host", "begins", "is_last", "ceases")},
        }
        for one in found
    ]


@examples(60)
@given(sampled_months())
def test_the_model_finds_the_spans_that_a_walk_over_all_samples_finds(
    engine: DuckDBEngine, sampled: Sampled
) -> None:
    assert comparable(modelled(engine, "pod_span", raw_rows(sampled))) == walk(sampled)


@examples(15)
@given(sampled_months(), st.data())
def test_windows_repetition_and_order_change_no_span(
    engine: DuckDBEngine, sampled: Sampled, data: st.DataObject
) -> None:
    rows = raw_rows(sampled)
    at_once = raw_rows(Sampled(sampled.step, sampled.said, sampled.labels, ((0, EPOCHS),), sampled.answered))
    again = data.draw(st.lists(st.sampled_from(rows), max_size=5))

    expected = comparable(modelled(engine, "pod_span", at_once))
    assert comparable(modelled(engine, "pod_span", [*again, *rows])) == expected
    assert comparable(modelled(engine, "pod_span", [*reversed(rows), *again])) == expected


@examples(20)
@given(sampled_months())
def test_the_records_that_a_span_names_tell_its_first_and_last_sample(
    engine: DuckDBEngine, sampled: Sampled
) -> None:
    rows = raw_rows(sampled)

    def claims(record: int) -> tuple[int, int]:
        row = rows[record - 1]
        return seconds(row["first_time"]), seconds(row["last_time"]) + row["step_seconds"]

    for one in modelled(engine, "pod_span", rows):
        first, last = claims(one["opened_record"]), claims(one["closed_record"])
        assert first[0] <= seconds(one["start"]) < first[1]
        assert last[0] < seconds(one["end"]) <= last[1]
        said = rows[one["opened_record"] - 1]
        assert f"{said['namespace']}/{said['pod']}" == one["item"]
