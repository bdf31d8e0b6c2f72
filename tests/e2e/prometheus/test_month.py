"""Does a month that was collected agree with the month that was? To the second, byte and millionth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import STEP, Cluster
from month import Month, opened


@pytest.fixture(scope="module")
def month(collected: Path) -> Iterator[Month]:
    with opened(collected) as month:
        yield month


def test_core_seconds_of_each_namespace_agree(month: Month, cluster: Cluster) -> None:
    found = month.total(
        """SELECT project_ref, SUM(wall_seconds * cpu_millis) FROM daily
            WHERE kind = 'pod' AND state = 'active' GROUP BY project_ref"""
    )

    until = month.until("pods")
    assert found == cluster.total(lambda held: held.cpu_micros // 1000, until, lambda held: held.namespace)


def test_memory_of_each_namespace_agrees(month: Month, cluster: Cluster) -> None:
    found = month.total(
        """SELECT project_ref, SUM(wall_seconds * memory_mib) FROM daily
            WHERE kind = 'pod' GROUP BY project_ref"""
    )

    until = month.until("pods")
    assert found == cluster.total(lambda held: held.memory_bytes >> 20, until, lambda held: held.namespace)


def test_gpu_seconds_agree_by_model_and_what_was_asked_for(month: Month, cluster: Cluster) -> None:
    found = month.total(
        """SELECT gpu_model, gpu_resource, SUM(gpus * (EPOCH_US("end") - EPOCH_US("start")) // 1000000)
            FROM span WHERE kind = 'pod' GROUP BY gpu_model, gpu_resource"""
    )

    assert found == cluster.total(
        lambda held: held.gpus, month.until("pods"), lambda held: (held.gpu_model, held.gpu_resource)
    )
    assert len(found) == 3


def test_every_pod_has_the_spans_that_it_had(month: Month, cluster: Cluster) -> None:
    until = month.until("pods")
    expected = Counter(
        (
            held.namespace,
            held.pod,
            held.node,
            held.start,
            min(held.end, until),
            held.cpu_micros // 1000,
            held.gpus,
        )
        for held in cluster.held
        if held.start < until
    )

    found = month.rows(
        """SELECT project_ref, name, host, EPOCH_US("start") // 1000000 AS first,
            EPOCH_US("end") // 1000000 AS until, cpu_millis, gpus FROM span WHERE kind = 'pod'"""
    )
    assert Counter(tuple(row.values()) for row in found) == expected


def test_pods_that_wait_or_have_ended_hold_nothing(month: Month) -> None:
    assert month.rows("SELECT name FROM span WHERE name IN ('too-large', 'done')") == []
    assert month.total(
        "SELECT query, COUNT(*) FROM kubernetes_series WHERE pod = 'too-large' GROUP BY query"
    ) == {
        "pod_unschedulable": 2,  # a record for each of two days
        "pod_phase": 2,
    }


def test_what_labels_say_stands_in_the_spans(month: Month) -> None:
    said = "DISTINCT class, qos, group_name, user_ref"
    (notebook,) = month.rows(f"SELECT {said} FROM span WHERE name = 'jupyter-emmy' AND kind = 'pod'")
    (trained,) = month.rows(f"SELECT {said} FROM span WHERE name = 'train-a'")

    assert notebook == {"class": "PowerEdge-C6420", "qos": "phys101", "group_name": None, "user_ref": "admin"}
    assert trained == {
        "class": "PowerEdge-XE8545",
        "qos": None,
        "group_name": "noether@uni.example",
        "user_ref": "emmy",
    }


def test_volume_claims_agree_by_class_and_state(month: Month, cluster: Cluster) -> None:
    until = month.until("claims")
    expected: Counter = Counter()
    for claim in cluster.claims:
        whole = min(claim.end, until) - claim.start
        attached = sum(max(min(end, until) - start, 0) for start, end in claim.attached)
        expected[claim.storage_class, "attached"] += claim.space_bytes * attached
        expected[claim.storage_class, "unattached"] += claim.space_bytes * (whole - attached)

    found = month.total(
        """SELECT class, state, SUM(CAST(wall_seconds AS HUGEINT) * space_bytes) FROM daily
            WHERE kind = 'claim' GROUP BY class, state"""
    )
    assert found == +expected


def test_use_of_cores_and_memory_agrees(month: Month, cluster: Cluster) -> None:
    until = month.until("use")
    cores: Counter = Counter()
    memory: Counter = Counter()
    for pod, _, micros in cluster.cpu_used_samples(until):
        cores[pod.namespace] += micros * STEP
    for held in cluster.held:
        memory[held.namespace] += held.memory_used_bytes * max(min(held.end, until) - held.start, 0)

    for measure, expected in (("cpu_used_micros", cores), ("memory_used_bytes", memory)):
        found = month.total(
            f"""SELECT project_ref, SUM(total) FROM level
                WHERE kind = 'pod' AND measure = '{measure}' GROUP BY project_ref"""
        )
        assert found == +expected


def test_use_is_set_against_what_was_reserved(month: Month, cluster: Cluster) -> None:
    until = month.until("use")
    reserved: Counter = Counter()
    for pod, _, _ in cluster.cpu_used_samples(until):
        reserved[pod.namespace] += pod.cpu_micros * STEP

    found = month.total(
        "SELECT project_ref, SUM(limited) FROM level WHERE measure = 'cpu_used_micros' GROUP BY project_ref"
    )
    assert found == reserved


def test_what_claims_hold_agrees(month: Month, cluster: Cluster) -> None:
    until = month.until("use")
    expected: Counter = Counter()
    for claim in cluster.claims:
        for start, end in claim.attached:
            expected[claim.storage_class] += claim.used_bytes * max(min(end, until) - start, 0)

    found = month.total(
        "SELECT class, SUM(total) FROM level WHERE kind = 'claim' AND measure = 'used_bytes' GROUP BY class"
    )
    assert found == +expected


def test_everything_was_read(month: Month) -> None:
    assert [window for window in month.view.coverage("ocp") if window.outcome == "failed"] == []
