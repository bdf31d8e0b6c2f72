"""How much does each user keep on each mountpoint? Storage JSON as Open XDMoD's `storage` format has it.

A file is one array of samples, each of which stands for its day (UTC): days without any aren't covered. Open
XDMoD allows integers below 2^64; here they are below 2^63, which is as far as engines count: a sample of
8 EiB or more is rejected, not cut.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.fields import Fault, Field, TypedRecords, shown
from meterhouse.sources.file_content import file_content
from meterhouse.sources.json_records import Records
from meterhouse.sources.record_file import Item, Prepare, record_stream

FORMAT = "storage-usage"
_TABLE = "storage_usage"
MOST = (1 << 63) - 1

# Open XDMoD parses no other way to say a moment: UTC with Z, without a fraction.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_RESOURCE = Field("resource", required=True, most=200)
_FIELDS = [
    Field("dt", "time", required=True),
    Field("mountpoint", required=True, most=255),
    Field("user", required=True, most=30),
    Field("pi", required=True, most=30),
    Field("file_count", "integer", required=True, most=MOST),
    Field("logical_usage", "integer", required=True, most=MOST),
    Field("physical_usage", "integer", most=MOST),
    Field("soft_threshold", "integer", most=MOST),
    Field("hard_threshold", "integer", most=MOST),
]


def read_storage_usage(path: str | os.PathLike[str], resource: str) -> Delivery:
    """The delivery of one storage file, plain or gzip, for `resource`: each sample must name it."""
    content = file_content(path, FORMAT, resource)
    typed = TypedRecords(_TABLE, _FIELDS)
    stream = record_stream(content, resource, _TABLE, typed, FORMAT, prepare=_of_resource(resource))
    return Delivery(FORMAT, resource, content.origin, content.content_key, _covering_days(stream))


def _covering_days(stream: Iterator[Item]) -> Iterator[Item]:
    """The stream, with a window for each run of days that have samples."""
    samples: Counter[datetime] = Counter()
    for item in stream:
        if isinstance(item, Rows):
            days = pc.floor_temporal(item.records.column("dt"), unit="day")
            samples.update({one["values"]: one["counts"] for one in pc.value_counts(days).to_pylist()})
        if isinstance(item, Coverage) and item.outcome == "ok" and samples:
            yield from _windows(item, samples)
        else:
            yield item


def _windows(whole: Coverage, samples: Counter[datetime]) -> Iterator[Coverage]:
    day = timedelta(days=1)
    for first in sorted(one for one in samples if one - day not in samples):
        end, records = first, 0
        while end in samples:
            records += samples[end]
            end += day
        yield Coverage(
            whole.call, first.astimezone(UTC), end.astimezone(UTC), whole.outcome, records, whole.detail
        )


def _of_resource(resource: str) -> Prepare:
    def prepare(records: Records, origin: str) -> tuple[Records, list[Rejection]]:
        kept = Records([], [])
        rejections = []
        for number, said in zip(records.numbers, records.objects, strict=True):
            field = ""
            try:
                field = "resource"
                if _RESOURCE.value(said.get("resource")) != resource:
                    raise Fault(f'"{resource}", which the file is read for', said.get("resource"))
                field = "dt"
                _check_moment(said.get("dt"))
            except Fault as fault:
                rejections.append(Rejection(origin, number, field, fault.expected, fault.found, shown(said)))
            else:
                kept.numbers.append(number)
                kept.objects.append({name: value for name, value in said.items() if name != "resource"})
        return kept, rejections

    return prepare


def _check_moment(said: Any) -> None:
    if not isinstance(said, str) or not _MOMENT.fullmatch(said):
        raise Fault("a UTC time as 2018-12-27T11:12:22Z", said)
