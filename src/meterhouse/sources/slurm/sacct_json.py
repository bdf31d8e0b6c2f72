"""Which jobs does a JSON document of sacct or slurmrestd tell of? Its `jobs`, one by one, as raw records.

The shapes of the plugins from v0.0.38 on are read: numbers as numbers, as null, or as
{"set", "infinite", "number"}; states as a word or as a list; times as seconds since 1970, 0 for none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.fields import Fault, Field, TypedRecords, shown
from meterhouse.sources.file_content import BROKEN_STREAM, ByteStream
from meterhouse.sources.json_records import JsonRecords
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.slurm import notation
from meterhouse.sources.slurm.sacct_columns import NO_NODES

_TABLE = "slurm_job"
_MARKS = frozenset({"allocation_nodes", "association"})  # a job has them, and nothing within a job
_LONGEST_JOB = 1 << 26  # characters: some ten thousand steps
_MOST_AROUND = 1 << 20  # characters before and behind the list of jobs
_JOBS = re.compile(rb'(?<!\\)"jobs"\s*:\s*(?=\[)')
_NOTHING_FOUND = 9003  # slurmrestd calls it an error that there are no jobs
_NONE_FROM = (1 << 32) - 2  # Slurm's "no value" and "infinite" as numbers of 32 bits

_FIELDS = [
    Field("job_id", required=True),
    Field("job_id_raw", "integer", required=True, key="job_id_raw"),
    Field("array_job_id", "integer", key="array.job_id"),
    Field("array_index", "integer", key="array.task_id"),
    Field("cluster"),
    Field("partition"),
    Field("qos"),
    Field("account"),
    Field("group_name", key="group"),
    Field("user_name", key="user"),
    Field("submit", "time", required=True, key="time.submission"),
    Field("eligible", "time", key="time.eligible"),
    Field("start", "time", key="time.start"),
    Field("end", "time", key="time.end"),
    Field("elapsed_seconds", "integer", key="time.elapsed", most=notation.MOST_SECONDS),
    Field("suspended_seconds", "integer", key="time.suspended", most=notation.MOST_SECONDS),
    Field("exit_code", most=64),
    Field("state", required=True),
    Field("state_said", key="state.current"),
    Field("nodes", "integer", key="allocation_nodes"),
    Field("cpu_millis", "integer", most=1000 * notation.MOST_CPUS, key="tres.allocated cpu, thousandths"),
    Field(
        "requested_cpu_millis", "integer", most=1000 * notation.MOST_CPUS, key="required.CPUs, thousandths"
    ),
    Field("allocated_memory_mib", "integer"),
    Field("requested_memory_mib", "integer"),
    Field("gpus", "integer", most=notation.MOST_GPUS),
    Field("gpu_model"),
    Field("allocated_tres", most=1 << 14, key="tres.allocated"),
    Field("requested_tres", most=1 << 14, key="tres.requested"),
    Field("time_limit_seconds", "integer", most=notation.MOST_SECONDS, key="time.limit, seconds"),
    Field("node_list", most=1 << 16, key="nodes"),
    Field("name"),
    Field("cpu_used_millis", "integer"),
    Field("memory_peak_kib", "integer"),
]


def holds_json(stream: ByteStream) -> bool:
    """Does the stream begin as a JSON document does?"""
    try:
        while start := stream.read1(4096):
            if visible := start.removeprefix(b"\xef\xbb\xbf").lstrip():
                return visible[:1] in b"{["
    except BROKEN_STREAM:
        pass  # what is broken is told by whoever reads it
    return False


class SacctJson:
    """The jobs of one document; iterate once.

    `form` says who answered. After the iteration `incomplete` says why not everything could be read,
    or what errors the document itself reports (empty when all is well).
    """

    def __init__(
        self,
        stream: ByteStream,
        origin: str,
        resource: str,
        observed_at: datetime | None = None,
        form: str = "sacct-json",
    ) -> None:
        self.incomplete = ""
        self._stream = stream
        self._origin = origin
        self._resource = resource
        self._observed_at = observed_at
        self._typed = TypedRecords(_TABLE, _FIELDS, {"form": form})

    def __iter__(self) -> Iterator[pa.RecordBatch | Rejection]:
        jobs = _FromJobs(self._stream)
        if not jobs.found:
            self.incomplete = jobs.broken or _errors(jobs.before) or "no list of jobs"
            yield Rejection(self._origin, 0, "jobs", "a list of jobs", self.incomplete)
            return
        reader = JsonRecords(jobs, self._origin, _MARKS, _LONGEST_JOB, first_array_only=True)  # type: ignore[arg-type]
        for item in reader:
            if isinstance(item, Rejection):
                yield item
            else:
                yield from self._batch(item.numbers, item.objects)
        self.incomplete = (
            reader.incomplete
            or _errors(jobs.before + '"jobs": []}')
            or _errors('{"jobs": []' + reader.behind(_MOST_AROUND))
        )

    def _batch(self, numbers: list[int], jobs: list[dict[str, Any]]) -> Iterator[pa.RecordBatch | Rejection]:
        flat, good = [], []
        refused: list[Rejection] = []
        for number, job in zip(numbers, jobs, strict=True):
            try:
                flat.append(_flat(job))
                good.append(number)
            except _NotSo as wrong:
                refused.append(
                    Rejection(self._origin, number, wrong.field, wrong.expected, wrong.found, shown(job))
                )
        batch, rejections = self._typed.batch(good, flat, self._resource, self._origin)
        yield from sorted(refused + rejections, key=lambda one: one.record)
        if batch.num_rows:
            place = batch.schema.get_field_index("observed_at")
            observed = pa.repeat(pa.scalar(self._observed_at, TIME), batch.num_rows)
            yield batch.set_column(place, batch.schema.field(place), observed)


class _FromJobs:
    """A stream from the list of jobs on. What stood before it is replaced by its line ends."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.broken = ""
        start = b""
        match = None
        while match is None and len(start) < _MOST_AROUND:
            piece = self._read(1 << 16)
            if not piece:
                break
            start += piece
            match = _JOBS.search(start)
            if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":  # nothing but the list
                match = re.match(b"", start)
        self.found = match is not None
        self.before = start[: match.start() if match else None].decode("utf-8", "replace")
        self._rest = b"\n" * self.before.count("\n") + start[match.end() :] if match else b""

    def read1(self, size: int) -> bytes:
        if self._rest:
            piece, self._rest = self._rest[:size], self._rest[size:]
            return piece
        return self._stream.read1(size)

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read1(size)
        except BROKEN_STREAM as error:
            self.broken = f"the compressed file is damaged or cut short ({error})"
            return b""


class _NotSo(ValueError):
    """A part of a job that isn't what it should be."""

    def __init__(self, field: str, expected: str, value: object) -> None:
        fault = Fault(expected, value)
        super().__init__(f"{field}: {fault}")
        self.field, self.expected, self.found = field, fault.expected, fault.found


def _errors(document: str) -> str:
    """The errors that a document reports, in a few words."""
    try:
        said = json.loads(document)
    except ValueError:
        return ""
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list):
        return ""
    errors = [
        error
        for error in errors
        if not (isinstance(error, dict) and error.get("error_number") == _NOTHING_FOUND)
    ]
    if not errors:
        return ""
    texts = [
        str(error.get("description") or error.get("error") or error.get("error_number") or "")
        if isinstance(error, dict)
        else str(error)
        for error in errors
    ]
    return f"the answer reports errors: {'; '.join(texts)}"[:400]


def _flat(job: dict[str, Any]) -> dict[str, Any]:
    """The columns of a job, as `_FIELDS` names what they are said as."""
    time = _object(job, "time")
    array, het = _object(job, "array"), _object(job, "het")
    tres = _object(job, "tres")
    said = _states(job)
    number = _number(job, "job_id", "job_id")
    if number is None:
        raise _NotSo("job_id", "a job number", None)
    array_id = _number(array, "job_id", "array.job_id") or None
    task = _number(array, "task_id", "array.task_id")
    tasks = array.get("task") or ""
    het_id = _number(het, "job_id", "het.job_id") or None
    job_id = str(number)
    if array_id and task is not None:
        job_id = f"{array_id}_{task}"
    elif array_id and isinstance(tasks, str) and tasks:
        job_id = f"{array_id}_[{tasks}]"
    elif het_id:
        job_id = f"{het_id}+{_number(het, 'job_offset', 'het.job_offset') or 0}"
    allocated, requested = _tres_text(tres, "allocated"), _tres_text(tres, "requested")
    given, asked = _tres(allocated, "allocated"), _tres(requested, "requested")
    required = _object(job, "required")
    cpus_asked = _number(required, "CPUs", "required.CPUs")
    cpus = _count(allocated, "cpu")
    nodes = _number(job, "allocation_nodes", "allocation_nodes")
    limit = _number(time, "limit", "time.limit")
    used, peak = _use(job)
    node_list = job.get("nodes")
    in_array = array_id if task is not None or (isinstance(tasks, str) and tasks) else None
    return {
        "job_id": job_id,
        "job_id_raw": number,
        "array.job_id": in_array,
        "array.task_id": task if array_id else None,
        "cluster": job.get("cluster"),
        "partition": job.get("partition"),
        "qos": job.get("qos"),
        "account": job.get("account"),
        "group": job.get("group"),
        "user": job.get("user") or _object(job, "association").get("user"),
        "time.submission": _moment(time, "submission"),
        "time.eligible": _moment(time, "eligible"),
        "time.start": _moment(time, "start"),
        "time.end": _moment(time, "end"),
        "time.elapsed": _number(time, "elapsed", "time.elapsed"),
        "time.suspended": _number(time, "suspended", "time.suspended"),
        "exit_code": _exit_code(job),
        "state": said[0],
        "state.current": "+".join(said),
        "allocation_nodes": nodes,
        "tres.allocated cpu, thousandths": _thousandths(cpus if cpus is not None else cpus_asked),
        "required.CPUs, thousandths": _thousandths(cpus_asked),
        "allocated_memory_mib": given.memory_mib,
        "requested_memory_mib": asked.memory_mib
        if asked.memory_mib is not None
        else _asked(required, nodes, cpus_asked),
        "gpus": given.gpus,
        "gpu_model": given.gpu_model,
        "tres.allocated": allocated,
        "tres.requested": requested,
        "time.limit, seconds": None if limit is None or limit >= _NONE_FROM else limit * 60,
        "nodes": None if node_list == NO_NODES else node_list,
        "name": job.get("name"),
        "cpu_used_millis": used,
        "memory_peak_kib": peak,
    }


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _NotSo(key, "an object", value)
    return value


def _list(parent: dict[str, Any], key: str, field: str) -> list[Any]:
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _NotSo(field, "a list", value)
    return value


def _number(parent: dict[str, Any], key: str, field: str) -> int | None:
    """A number in any of the shapes; None for none and for an infinite one."""
    value = parent.get(key)
    if isinstance(value, dict):
        if not value.get("set", True) or value.get("infinite"):
            return None
        value = value.get("number")
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    if type(value) is not int or value < 0:
        raise _NotSo(field, "a number that isn't negative", value)
    return value


def _moment(time: dict[str, Any], key: str) -> str | None:
    seconds = _number(time, key, f"time.{key}")
    return None if seconds is None or seconds == 0 or seconds >= _NONE_FROM else str(seconds)


def _states(job: dict[str, Any]) -> list[str]:
    current = _object(job, "state").get("current")
    said = current if isinstance(current, list) else [current]
    words = [word for word in said if isinstance(word, str)]
    if not words or len(words) != len(said):
        raise _NotSo("state.current", notation.STATE, current)
    try:
        return [notation.state(word) for word in words]
    except Fault:
        raise _NotSo("state.current", notation.STATE, current) from None


def _tres_text(tres: dict[str, Any], kind: str) -> str:
    """Trackable resources as sacct writes them."""
    parts = []
    for one in _list(tres, kind, f"tres.{kind}"):
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise _NotSo(f"tres.{kind}", "objects with a type", one)
        count = _number(one, "count", f"tres.{kind}")
        if count is None or count >= 1 << 63:  # not counted
            continue
        name = f"{one['type']}/{one['name']}" if one.get("name") else one["type"]
        parts.append(f"{name}={count}{'M' if name == 'mem' else ''}")
    return ",".join(sorted(parts))


def _tres(text: str, kind: str) -> notation.Tres:
    try:
        return notation.tres(text)
    except Fault as fault:
        raise _NotSo(f"tres.{kind}", fault.expected, text) from None


def _count(tres: str, name: str) -> int | None:
    for part in tres.split(","):
        if part.startswith(f"{name}="):
            return int(part[len(name) + 1 :])
    return None


def _thousandths(count: int | None) -> int | None:
    return None if count is None else 1000 * count


def _asked(required: dict[str, Any], nodes: int | None, cpus: int | None) -> int | None:
    """MiB of the whole job, where only that of a node or a CPU is said."""
    of_node = _number(required, "memory_per_node", "required.memory_per_node")
    if of_node is not None and nodes:
        return of_node * nodes
    of_cpu = _number(required, "memory_per_cpu", "required.memory_per_cpu")
    if of_cpu is not None and cpus:
        return of_cpu * cpus
    return None


def _exit_code(job: dict[str, Any]) -> str | None:
    said = _object(job, "exit_code")
    code = _number(said, "return_code", "exit_code.return_code")
    signal = said.get("signal")
    of_signal = None
    if isinstance(signal, dict):
        key = "id" if "id" in signal else "signal_id"
        of_signal = _number(signal, key, f"exit_code.signal.{key}")
    return None if code is None and of_signal is None else f"{code or 0}:{of_signal or 0}"


def _use(job: dict[str, Any]) -> tuple[int | None, int | None]:
    """CPU milliseconds and the most memory in KiB that the steps used; None where nothing was measured."""
    used: int | None = None
    peak: int | None = None
    for step in _list(job, "steps", "steps"):
        if not isinstance(step, dict):
            raise _NotSo("steps", "a list of objects", step)
        microseconds = _microseconds(_object(step, "time"))
        most = 0
        for one in _list(_object(_object(step, "tres"), "requested"), "max", "steps.tres.requested.max"):
            if isinstance(one, dict) and one.get("type") == "mem":
                count = _number(one, "count", "steps.tres.requested.max")
                most = count if count is not None and count < 1 << 62 else 0
        if microseconds or most:
            used = (used or 0) + microseconds
            peak = max(peak or 0, most)
    whole = _microseconds(_object(job, "time"))
    used = whole or used
    return (
        None if used is None else used // 1000,
        None if not peak else (peak + 512) // 1024,
    )


def _microseconds(time: dict[str, Any]) -> int:
    total = _object(time, "total")
    seconds = _number(total, "seconds", "time.total.seconds") or 0
    return seconds * 1_000_000 + (_number(total, "microseconds", "time.total.microseconds") or 0)
