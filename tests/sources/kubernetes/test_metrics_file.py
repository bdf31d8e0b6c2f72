"""What do recorded metrics files say? Requests and labels of a day's pods; and what a file can't tell."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.kubernetes.metrics_file import read_kubernetes_metrics
from meterhouse.sources.kubernetes.series_rows import Run, quantity, runs

MIDNIGHT = 1_760_400_000  # 2025-10-14
POD = {"namespace": "ns", "pod": "p", "node": "wrk-1"}


def metrics(**parts: Any) -> dict[str, Any]:
    said = {
        "start_date": "2025-10-14",
        "end_date": "2025-10-14",
        "interval_minutes": 15,
        "cluster_name": "ocp-prod",
        "cpu_metrics": [series("cpu", "2")],
        "memory_metrics": [series("memory", "8589934592")],
        "gpu_metrics": [],
    }
    return {name: value for name, value in {**said, **parts}.items() if value is not None}


def series(resource: str, value: str, samples: int = 96, **labels: str) -> dict[str, Any]:
    values = [[MIDNIGHT + number * 900, value] for number in range(samples)]
    return {"metric": {**POD, "resource": resource, **labels}, "values": values}


class Reading:
    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.rejections: list[Rejection] = []
        self.coverage: dict[str, Coverage] = {}
        for part in read_kubernetes_metrics(path, "ocp").stream:
            if isinstance(part, Rows):
                self.rows += part.records.to_pylist()
            elif isinstance(part, Rejection):
                self.rejections.append(part)
            else:
                self.coverage[part.call] = part

    def of(self, query: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["query"] == query]


def read(folder: Path, said: Any) -> Reading:
    path = folder / "metrics-2025-10-14.json"
    path.write_text(json.dumps(said))
    return Reading(path)


def test_a_day_of_equal_samples_is_one_record_a_request(tmp_path: Path) -> None:
    found = read(tmp_path, metrics())

    (cpu,), (memory,) = found.of("pod_cpu_request"), found.of("pod_memory_request")
    assert (cpu["samples"], cpu["quantity"], cpu["value"]) == (96, 2_000_000, "2")
    assert (memory["samples"], memory["quantity"], memory["cluster"]) == (96, 8 << 30, "ocp-prod")
    assert (cpu["first_time"].timestamp(), cpu["last_time"].timestamp()) == (MIDNIGHT, MIDNIGHT + 95 * 900)
    (answered,) = found.of("answered")
    assert (answered["resource_name"], answered["samples"]) == ("pod_cpu_request", 96)


def test_the_window_is_that_of_its_days_the_last_included(tmp_path: Path) -> None:
    coverage = read(tmp_path, metrics(end_date="2025-10-15")).coverage["cpu_metrics"]

    assert (str(coverage.start), str(coverage.end)) == (
        "2025-10-14 00:00:00+00:00",
        "2025-10-16 00:00:00+00:00",
    )
    assert (coverage.outcome, coverage.records) == ("ok", 1)


def test_labels_of_nodes_and_pods_stand_with_the_series(tmp_path: Path) -> None:
    gpu = series(
        "nvidia.com/gpu", "1", 4,
        label_nvidia_com_gpu_product="Tesla-V100-PCIE-32GB", label_nvidia_com_gpu_machine="PowerEdge-R740xd",
    )  # fmt: skip
    found = read(tmp_path, metrics(gpu_metrics=[gpu]))

    assert [(row["resource_name"], row["quantity"]) for row in found.of("pod_gpu_request")] == [
        ("nvidia.com/gpu", 1)
    ]
    assert {(row["pod"], row["label"], row["value"], row["samples"]) for row in found.of("pod_labels")} == {
        ("p", "gpu_product", "Tesla-V100-PCIE-32GB", 4),
        ("p", "node_model", "PowerEdge-R740xd", 4),
    }


def test_no_gpus_are_told_by_an_empty_list_an_absent_one_may_have_failed(tmp_path: Path) -> None:
    none = read(tmp_path, metrics(gpu_metrics=[])).coverage["gpu_metrics"]
    unknown = read(tmp_path, metrics(gpu_metrics=None))

    assert (none.outcome, none.detail) == ("empty", "")
    assert unknown.coverage["gpu_metrics"].outcome == "failed"
    assert unknown.coverage["gpu_metrics"].detail.startswith("no gpu_metrics in the file")
    assert unknown.coverage["cpu_metrics"].outcome == "ok"
    assert len(unknown.of("pod_cpu_request")) == 1


@pytest.mark.parametrize("missing", ["cpu_metrics", "memory_metrics"])
def test_without_cores_or_memory_nothing_of_the_file_counts(tmp_path: Path, missing: str) -> None:
    found = read(tmp_path, metrics(**{missing: None}))

    assert found.rows == []
    assert {one.outcome for one in found.coverage.values()} == {"failed"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ([], ""),
        ({}, "interval_minutes"),
        (metrics(interval_minutes="15"), "interval_minutes"),
        (metrics(interval_minutes=0), "interval_minutes"),
        (metrics(start_date="yesterday"), "start_date"),
        (metrics(end_date="2025-10-13"), "end_date"),
        (metrics(end_date=None), "end_date"),
    ],
)
def test_a_file_that_doesnt_say_what_it_covers_is_refused_as_a_whole(
    tmp_path: Path, said: Any, field: str
) -> None:
    found = read(tmp_path, said)

    assert found.rows == []
    assert [(one.record, one.field) for one in found.rejections] == [(0, field)]
    assert [one.outcome for one in found.coverage.values()] == ["failed"]


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (7, ""),
        ({"values": []}, "metric"),
        ({"metric": {"pod": 7}, "values": []}, "metric.pod"),
        ({"metric": POD}, "values"),
        ({"metric": POD, "values": [[MIDNIGHT, 2]]}, "values"),
        ({"metric": POD, "values": [[MIDNIGHT + 0.5, "2"]]}, "values"),
        ({"metric": POD, "values": [[True, "2"]]}, "values"),
        ({"metric": {"pod": "p"}, "values": [[MIDNIGHT, "2"]]}, "namespace"),
        ({"metric": POD, "values": [[MIDNIGHT, "two"]]}, "value"),
    ],
)
def test_a_broken_series_is_rejected_with_its_place_and_the_others_land(
    tmp_path: Path, broken: Any, field: str
) -> None:
    found = read(tmp_path, metrics(cpu_metrics=[series("cpu", "2"), broken]))

    (rejection,) = found.rejections
    assert rejection.origin.endswith("metrics-2025-10-14.json: cpu_metrics")
    assert (rejection.record, rejection.field) == (2, field)
    assert len(found.of("pod_cpu_request")) == 1
    assert found.coverage["cpu_metrics"].detail == "1 rejected"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, gzip.compress(b"{}" * 99, mtime=0)[:-5]]
)
def test_a_file_that_is_no_json_is_refused_and_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "metrics.json"
    path.write_bytes(content)

    found = Reading(path)

    assert len(found.rejections) == 1
    assert [one.outcome for one in found.coverage.values()] == ["failed"]


def test_a_packed_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json.gz"
    path.write_bytes(gzip.compress(json.dumps(metrics()).encode()))

    assert Reading(path).rows == read(tmp_path, metrics()).rows


def test_a_missing_sample_ends_a_run_and_so_does_the_end_of_the_day() -> None:
    samples = [(time, "1") for time in (85_500, 86_400, 87_300, 89_100)] + [(90_000, "2")]

    assert list(runs(samples, 900)) == [
        Run("1", 85_500, 85_500, 1),
        Run("1", 86_400, 87_300, 2),
        Run("1", 89_100, 89_100, 1),
        Run("2", 90_000, 90_000, 1),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("0.1", "cores", 100_000),
        ("2.5e-07", "cores", 0),
        ("5e-07", "cores", 1),
        ("1.7179869184e+10", "bytes", 16 << 30),
        ("0.5", "count", 1),
        ("0", "count", 0),
        ("NaN", "cores", None),
        ("+Inf", "bytes", None),
        ("-1", "count", None),
        ("1e30", "bytes", None),
        ("1e999999999", "bytes", None),
        ("", "cores", None),
    ],
)
def test_quantities_are_exact_and_rounded_half_up(value: str, unit: Any, expected: int | None) -> None:
    assert quantity(value, unit) == expected
