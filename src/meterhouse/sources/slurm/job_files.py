"""Which jobs does a file tell of? What `sacct` wrote, as lines or as JSON, and what slurmrestd answered."""

from __future__ import annotations

import os
from collections.abc import Iterator

from meterhouse.sources.delivery import Delivery, Rejection, Rows
from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.file_content import FileContent, file_content
from meterhouse.sources.record_file import Item, Tally
from meterhouse.sources.slurm.local_time import LocalTime
from meterhouse.sources.slurm.sacct_form import form_of
from meterhouse.sources.slurm.sacct_lines import Block, LineBlocks
from meterhouse.sources.slurm.sacct_rows import JobRows

FORMAT = "slurm"
TABLE = "slurm_job"


def read_slurm(path: str | os.PathLike[str], resource: str, time_zone: str = "UTC") -> Delivery:
    """The delivery of one file, plain or gzip, for `resource`.

    Lines have Open XDMoD's 26 fields or a heading that names them. `time_zone` is that of the clock
    that they show. Records are lines, or the jobs of a JSON document.
    """
    source = FORMAT if time_zone == "UTC" else f"{FORMAT} {time_zone}"
    content = file_content(path, source, resource)
    stream = _lines(content, resource, LocalTime(time_zone))
    return Delivery(FORMAT, resource, content.origin, content.content_key, stream)


def _lines(content: FileContent, resource: str, local_time: LocalTime) -> Iterator[Item]:
    tally = Tally(TABLE)
    rows: JobRows | None = None
    with content.open() as file:
        blocks = LineBlocks(file, content.origin)
        for block in blocks:
            if isinstance(block, Rejection):
                tally.rejected += 1
                yield block
                continue
            if rows is None:
                first, _, behind = block.data.partition(b"\n")
                form = form_of(first.decode("utf-8", "replace"))
                if form is None:
                    tally.rejected += 1
                    yield _bad_heading(content.origin, first)
                    break
                rows = JobRows(form, resource, content.origin, local_time)
                if form.has_heading:
                    block = Block(block.first + 1, behind)
            for item in rows.of(block):
                yield from _counted(item, tally)
        for batch in rows.rest() if rows is not None else ():
            yield from _counted(batch, tally)
    content.check_unchanged()
    yield tally.coverage(content, FORMAT, blocks.incomplete)


def _counted(item: Rejection | Rows, tally: Tally) -> Iterator[Item]:
    if isinstance(item, Rejection):
        tally.rejected += 1
        yield item
    else:
        tally.count(item)
        yield Rows(TABLE, item)


def _bad_heading(origin: str, line: bytes) -> Rejection:
    return Rejection(
        origin,
        1,
        "",
        "a heading with JobID, Submit, Start, End, State, NNodes and NCPUS, each once",
        "another one",
        excerpt(line[:400].decode("utf-8", "replace")),
    )
