"""Which spans do samples of volume claims make, and what was stored in them?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meterhouse.usage.building.models import model_text
from meterhouse.usage.tables import SAMPLE
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.pod_samples import GIB, Row, answered, as_table, labelled, modelled, moment, run, seconds

WHICH = {"namespace": "physics", "claim": "data"}


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def sized(first: int, last: int, gib: int) -> Row:
    return run("pvc_request", first, last, quantity=gib * GIB, **WHICH)


def segments(found: list[Row], *columns: str) -> list[tuple[object, ...]]:
    return [(seconds(one["start"]), seconds(one["end"]), *[one[name] for name in columns]) for one in found]


def test_a_claim_has_a_class_a_size_and_an_owner(engine: DuckDBEngine) -> None:
    (found,) = modelled(
        engine,
        "claim_span",
        [
            sized(0, 900, 20),
            labelled("pvc_info", "storage_class", "ceph-rbd", 0, 900, **WHICH),
            labelled("pvc_info", "storage_class", "nfs", 0, 900, namespace="physics", claim="other"),
            labelled("namespace_annotations", "pi", "noether@uni.example", 0, 900, namespace="physics"),
        ],
    )

    assert (found["kind"], found["item"], found["name"], found["project_ref"]) == (
        "claim",
        "physics/data",
        "data",
        "physics",
    )
    assert (found["class"], found["space_bytes"], found["group_name"]) == (
        "ceph-rbd",
        20 * GIB,
        "noether@uni.example",
    )


def test_a_larger_claim_is_another_span(engine: DuckDBEngine) -> None:
    found = modelled(engine, "claim_span", [sized(0, 900, 20), sized(1800, 1800, 40)])

    assert segments(found, "space_bytes") == [(0, 1800, 20 * GIB), (1800, 2700, 40 * GIB)]


def test_a_claim_is_attached_while_a_pod_names_it_and_unattached_where_none_did(engine: DuckDBEngine) -> None:
    found = modelled(
        engine,
        "claim_span",
        [
            sized(0, 4500, 20),
            run("pvc_attached", 900, 1800, quantity=2, **WHICH),
            answered(0, 3600, "pvc_attached"),  # and nobody asked at 4500
        ],
    )

    assert segments(found, "state", "begins") == [
        (0, 900, "unattached", 1),
        (900, 2700, "attached", 0),
        (2700, 4500, "unattached", 0),
        (4500, 5400, "active", 0),
    ]


def test_how_many_pods_name_a_claim_doesnt_matter(engine: DuckDBEngine) -> None:
    found = modelled(
        engine,
        "claim_span",
        [
            sized(0, 1800, 20),
            run("pvc_attached", 0, 900, quantity=2, **WHICH),
            run("pvc_attached", 1800, 1800, quantity=1, **WHICH),
        ],
    )

    assert segments(found, "state") == [(0, 2700, "attached")]


def test_a_claim_that_pods_name_but_that_isnt_there_is_none(engine: DuckDBEngine) -> None:
    assert modelled(engine, "claim_span", [run("pvc_attached", 0, 900, quantity=1, **WHICH)]) == []


def test_a_claim_that_was_asked_for_and_not_there_any_more_is_gone(engine: DuckDBEngine) -> None:
    (gone,) = modelled(engine, "claim_span", [sized(0, 900, 20), answered(0, 1800, "pvc_request")])
    (here,) = modelled(engine, "claim_span", [sized(0, 900, 20), answered(0, 900, "pvc_request")])

    assert (gone["is_last"], gone["closed_by"], gone["ceases"]) == (False, "gone", 1)
    assert (here["is_last"], here["closed_by"], here["ceases"]) == (True, None, 0)


def test_samples_of_use_weigh_the_step_that_they_stand_for(engine: DuckDBEngine) -> None:
    pod = {"namespace": "physics", "pod": "p", "cluster": "c"}
    engine.relation(
        "kubernetes_usage",
        as_table(
            [
                run("pod_cpu_used", 900, quantity=250_000, **pod),
                run("pod_memory_used", 900, quantity=GIB, **pod),
                run("pvc_used", 900, quantity=5 * GIB, **WHICH),
                run("vm_cpu_used", 900, quantity=1_500_000, instance="6f70", step=300),
                run("pod_cpu_request", 900, quantity=1_000_000, **pod),
            ]
        ),
    )
    found = engine.query(f"SELECT * FROM ({model_text('kubernetes_sample')}) ORDER BY record")

    assert found.schema.equals(SAMPLE)
    said = ("kind", "item", "project_ref", "domain", "measure", "weight", "value")
    assert [tuple(row[name] for name in said) for row in found.to_pylist()] == [
        ("pod", "physics/p", "physics", "c", "cpu_used_micros", 900, 250_000),
        ("pod", "physics/p", "physics", "c", "memory_used_bytes", 900, GIB),
        ("claim", "physics/data", "physics", None, "used_bytes", 900, 5 * GIB),
        ("vm", "6f70", None, None, "cpu_used_micros", 300, 1_500_000),
    ]
    assert {row["time"] for row in found.to_pylist()} == {moment(900)}
