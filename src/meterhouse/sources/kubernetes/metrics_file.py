"""What do recorded metrics of an OpenShift cluster say? A day's pods as a JSON file, metrics-YYYY-MM-DD.json.

Requests of pods as NERC's collector records them: cpu_metrics, memory_metrics and gpu_metrics, each a
list of Prometheus series; labels of nodes and pods stand among the labels of the series. A file without
gpu_metrics may be of a cluster without GPUs, or its GPU query failed when it was recorded: nobody can
tell. Its pods count as they stand there, and gpu_metrics is covered as failed; `"gpu_metrics": []` in the
file says that there were none. Without cpu_metrics or memory_metrics nothing of the file counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from meterhouse.sources.delivery import Coverage, Delivery, Outcome, Rejection, Rows
from meterhouse.sources.excerpt import excerpt, found
from meterhouse.sources.file_content import BROKEN_STREAM, FileContent, file_content
from meterhouse.sources.kubernetes.prometheus import Series
from meterhouse.sources.kubernetes.queries import QUERIES, Query
from meterhouse.sources.kubernetes.series_rows import SeriesRows

FORMAT = "kubernetes-metrics"
LARGEST = 1 << 30  # bytes, unpacked
LONGEST_STEP_MINUTES = 24 * 60

_LISTS = {
    "cpu_metrics": QUERIES["pod_cpu_request"],
    "memory_metrics": QUERIES["pod_memory_request"],
    "gpu_metrics": QUERIES["pod_gpu_request"],
}
# What the series of requests say beside them.
_LABELS = Query("pod_labels", "labels", ("namespace", "pod"), "", ("class", "gpu_product", "node_model"))
_NO_GPU_LIST = "no gpu_metrics in the file: no GPUs, or the query failed when it was recorded"


class _Unusable(ValueError):
    """The file as a whole, or one series of it, can't be taken."""

    def __init__(self, field: str, expected: str, what: object) -> None:
        super().__init__(field)
        self.field, self.expected, self.what = field, expected, what


def read_kubernetes_metrics(path: str | os.PathLike[str], resource: str) -> Delivery:
    """The delivery of one metrics file, plain or gzip, for `resource`. Records are series, by list."""
    content = file_content(path, FORMAT, resource)
    return Delivery(FORMAT, resource, content.origin, content.content_key, _stream(content, resource))


def _stream(content: FileContent, resource: str) -> Iterator[Rows | Rejection | Coverage]:
    try:
        said = _said(content)
        start, end, step = _window(said)
    except _Unusable as why:
        yield Rejection(content.origin, 0, why.field, why.expected, found(why.what))
        reason = f"expected {why.expected}"
        yield Coverage(FORMAT, content.changed_at, content.changed_at, "failed", 0, reason)
        return
    cluster = said.get("cluster_name")
    rows = SeriesRows(resource, content.origin, cluster if isinstance(cluster, str) and cluster else None)
    answered = {name for name in _LISTS if isinstance(said.get(name), list)}
    usable = {"cpu_metrics", "memory_metrics"} <= answered
    coverage = []
    for name, query in _LISTS.items():
        if not usable or name not in answered:
            missing = ", ".join(list_name for list_name in _LISTS if list_name not in answered)
            why_not = (
                _NO_GPU_LIST
                if usable
                else f"expected a list in each of cpu_metrics and memory_metrics, found none in {missing}"
            )
            coverage.append(Coverage(name, start, end, "failed", 0, why_not))
            continue
        before, rejected = rows.records, len(rows.rejections)
        for number, one in enumerate(said[name], 1):
            try:
                series = _series(one)
            except _Unusable as why:
                rows.rejections.append(
                    Rejection(f"{content.origin}: {name}", number, why.field, why.expected, found(why.what))
                )
                continue
            rows.take(query, series, step, (name, number), with_uid=False)
            if any(series.labels.get(label) for label in rows.names_of(_LABELS)):
                present = Series(series.labels, [(time, "1") for time, _ in series.samples])
                rows.take(_LABELS, present, step, (name, number), with_uid=False)
        count, rejected = rows.records - before, len(rows.rejections) - rejected
        outcome: Outcome = "ok" if count or rejected else "empty"
        coverage.append(
            Coverage(name, start, end, outcome, count, f"{rejected:,} rejected" if rejected else "")
        )
    if usable:
        rows.answered("pod_cpu_request", int(start.timestamp()), int(end.timestamp()), step)
    content.check_unchanged()
    yield from rows.finish()
    yield from rows.rejections
    yield from coverage


def _said(content: FileContent) -> dict[str, Any]:
    try:
        with content.open() as file:
            text = file.read(LARGEST + 1)
    except BROKEN_STREAM as error:
        raise _Unusable("", "an unbroken gzip stream", excerpt(str(error))) from None
    if len(text) > LARGEST:
        raise _Unusable("", f"at most {LARGEST:,} bytes", "more")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Unusable("", "one JSON object", excerpt(str(error))) from None
    if not isinstance(said, dict):
        raise _Unusable("", "one JSON object", said)
    return said


def _window(said: dict[str, Any]) -> tuple[datetime, datetime, int]:
    """The days that the file covers, the last one included, and the step in seconds."""
    minutes = said.get("interval_minutes")
    if type(minutes) is not int or not 1 <= minutes <= LONGEST_STEP_MINUTES:
        raise _Unusable("interval_minutes", f"an integer from 1 to {LONGEST_STEP_MINUTES}", minutes)
    days = []
    for name in ("start_date", "end_date"):
        day = said.get(name)
        try:
            days.append(datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), UTC))
        except ValueError:
            raise _Unusable(name, "a day as YYYY-MM-DD", day) from None
    if not days[0] <= days[1] < datetime(2100, 1, 1, tzinfo=UTC):
        raise _Unusable("end_date", "a day not before start_date", said.get("end_date"))
    return days[0], days[1] + timedelta(days=1), minutes * 60


def _series(said: Any) -> Series:
    if not isinstance(said, dict):
        raise _Unusable("", "an object with metric and values", said)
    labels, values = said.get("metric"), said.get("values")
    if not isinstance(labels, dict):
        raise _Unusable("metric", "an object of texts", labels)
    for name, value in labels.items():
        if not isinstance(value, str):
            raise _Unusable(f"metric.{name}", "text", value)
    if not isinstance(values, list):
        raise _Unusable("values", "a list of [seconds, text]", values)
    samples: dict[int, str] = {}
    for pair in values:
        match pair:
            case [int() | float() as moment, str() as value] if (
                not isinstance(moment, bool) and moment == moment // 1 and 0 <= moment < 1 << 32
            ):
                samples[int(moment)] = value
            case _:
                raise _Unusable("values", "[whole seconds since 1970, text]", pair)
    return Series(labels, sorted(samples.items()))
