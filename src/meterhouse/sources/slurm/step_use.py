"""What did a job use, going by its steps? CPU time and memory of the lines that follow the job's own.

sacct says a job's steps right behind it. The CPU time of a job is the sum of its steps', its memory
the largest that a task of a step had at once. Steps of which nothing was measured say nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.slurm.sacct_columns import Refused, TextColumn

_NOTHING = -1
_USE = ("cpu_used_millis", "memory_peak_kib")


class StepUse:
    """Folds steps into the jobs before them. The last job is kept back: more of its steps may follow."""

    def __init__(self, readers: dict[str, TextColumn]) -> None:
        self._readers = {field: readers[field] for field in ("totalcpu", "maxrss") if field in readers}
        self._kept: pa.RecordBatch | None = None
        self._kept_use = np.full(2, _NOTHING, np.int64)

    def fold(self, jobs: pa.RecordBatch, steps: tuple[pa.Table, np.ndarray] | None) -> pa.RecordBatch | None:
        """All jobs that are complete now, with what their steps used.

        `steps` are the lines of steps and their numbers.
        """
        if self._kept is not None:
            jobs = pa.concat_batches([self._kept, jobs])
        if not jobs.num_rows:
            return None
        use = np.full((jobs.num_rows, 2), _NOTHING, np.int64)
        if self._kept is not None:
            use[0] = self._kept_use
        if steps is not None:
            self._add(jobs, use, *steps)
        complete = jobs.num_rows - 1
        self._kept, self._kept_use = jobs.slice(complete), use[-1]
        return _with_use(jobs.slice(0, complete), use[:complete]) if complete else None

    def rest(self) -> pa.RecordBatch | None:
        """The job that was kept back."""
        kept, self._kept = self._kept, None
        return None if kept is None else _with_use(kept, self._kept_use.reshape(1, 2))

    def _add(self, jobs: pa.RecordBatch, use: np.ndarray, steps: pa.Table, numbers: np.ndarray) -> None:
        owners = np.searchsorted(jobs.column("record").to_numpy(), numbers) - 1
        job_ids = pc.list_element(pc.split_pattern(steps.column("jobid"), ".", max_splits=1), 0)
        known = jobs.column("job_id").take(pa.array(np.maximum(owners, 0)))
        # The line of the job itself may have been refused: its steps are nobody's.
        owned = (owners >= 0) & pc.equal(job_ids, known).to_numpy()
        unread: Refused = {}
        columns: dict[str, pa.Array] = {}
        for field, reader in self._readers.items():
            columns |= reader.convert(field, steps.column(field).combine_chunks(), unread)
        used, peak = (_numbers(columns.get(name), len(owners)) for name in _USE)
        measured = owned & ((peak >= 0) | (used > 0))
        np.maximum.at(use[:, 1], owners[measured], peak[measured])
        use[owners[measured], 0] = np.maximum(use[owners[measured], 0], 0)
        np.add.at(use[:, 0], owners[measured], np.maximum(used[measured], 0))


def _with_use(jobs: pa.RecordBatch, use: np.ndarray) -> pa.RecordBatch:
    """The jobs with what they used: CPU time that a job's own line says counts before its steps' sum."""
    said = pc.fill_null(jobs.column("cpu_used_millis"), 0).to_numpy()
    used = np.where(said > 0, said, use[:, 0])
    peak = np.maximum(use[:, 1], pc.fill_null(jobs.column("memory_peak_kib"), _NOTHING).to_numpy())
    for name, values in zip(_USE, (used, peak), strict=True):
        place = jobs.schema.get_field_index(name)
        jobs = jobs.set_column(place, jobs.schema.field(place), pa.array(values, pa.int64(), mask=values < 0))
    return jobs


def _numbers(column: pa.Array | None, count: int) -> np.ndarray:
    if column is None:
        return np.full(count, _NOTHING, np.int64)
    numbers: np.ndarray = pc.fill_null(column, _NOTHING).to_numpy()
    return numbers
