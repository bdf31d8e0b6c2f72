"""Do builds that go on from the last make of pods what a build of everything makes?"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.site import Site
from meterhouse.sources.delivery import Delivery, Rows
from strategies.pod_months import Sampled, raw_rows, sampled_months
from strategies.pod_samples import (
    CORE,
    GIB,
    SCHEMA,
    STEP,
    Row,
    answered,
    labelled,
    requests,
    run,
)
from strategies.profiles import sites
from strategies.sites import build_site, counted, new_site, rows_of, usage_of

HOUR, DAY = 3600, 86_400


def land(site: Site, rows: list[Row]) -> None:
    numbered = [{**row, "record": number} for number, row in enumerate(rows, 1)]
    tables: dict[str, list[Row]] = {"kubernetes_series": [], "kubernetes_usage": []}
    for row in numbered:
        tables["kubernetes_usage" if row["query"].endswith("_used") else "kubernetes_series"].append(row)
    parts = [
        Rows(table, pa.RecordBatch.from_pylist(rows, schema=SCHEMA)) for table, rows in tables.items() if rows
    ]
    key = hashlib.sha256(repr(numbered).encode()).hexdigest()
    site.warehouse.land(Delivery("kubernetes", "ocp", "a window", key, iter(parts)))


def assert_the_same_in_steps(*steps: list[Row]) -> None:
    """Land and build step by step; then everything anew."""
    with new_site() as site:
        for step in steps:
            if step:
                land(site, step)
                build_site(site)
        if any(steps):
            in_steps = usage_of(site), counted(rows_of(site, "level"))
            build_site(site, full=True)
            assert in_steps == (usage_of(site), counted(rows_of(site, "level")))


@sites(2)
@given(sampled_months(epochs=80, steps=(21_600,)), st.integers(0, 9))
def test_pods_that_run_for_weeks_are_made_anew_around_the_news_only(sampled: Sampled, late: int) -> None:
    windows = [(first, first + 8) for first in range(0, 80, 8)]
    windows.append(windows.pop(late))
    assert_the_same_in_steps(*[raw_rows(replace(sampled, windows=(window,))) for window in windows])


@sites(3)
@given(sampled_months())
def test_windows_that_are_built_one_by_one_give_what_all_give_at_once(sampled: Sampled) -> None:
    assert_the_same_in_steps(*[raw_rows(replace(sampled, windows=(window,))) for window in sampled.windows])


def test_a_pod_that_isnt_there_any_more_is_closed_by_the_window_that_lacks_it() -> None:
    assert_the_same_in_steps(
        [*requests(0, 2 * HOUR, cpu=CORE), answered(0, 2 * HOUR)],
        [*requests(2 * HOUR + STEP, 3 * HOUR, pod="other", cpu=CORE), answered(2 * HOUR + STEP, 3 * HOUR)],
    )


def test_a_label_that_comes_late_is_in_the_spans_of_pods_that_had_ended() -> None:
    assert_the_same_in_steps(
        [*requests(0, 2 * HOUR, cpu=CORE, gpus=1, node="n1")],
        [*requests(10 * HOUR, 11 * HOUR, pod="other", cpu=CORE, gpus=1, node="n2")],
        [labelled("node_labels", "gpu_product", "V100", 20 * HOUR, 21 * HOUR, node="n1")],
    )


def test_a_hole_that_is_filled_joins_what_was_two() -> None:
    assert_the_same_in_steps(
        [*requests(0, DAY - STEP, cpu=CORE), answered(0, DAY - STEP)],
        [*requests(2 * DAY, 3 * DAY - STEP, cpu=CORE), answered(2 * DAY, 3 * DAY - STEP)],
        [*requests(DAY, 2 * DAY - STEP, cpu=CORE), answered(DAY, 2 * DAY - STEP)],
    )


def test_a_pod_of_many_days_goes_on_window_by_window() -> None:
    label = {"node": "n1", "label": "gpu_product"}
    assert_the_same_in_steps(
        *[
            [
                *requests(day * DAY, (day + 1) * DAY - STEP, cpu=CORE, gpus=2, node="n1"),
                *(
                    []
                    if day in (2, 3)
                    else [labelled("node_labels", label["label"], "V100", day * DAY, day * DAY, node="n1")]
                ),
                answered(day * DAY, (day + 1) * DAY - STEP),
            ]
            for day in range(5)
        ]
    )


def test_use_counts_against_what_is_said_later_to_have_been_reserved() -> None:
    pod, claim = {"namespace": "physics", "pod": "p"}, {"namespace": "physics", "claim": "data"}
    assert_the_same_in_steps(
        [
            run("pod_cpu_used", 900, quantity=250_000, **pod),
            run("pvc_used", 900, quantity=GIB, **claim),
        ],
        [*requests(0, 1800, cpu=CORE, memory=GIB), run("pvc_request", 0, 1800, quantity=5 * GIB, **claim)],
        [
            labelled("pvc_info", "storage_class", "rbd", 0, 1800, **claim),
            run("pvc_attached", 0, quantity=1, **claim),
        ],
        [answered(0, 1800, "pvc_attached"), answered(0, 2700, "pvc_request")],
    )
