"""Which jobs does a file tell of? What `sacct` wrote, as lines or as JSON, and what slurmrestd answered."""

from __future__ import annotations

import os
from collections.abc import Iterator

from meterhouse.sources.delivery import Delivery, Rejection, Rows
from meterhouse.sources.file_content import FileContent, file_content
from meterhouse.sources.record_file import Item, Tally
from meterhouse.sources.slurm.local_time import LocalTime
from meterhouse.sources.slurm.sacct_json import SacctJson, holds_json
from meterhouse.sources.slurm.sacct_text import SacctText

FORMAT = "slurm"
TABLE = "slurm_job"


def read_slurm(path: str | os.PathLike[str], resource: str, time_zone: str = "UTC") -> Delivery:
    """The delivery of one file, plain or gzip, for `resource`.

    Lines have Open XDMoD's 26 fields or a heading that names them. `time_zone` is that of the clock
    that they show; JSON says its times in UTC. Records are lines, or the jobs of a JSON document.
    """
    source = FORMAT if time_zone == "UTC" else f"{FORMAT} {time_zone}"
    content = file_content(path, source, resource)
    stream = _stream(content, resource, LocalTime(time_zone))
    return Delivery(FORMAT, resource, content.origin, content.content_key, stream)


def _stream(content: FileContent, resource: str, local_time: LocalTime) -> Iterator[Item]:
    tally = Tally(TABLE)
    with content.open() as file:
        is_json = holds_json(file)
    with content.open() as file:
        reader: SacctJson | SacctText
        if is_json:
            reader = SacctJson(file, content.origin, resource)
        else:
            reader = SacctText(file, content.origin, resource, local_time)
        for item in reader:
            if isinstance(item, Rejection):
                tally.rejected += 1
                yield item
            else:
                tally.count(item)
                yield Rows(TABLE, item)
    content.check_unchanged()
    yield tally.coverage(content, FORMAT, reader.incomplete)
