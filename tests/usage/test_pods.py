"""Which spans do samples of pods make? The rules, one by one, on numbers that a person can check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.pod_samples import (
    CORE,
    GIB,
    STEP,
    Row,
    answered,
    labelled,
    modelled,
    requests,
    run,
    seconds,
)

HOUR, DAY = 3600, 86_400


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def spans(engine: DuckDBEngine, *rows: list[Row] | Row) -> list[Row]:
    flat = [row for part in rows for row in (part if isinstance(part, list) else [part])]
    return modelled(engine, "pod_span", flat)


def segments(found: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    """(first second, seconds, values...) of each span."""
    return [
        (
            seconds(one["start"]),
            seconds(one["end"]) - seconds(one["start"]),
            *[one[name] for name in columns],
        )
        for one in found
    ]


def test_two_equal_samples_join_and_cover_two_steps(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, STEP, cpu=10 * CORE, memory=15 * GIB))

    assert segments(found, "cpu_millis", "memory_mib") == [(0, 1800, 10_000, 15 * 1024)]


def test_a_lone_sample_is_worth_one_step(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 0, cpu=10 * CORE, memory=15 * GIB))

    assert segments(found, "cpu_millis") == [(0, 900, 10_000)]


def test_a_change_of_size_begins_a_new_span(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 900, cpu=20 * CORE, memory=25 * GIB),
        requests(1800, 1800, cpu=25 * CORE, memory=25 * GIB),
        requests(2700, 2700, cpu=20 * CORE, memory=25 * GIB),
    )

    assert segments(found, "cpu_millis", "opened_by", "closed_by", "begins", "ceases") == [
        (0, 1800, 20_000, "seen", "changed", 1, 0),
        (1800, 900, 25_000, "changed", "changed", 0, 0),
        (2700, 900, 20_000, "changed", None, 0, 0),
    ]


def test_a_gap_longer_than_the_step_ends_a_span_and_begins_another(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 900, cpu=CORE), requests(2700, 3600, cpu=CORE))

    assert segments(found, "closed_by", "begins", "ceases") == [
        (0, 1800, "gone", 1, 1),
        (2700, 1800, None, 1, 0),
    ]


def test_pods_of_one_name_in_two_namespaces_are_two_items(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 900, namespace="physics", pod="worker-0", cpu=8 * CORE),
        requests(0, 900, namespace="biology", pod="worker-0", cpu=2 * CORE, gpus=1),
    )

    assert [
        (one["item"], one["project_ref"], one["project_name"], one["name"], one["vcpus"], one["gpus"])
        for one in found
    ] == [
        ("biology/worker-0", "biology", "biology", "worker-0", 2, 1),
        ("physics/worker-0", "physics", "physics", "worker-0", 8, 0),
    ]


def test_a_pod_with_a_uid_is_another_item_than_the_next_of_its_name(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 0, uid="a1", cpu=CORE), requests(900, 900, uid="b2", cpu=CORE))

    assert [(one["item"], one["begins"]) for one in found] == [("physics/p/a1", 1), ("physics/p/b2", 1)]


def test_fractions_of_cores_and_mebibytes_are_rounded_half_up(engine: DuckDBEngine) -> None:
    (found,) = spans(engine, requests(0, 0, cpu=250_500, memory=(3 << 20) + (1 << 19)))
    (whole,) = spans(engine, requests(0, 0, cpu=2 * CORE + 499, memory=(3 << 20) + (1 << 19) - 1))

    assert (found["cpu_millis"], found["vcpus"], found["memory_mib"]) == (251, None, 4)
    assert (whole["cpu_millis"], whole["vcpus"], whole["memory_mib"]) == (2000, 2, 3)


def test_the_gpu_model_is_what_the_label_of_its_node_says(engine: DuckDBEngine) -> None:
    (found,) = spans(
        engine,
        requests(0, 900, cpu=CORE, gpus=2, node="gpu-1"),
        labelled("node_labels", "gpu_product", "Tesla-V100", 0, 900, node="gpu-1"),
        labelled("node_labels", "node_model", "PowerEdge-R740xd", 0, 900, node="gpu-1"),
        labelled("node_labels", "gpu_product", "NVIDIA-A100", 0, 900, node="gpu-2"),
    )

    assert (found["gpus"], found["gpu_model"], found["gpu_resource"]) == (2, "Tesla-V100", "nvidia.com/gpu")
    assert (found["host"], found["class"], found["nodes"]) == ("gpu-1", "PowerEdge-R740xd", 1)


def test_without_a_label_the_model_is_unknown_but_the_gpus_count(engine: DuckDBEngine) -> None:
    (found,) = spans(engine, requests(0, 0, cpu=CORE, gpus=1, node="gpu-1"))

    assert (found["gpus"], found["gpu_model"], found["gpu_resource"]) == (1, None, "nvidia.com/gpu")


def test_a_pod_without_gpus_on_a_node_with_them_has_no_model(engine: DuckDBEngine) -> None:
    label = labelled("node_labels", "gpu_product", "Tesla-V100", 0, 0, node="gpu-1")
    (found,) = spans(engine, requests(0, 0, cpu=CORE, node="gpu-1"), label)

    assert (found["gpus"], found["gpu_model"], found["gpu_resource"]) == (0, None, None)


@pytest.mark.parametrize("resource", ["nvidia.com/mig-1g.5gb", "nvidia.com/A100_SXM4_40GB"])
def test_names_of_slices_and_of_gpus_of_virtual_machines_are_kept(
    engine: DuckDBEngine, resource: str
) -> None:
    (found,) = spans(engine, requests(0, 0, cpu=CORE, gpus=1, gpu_resource=resource))

    assert (found["gpus"], found["gpu_resource"]) == (1, resource)


def test_gpus_of_two_names_add_up_under_both(engine: DuckDBEngine) -> None:
    slices = run(
        "pod_gpu_request", 0, namespace="physics", pod="p", resource_name="nvidia.com/mig-1g.5gb", quantity=2
    )
    (found,) = spans(engine, requests(0, 0, cpu=CORE, gpus=1), slices)

    assert (found["gpus"], found["gpu_resource"]) == (3, "nvidia.com/gpu,nvidia.com/mig-1g.5gb")


def test_giving_back_a_gpu_splits(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 900, cpu=CORE, gpus=2), requests(1800, 1800, cpu=CORE, gpus=1))

    assert segments(found, "gpus") == [(0, 1800, 2), (1800, 900, 1)]


def test_another_model_of_node_splits_another_node_of_the_same_doesnt(engine: DuckDBEngine) -> None:
    labels = [
        labelled("node_labels", "node_model", model, 0, 4 * STEP, node=node)
        for node, model in (("n1", "R640"), ("n2", "R640"), ("n3", "C6420"))
    ]
    found = spans(
        engine,
        requests(0, 0, cpu=CORE, node="n1"),
        requests(900, 900, cpu=CORE, node="n2"),
        requests(1800, 1800, cpu=CORE, node="n3"),
        labels,
    )

    assert segments(found, "host", "class") == [(0, 1800, "n1", "R640"), (1800, 900, "n3", "C6420")]


def test_the_instance_type_stands_for_a_node_model_that_nobody_says(engine: DuckDBEngine) -> None:
    label = labelled("node_labels", "instance_type", "m5.large", 0, 0, node="n1")
    (found,) = spans(engine, requests(0, 0, cpu=CORE, node="n1"), label)

    assert found["class"] == "m5.large"


def test_a_label_that_is_missing_for_a_while_still_holds_but_for_a_day_only(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 2 * DAY - STEP, cpu=CORE, gpus=1, node="n1"),
        labelled("node_labels", "gpu_product", "V100", HOUR, 2 * HOUR - STEP, node="n1"),
    )

    assert segments(found, "gpu_model") == [
        (0, 26 * HOUR, "V100"),  # said from 01:00 to 02:00: from the start of the pod until a day later
        (26 * HOUR, 22 * HOUR, None),
    ]


def test_another_gpu_in_the_same_node_splits(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 2700, cpu=CORE, gpus=1, node="n1"),
        labelled("node_labels", "gpu_product", "V100", 0, 900, node="n1"),
        labelled("node_labels", "gpu_product", "A100", 1800, 2700, node="n1"),
    )

    assert segments(found, "gpu_model") == [(0, 1800, "V100"), (1800, 1800, "A100")]


def test_annotations_of_the_namespace_say_whose_it_is(engine: DuckDBEngine) -> None:
    (found,) = spans(
        engine,
        requests(0, 900, cpu=CORE),
        labelled("namespace_annotations", "pi", "noether@uni.example", 0, 900, namespace="physics"),
        labelled("namespace_annotations", "user", "emmy", 0, 900, namespace="physics"),
        labelled("namespace_annotations", "pi", "franklin@uni.example", 0, 900, namespace="biology"),
    )

    assert (found["group_name"], found["user_ref"], found["user_name"]) == (
        "noether@uni.example",
        "emmy",
        "emmy",
    )


def test_a_label_of_the_pod_says_its_class(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 900, cpu=CORE),
        requests(0, 900, pod="q", cpu=CORE),
        labelled("pod_labels", "class", "phys101", 0, 900, namespace="physics", pod="p"),
    )

    assert [(one["name"], one["qos"]) for one in found] == [("p", "phys101"), ("q", None)]


def test_a_pod_in_the_newest_sample_may_go_on_one_that_isnt_has_ceased(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 1800, pod="goes-on", cpu=CORE),
        requests(0, 900, pod="over", cpu=CORE),
        answered(0, 1800),
    )

    assert segments(found, "name", "is_last", "closed_by", "ceases") == [
        (0, 2700, "goes-on", True, None, 0),
        (0, 1800, "over", False, "gone", 1),
    ]


def test_nobody_looked_within_a_day_so_nobody_knows_whether_it_has_ceased(engine: DuckDBEngine) -> None:
    looked = answered(1800 + DAY, 1800 + 2 * DAY - STEP)
    (found,) = spans(engine, requests(0, 900, cpu=CORE), answered(0, 900), looked)
    (other,) = spans(engine, requests(0, 900, cpu=CORE), answered(900 + DAY, 900 + DAY))

    assert (found["is_last"], found["closed_by"], found["ceases"]) == (True, None, 0)
    assert (other["is_last"], other["closed_by"], other["ceases"]) == (False, "gone", 1)


def test_a_sample_told_twice_with_different_content_counts_as_the_larger(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 2700, cpu=CORE), requests(900, 900, cpu=3 * CORE))

    assert segments(found, "vcpus") == [(0, 900, 1), (900, 900, 3), (1800, 1800, 1)]


def test_where_two_grids_overlap_the_finer_counts(engine: DuckDBEngine) -> None:
    found = spans(
        engine,
        requests(0, 1800, cpu=4 * CORE),
        requests(900, 1500, cpu=1 * CORE, step=300),
    )

    assert segments(found, "vcpus") == [(0, 900, 4), (900, 900, 1), (1800, 900, 4)]


def test_two_clusters_of_one_resource_are_told_apart(engine: DuckDBEngine) -> None:
    found = spans(engine, requests(0, 0, cluster="a", cpu=CORE), requests(0, 0, cluster="b", cpu=2 * CORE))

    assert sorted((one["domain"], one["vcpus"]) for one in found) == [("a", 1), ("b", 2)]


def test_a_span_names_the_records_in_which_it_begins_and_ends(engine: DuckDBEngine) -> None:
    (found,) = spans(engine, requests(0, 900, cpu=CORE), requests(1800, 2700, cpu=CORE))

    assert (found["opened_record"], found["closed_record"]) == (1, 3)  # cpu is the first of each two rows
