"""Which jobs does text that sacct wrote tell of? From a stream of bytes to batches of raw records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import pyarrow as pa

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.file_content import ByteStream
from meterhouse.sources.slurm.local_time import LocalTime
from meterhouse.sources.slurm.sacct_form import form_of
from meterhouse.sources.slurm.sacct_lines import Block, LineBlocks
from meterhouse.sources.slurm.sacct_rows import JobRows, ReadBlock
from meterhouse.sources.slurm.step_use import StepUse

_THREADS = 2
_AHEAD = 8  # blocks that are read before they are asked for: as many as a file's row group takes


class SacctText:
    """The jobs of one stream; iterate once. Lines have 26 fields, or those that a heading names.

    After the iteration `incomplete` says why the end could not be read (empty when it could).
    """

    def __init__(
        self,
        stream: ByteStream,
        origin: str,
        resource: str,
        local_time: LocalTime,
        observed_at: datetime | None = None,
    ) -> None:
        self.incomplete = ""
        self._blocks = LineBlocks(stream, origin)
        self._origin = origin
        self._resource = resource
        self._local_time = local_time
        self._observed_at = observed_at

    def __iter__(self) -> Iterator[pa.RecordBatch | Rejection]:
        blocks = iter(self._blocks)
        for block in blocks:
            if isinstance(block, Rejection):
                yield block
                continue
            yield from self._from(block, blocks)
        self.incomplete = self.incomplete or self._blocks.incomplete

    def _from(
        self, block: Block, blocks: Iterator[Block | Rejection]
    ) -> Iterator[pa.RecordBatch | Rejection]:
        """All from the first block with lines on."""
        first, _, behind = block.data.partition(b"\n")
        form = form_of(first.decode("utf-8", "replace"))
        if form is None:
            self.incomplete = "the heading lacks fields"
            yield _bad_heading(self._origin, block.first, first)
            for _ in blocks:
                pass
            return
        if form.has_heading:
            block = Block(block.first + 1, behind)
        rows = JobRows(form, self._resource, self._origin, self._local_time, self._observed_at)
        steps = StepUse(rows.readers) if form.has_steps else None
        for item in _read_ahead(rows.read, block, blocks):
            if isinstance(item, Rejection):
                yield item
                continue
            yield from item.rejections
            batch = steps.fold(item.jobs, item.steps) if steps is not None else item.jobs
            if batch is not None and batch.num_rows:
                yield batch
        if steps is not None and (batch := steps.rest()) is not None:
            yield batch


def _read_ahead(
    read: Callable[[Block], ReadBlock], first: Block, others: Iterable[Block | Rejection]
) -> Iterator[ReadBlock | Rejection]:
    """What `read` makes of each block, in order: a few blocks are read while the caller is busy."""
    coming: deque[Future[ReadBlock] | Rejection] = deque()
    with ThreadPoolExecutor(_THREADS, "sacct") as threads:
        coming.append(threads.submit(read, first))
        for block in others:
            coming.append(block if isinstance(block, Rejection) else threads.submit(read, block))
            while len(coming) > _AHEAD:
                item = coming.popleft()
                yield item if isinstance(item, Rejection) else item.result()
        while coming:
            item = coming.popleft()
            yield item if isinstance(item, Rejection) else item.result()


def _bad_heading(origin: str, number: int, line: bytes) -> Rejection:
    return Rejection(
        origin,
        number,
        "",
        "a heading with JobID, Submit, Start, End, State, NNodes and NCPUS, each once",
        "another one",
        excerpt(line[:400].decode("utf-8", "replace")),
    )
