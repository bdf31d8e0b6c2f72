"""How do lines that sacct wrote become raw records of jobs? Columns put together, steps folded in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.fields import EXTRA_CHARACTERS, Fault, compact_json
from meterhouse.sources.raw_table import INT, TEXT, TIME
from meterhouse.sources.slurm import notation
from meterhouse.sources.slurm.local_time import LocalTime
from meterhouse.sources.slurm.sacct_columns import Refused, readers
from meterhouse.sources.slurm.sacct_form import Form
from meterhouse.sources.slurm.sacct_lines import Block, split_lines, with_bars
from meterhouse.sources.slurm.tables import TABLES

SCHEMA = TABLES[0].schema


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """What a block of lines says: its jobs, its steps with their numbers, and what can't be taken."""

    jobs: pa.RecordBatch
    steps: tuple[pa.Table, np.ndarray] | None
    rejections: list[Rejection]


class JobRows:
    """Turns blocks of lines into batches of the raw table `slurm_job`; several blocks at a time may be read.

    `observed_at` is when sacct was asked, where that is known.
    """

    def __init__(
        self,
        form: Form,
        resource: str,
        origin: str,
        local_time: LocalTime,
        observed_at: datetime | None = None,
    ) -> None:
        self.readers = {field: reader for field, reader in readers().items() if field in form.fields}
        self._form = form
        self._constants = {
            "resource": pa.scalar(resource, TEXT),
            "form": pa.scalar("sacct", TEXT),
            "observed_at": pa.scalar(observed_at, TIME),
        }
        self._origin = origin
        self._local_time = local_time
        self._encoded = frozenset(field for field, reader in self.readers.items() if reader.encoded)
        self._others = tuple(field for field in form.fields if field not in self.readers)

    def read(self, block: Block) -> ReadBlock:
        """What the lines of a block say."""
        lines = split_lines(
            block, self._form.fields, self._form.last_may_hold_bars, self._encoded, self._origin
        )
        table, numbers = lines.columns, lines.numbers
        ids = table.column("jobid")
        is_step = pc.greater_equal(pc.find_substring(ids, "."), 0).to_numpy()
        if is_step.any():  # a list of tasks that was cut short ends in dots
            is_step &= pc.less(pc.find_substring(ids, "["), 0).to_numpy()
        steps = None
        if is_step.any():
            steps = table.filter(pa.array(is_step)), numbers[is_step]
            table, numbers = table.filter(pa.array(~is_step)), numbers[~is_step]
        if not len(numbers):
            return ReadBlock(_of_columns({}, 0), steps, lines.rejections)
        batch, refused = self._batch(table, numbers)
        rejections = lines.rejections + self._rejections(block, numbers, refused)
        return ReadBlock(batch, steps, sorted(rejections, key=lambda one: one.record))

    def _batch(self, table: pa.Table, numbers: np.ndarray) -> tuple[pa.RecordBatch, Refused]:
        refused: Refused = {}
        columns: dict[str, Any] = {}
        for field, reader in self.readers.items():
            texts = table.column(field).combine_chunks()
            if field == "jobname":
                texts = with_bars(texts)
            columns |= reader.convert(field, texts, refused)
        self._local_time.to_utc(columns, refused)
        count = len(numbers)
        columns["record"] = pa.array(numbers, INT)
        for name, constant in self._constants.items():
            columns[name] = pa.repeat(constant, count)
        if self._others:
            columns["extra"] = pa.array(self._extra(table, refused), TEXT)
        _put_sizes_together(columns)
        batch = _of_columns(columns, count)
        tasks = columns["tasks"]
        several = None
        if tasks.null_count < count:
            several = _several_tasks(batch, tasks, refused)
        if refused:
            keep = np.ones(count, bool)
            keep[list(refused)] = False
            batch = batch.filter(pa.array(keep))
            several = several[keep] if several is not None else None
        return (batch if several is None else _expanded(batch, several)), refused

    def _rejections(self, block: Block, numbers: np.ndarray, refused: Refused) -> list[Rejection]:
        lines = block.data.split(b"\n") if refused else []
        return [
            Rejection(
                self._origin,
                int(numbers[place]),
                field,
                fault.expected,
                fault.found,
                excerpt(lines[numbers[place] - block.first][:400].decode("utf-8", "replace")),
            )
            for place, (field, fault) in refused.items()
        ]

    def _extra(self, table: pa.Table, refused: Refused) -> list[str | None]:
        """What a line says beyond the typed columns, as JSON text."""
        texts: list[str | None] = []
        for place, said in enumerate(table.select(self._others).to_pylist()):
            beyond = {field: text for field, text in said.items() if text}
            text = compact_json(beyond) if beyond else None
            if text is not None and len(text) > EXTRA_CHARACTERS:
                fault = Fault(f"at most {EXTRA_CHARACTERS:,} characters beyond the typed fields", text)
                refused.setdefault(place, ("extra", fault))
            texts.append(text)
        return texts


def _of_columns(columns: dict[str, Any], count: int) -> pa.RecordBatch:
    arrays = [
        columns[name] if name in columns else pa.nulls(count, kind)
        for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _put_sizes_together(columns: dict[str, Any]) -> None:
    """Sizes that several fields say: memory that was asked for, and what was allocated."""
    if "allocated_gpus" in columns:
        columns["gpus"], columns["gpu_model"] = columns["allocated_gpus"], columns["allocated_gpu_model"]
    # What was asked for as a whole counts before what was asked for a node or a CPU.
    if "memory_kib_job" in columns:
        whole = columns.get("requested_memory_mib")
        if whole is None or whole.null_count:
            said = pc.coalesce(
                columns["memory_kib_job"],
                _times(columns["memory_kib_node"], columns["nodes"], 1),
                _times(
                    columns["memory_kib_cpu"],
                    columns.get("requested_cpu_millis", columns["cpu_millis"]),
                    1000,
                ),
            )
            mib = pc.divide(pc.add(said, 512), 1024)
            columns["requested_memory_mib"] = mib if whole is None else pc.coalesce(whole, mib)


def _times(amount: pa.Array, factor: pa.Array, parts: int) -> pa.Array:
    """amount * factor / parts, half up; null where it is beyond all bounds."""
    if amount.null_count == len(amount):
        return amount
    try:
        return pc.divide(pc.add_checked(pc.multiply_checked(amount, factor), parts // 2), parts)
    except pa.ArrowInvalid:
        products = [
            None if one is None or other is None else (one * other + parts // 2) // parts
            for one, other in zip(amount.to_pylist(), factor.to_pylist(), strict=True)
        ]
        return pa.array([one if one is not None and one < 1 << 62 else None for one in products], INT)


def _several_tasks(batch: pa.RecordBatch, tasks: pa.Array, refused: Refused) -> np.ndarray:
    """The tasks that each record stands for: a list where it is several that have run, else None.

    What Slurm tells of tasks that wait it tells in one record: they are one until they start.
    """
    several = np.empty(batch.num_rows, object)
    has_run = pc.and_(pc.is_valid(batch.column("start")), pc.is_valid(batch.column("node_list"))).to_pylist()
    for place in pc.indices_nonzero(pc.is_valid(tasks)).to_pylist():
        if has_run[place] and place not in refused:
            try:
                several[place] = notation.array_tasks(tasks[place].as_py())
            except Fault as fault:
                refused[place] = ("jobid", fault)
    return several


def _expanded(batch: pa.RecordBatch, several: np.ndarray) -> pa.RecordBatch:
    """A record for each task, as they are told once they are told singly."""
    counts = [1 if tasks is None else len(tasks) for tasks in several]
    if sum(counts) == len(counts) and all(tasks is None for tasks in several):
        return batch
    places = np.repeat(np.arange(len(counts)), counts)
    expanded = batch.take(pa.array(places))
    ids, indices = expanded.column("job_id").to_pylist(), expanded.column("array_index").to_pylist()
    arrays = expanded.column("array_job_id").to_pylist()
    at = 0
    for tasks, count in zip(several, counts, strict=True):
        for task in tasks or ():
            ids[at], indices[at] = f"{arrays[at]}_{task}", task
            at += 1
        at += 0 if tasks is not None else count
    return _replaced(expanded, {"job_id": ids, "array_index": indices})


def _replaced(batch: pa.RecordBatch, values: dict[str, Sequence[Any]]) -> pa.RecordBatch:
    for name, column in values.items():
        place = SCHEMA.get_field_index(name)
        batch = batch.set_column(place, SCHEMA.field(place), pa.array(column, SCHEMA.field(place).type))
    return batch
