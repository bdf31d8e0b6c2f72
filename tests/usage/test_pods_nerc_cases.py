"""Do pods condense as NERC's programs do? Their recorded cases, where this machine has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from meterhouse.sources.delivery import Rows
from meterhouse.sources.kubernetes.metrics_file import read_kubernetes_metrics
from meterhouse.usage.building.models import model_text
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from services.reference_input import REFERENCE_INPUT
from strategies.models import with_batches
from strategies.pod_samples import GIB, modelled, requests, seconds

CASES_FILE = REFERENCE_INPUT / "reference/nerc_cases.json"


def cases(kind: str) -> list[Any]:
    if not CASES_FILE.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{CASES_FILE} is not on this machine"))]
    found = [case for case in json.loads(CASES_FILE.read_text())["cases"] if case["kind"] == kind]
    assert found
    return [pytest.param(case, id=case["id"]) for case in found]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def micros(cores: str | int) -> int:
    return int(Decimal(str(cores)) * 1_000_000)


@pytest.mark.parametrize("case", cases("condense_samples"))
def test_samples_condense_to_the_segments_that_are_expected(
    engine: DuckDBEngine, case: dict[str, Any]
) -> None:
    said = case["input"]
    known = {"cpu", "mem", "gpu_request", "gpu_type"}
    if not {name for _, size in said["samples"] for name in size} <= known:
        pytest.skip("its samples say something that requests of pods don't")
    rows = []
    for time, size in said["samples"]:
        gpus = size.get("gpu_request")
        rows += requests(
            time, time, step=said["interval_s"], cpu=micros(size.get("cpu", 0)),
            memory=int(size.get("mem", 0)) * GIB, gpus=None if gpus is None else int(gpus),
        )  # fmt: skip
        if size.get("gpu_type"):
            kind = {
                "query": "pod_labels",
                "label": "gpu_product",
                "value": size["gpu_type"],
                "quantity": None,
            }
            rows.append({**rows[-1], **kind})

    found = modelled(engine, "pod_span", rows)

    assert [
        [seconds(one["start"]), seconds(one["end"]) - seconds(one["start"]), one["cpu_millis"]]
        for one in found
    ] == [
        [start, length, micros(size.get("cpu", 0)) // 1000]
        for start, length, size in case["expected"]["segments"]
    ]


@pytest.mark.parametrize("case", cases("openshift_month_from_metrics"))
def test_a_pod_that_is_in_every_sample_of_its_days_ran_for_all_of_them(
    engine: DuckDBEngine, case: dict[str, Any], tmp_path: Path
) -> None:
    said = case["input"]
    if not said.get("full_day"):
        pytest.skip("not of whole days")
    tables = []
    for day in said["days"]:
        midnight = seconds(_midnight(day))
        values = [[midnight + number * 60 * said["interval_minutes"], None] for number in range(96)]
        pod = {"namespace": said["namespace"], "pod": said["pod"], "node": "wrk-1"}
        gpu = {"resource": said.get("gpu_resource"), "label_nvidia_com_gpu_product": said.get("gpu_model")}
        parts = {
            "cpu_metrics": [({"resource": "cpu"}, said["vcpus"])],
            "memory_metrics": [({"resource": "memory"}, str(int(said["ram_gib"]) * GIB))],
            "gpu_metrics": [(gpu, said["gpus"])] if "gpus" in said else [],
        }
        path = tmp_path / f"metrics-{day}.json"
        path.write_text(
            json.dumps(
                {
                    "start_date": day,
                    "end_date": day,
                    "interval_minutes": said["interval_minutes"],
                    "cluster_name": said["cluster"],
                    **{
                        name: [
                            {"metric": {**pod, **labels}, "values": [[time, value] for time, _ in values]}
                            for labels, value in series
                        ]
                        for name, series in parts.items()
                    },
                }
            )
        )
        for part in read_kubernetes_metrics(path, "ocp").stream:
            if isinstance(part, Rows):
                tables.append(with_batches(part.records, [day] * part.records.num_rows))
    engine.relation("kubernetes_series", pa.concat_tables(tables))
    (found,) = engine.query(f"SELECT * FROM ({model_text('pod_span')})").to_pylist()

    start, end = case["expected"]["report_start"], case["expected"]["report_end"]
    assert (found["start"].isoformat(), found["end"].isoformat()) == (start, end)
    assert (found["vcpus"], found["memory_mib"]) == (int(said["vcpus"]), int(said["ram_gib"]) * 1024)
    assert (found["gpus"], found["gpu_model"]) == (int(said.get("gpus", 0)), said.get("gpu_model"))


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=UTC)
