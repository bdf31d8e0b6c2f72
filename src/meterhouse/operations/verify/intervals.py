"""What do jobs, pods and claims come to, counted from their records one item at a time?

Spans are cut where a size or a label changes; here only sizes count, so that what is compared is how long an
item ran, and what it had meanwhile: the same whatever the cuts. Nothing of the models is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from meterhouse.operations.verify.by_item import ItemKey, Row, rows_of
from meterhouse.operations.verify.findings import Finding
from meterhouse.usage.building.models import INTERVAL_MODELS, IntervalModel

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MIB = 1 << 20
_GOES_ON = {"RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED"}

_OF_A_SERIES = "query cluster namespace quantity step_seconds first_time last_time"
_COLUMNS = {
    "job": "cluster job_id submit start end elapsed_seconds suspended_seconds state node_list nodes "
    "observed_at cpu_used_millis memory_peak_kib cpu_millis gpus allocated_memory_mib requested_memory_mib",
    "pod": f"{_OF_A_SERIES} pod uid resource_name",
    "claim": f"{_OF_A_SERIES} claim",
}


@dataclass(slots=True)
class Used:
    """How long something ran in microseconds, and those microseconds times what it had meanwhile."""

    micros: int = 0
    cpu_millis: int = 0
    memory_mib: int = 0
    gpus: int = 0
    space_bytes: int = 0

    def add(self, micros: int, **had: int | None) -> None:
        self.micros += micros
        for name, amount in had.items():
            setattr(self, name, getattr(self, name) + micros * (amount or 0))

    def __str__(self) -> str:
        sizes = {"thousandths of a CPU": self.cpu_millis, "MiB": self.memory_mib, "GPUs": self.gpus,
                 "bytes": self.space_bytes}  # fmt: skip
        told = [f"{total / 1_000_000:.0f} s x {name}" for name, total in sizes.items() if total]
        return ", ".join([f"{self.micros / 1_000_000:.6f} s", *told])


def records_by_item(
    view: View, engine: DuckDBEngine, model: IntervalModel
) -> Iterator[tuple[ItemKey, list[Row]]]:
    """Each item of a model with the raw records that say when it ran, by resource and id."""
    if not view.files(model.table):
        return
    columns = ", ".join(f'r."{name}"' for name in ("resource", *_COLUMNS[model.kind].split()))
    records = rows_of(
        engine,
        f"SELECT {model.item} AS item_key, {columns} FROM ({view.select(model.table)}) AS r "
        f"WHERE {model.about} AND {model.item} IS NOT NULL ORDER BY r.resource, item_key",
    )
    for key, of_item in groupby(records, key=lambda row: (row["resource"], row["item_key"])):
        yield key, list(of_item)


def different_use(kind: str, key: ItemKey, records: Iterable[Row], spans: Iterable[Row]) -> Iterator[Finding]:
    """An item whose spans don't come to what its records say."""
    should, is_there = _OF_KIND[kind](records), _of_spans(spans)
    if should != is_there:
        yield Finding(
            "spans", "error", f"spans of a {kind} don't come to what its raw records say",
            str(should), str(is_there), f"{key[0]} {kind} {key[1]}",
        )  # fmt: skip


def _of_spans(spans: Iterable[Row]) -> Used:
    used = Used()
    for row in spans:
        used.add(
            _micros(row["end"]) - _micros(row["start"]),
            cpu_millis=row["cpu_millis"], memory_mib=row["memory_mib"], gpus=row["gpus"],
            space_bytes=row["space_bytes"],
        )  # fmt: skip
    return used


def _of_jobs(records: Iterable[Row]) -> Used:
    """Of each run the telling that counts, until it ended or the next one of its job began."""
    told: dict[tuple[Any, ...], tuple[tuple[Any, ...], Row]] = {}
    for record in records:
        if (run := _run(record)) is not None:
            key = (record["cluster"] or "", record["submit"], run["begin"])
            if key not in told or run["rank"] < told[key][0]:
                told[key] = run["rank"], run
    by_cluster: dict[str, list[Row]] = defaultdict(list)
    for (cluster, _, _), (_, run) in told.items():
        by_cluster[cluster].append(run)
    used = Used()
    for runs in by_cluster.values():
        begins = sorted(run["begin"] for run in runs)
        for run in runs:
            after = next((begin for begin in begins if begin > run["begin"]), run["until"])
            until = run["until"] if run["has_ended"] else min(run["until"], after)
            said = run["said"]
            memory = said["allocated_memory_mib"]
            used.add(
                until - run["begin"], cpu_millis=said["cpu_millis"], gpus=said["gpus"],
                memory_mib=said["requested_memory_mib"] if memory is None else memory,
            )  # fmt: skip
    return used


def _run(said: Row) -> Row | None:
    """When a job ran as one record says it, in microseconds; None where it says that it didn't."""
    start, end, elapsed = said["start"], said["end"], said["elapsed_seconds"] or 0
    if said["node_list"] is None or said["nodes"] == 0 or said["state"] == "PENDING":
        return None
    if start is None and (end is None or elapsed == 0):
        return None
    if end is not None and (start is None or start > end):
        begin = _micros(end) - elapsed * 1_000_000
    else:
        begin = _micros(start)
    until = (
        _micros(end) if end is not None else begin + (elapsed + (said["suspended_seconds"] or 0)) * 1_000_000
    )
    has_ended = end is not None and said["state"] not in _GOES_ON

    def known(name: str) -> int:
        return -1 if said[name] is None else int(said[name])

    observed = _micros(said["observed_at"]) if said["observed_at"] is not None else 0
    latest = (has_ended, until, known("elapsed_seconds"), observed, known("cpu_used_millis"),
              known("memory_peak_kib"))  # fmt: skip
    smallest = ("cpu_millis", "nodes", "gpus", "allocated_memory_mib", "requested_memory_mib")
    rank = (*(-one for one in latest), said["state"], *map(known, smallest))
    return {"said": said, "begin": begin, "until": until, "has_ended": has_ended, "rank": rank}


def _of_pods(records: Iterable[Row]) -> Used:
    """What was requested at each moment: of samples that disagree the finer, then the larger."""
    used = Used()
    for of_cluster in _by_cluster(records):
        claims = []
        for row in of_cluster:
            if row["query"] == "pod_gpu_request":
                claims.append((("gpus", row["resource_name"] or ""), row))
            elif row["query"] in ("pod_cpu_request", "pod_memory_request"):
                claims.append(((row["query"], ""), row))
        for micros, had in _in_force(claims):
            used.add(
                micros,
                cpu_millis=(had.get(("pod_cpu_request", ""), 0) + 500) // 1000,
                memory_mib=(had.get(("pod_memory_request", ""), 0) + _MIB // 2) // _MIB,
                gpus=sum(amount for (stream, _), amount in had.items() if stream == "gpus"),
            )
    return used


def _of_claims(records: Iterable[Row]) -> Used:
    """How much was asked for at each moment, attached or not."""
    used = Used()
    for of_cluster in _by_cluster(records):
        claims = [(("space", ""), row) for row in of_cluster if row["query"] == "pvc_request"]
        for micros, had in _in_force(claims):
            used.add(micros, space_bytes=had["space", ""])
    return used


def _by_cluster(records: Iterable[Row]) -> Iterable[list[Row]]:
    by_cluster: dict[str, list[Row]] = defaultdict(list)
    for row in records:
        by_cluster[row["cluster"] or ""].append(row)
    return by_cluster.values()


def _in_force(
    claims: Iterable[tuple[tuple[str, str], Row]],
) -> Iterator[tuple[int, dict[tuple[str, str], int]]]:
    """Stretches in which nothing changes: how many microseconds, and the amount of each stream in it."""
    edges: dict[int, list[tuple[int, tuple[str, str], tuple[int, int]]]] = defaultdict(list)
    for stream, row in claims:
        if row["quantity"] is None:
            continue
        start = _micros(row["first_time"])
        end = _micros(row["last_time"]) + row["step_seconds"] * 1_000_000
        told = (row["step_seconds"], -row["quantity"])
        edges[start].append((1, stream, told))
        edges[end].append((-1, stream, told))
    here: dict[tuple[str, str], dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    for moment, after in pairwise(sorted(edges)):
        for sign, stream, told in edges[moment]:
            here[stream][told] += sign
            if here[stream][told] == 0:
                del here[stream][told]
        if had := {stream: -min(tellings)[1] for stream, tellings in here.items() if tellings}:
            yield after - moment, had


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


_OF_KIND: dict[str, Callable[[Iterable[Row]], Used]] = {"job": _of_jobs, "pod": _of_pods, "claim": _of_claims}
assert {model.kind for model in INTERVAL_MODELS} == _OF_KIND.keys() == _COLUMNS.keys()
