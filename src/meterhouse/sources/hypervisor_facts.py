"""How large was the cloud? Open XDMoD's hypervisor facts: what each hypervisor had at one moment.

A file says the whole cloud: a hypervisor that a later file doesn't name has been taken away. So a
file of which any part can't be read is a failed reading, not a smaller cloud.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from meterhouse.sources.delivery import Delivery, Rejection, Rows
from meterhouse.sources.fields import MOST_VCPUS, Fault, Field, TypedRecords, shown
from meterhouse.sources.file_content import FileContent, file_content
from meterhouse.sources.json_records import JsonRecords
from meterhouse.sources.record_file import Item, Tally

FORMAT = "hypervisor-facts"
_TABLE = "hypervisor"

_MOMENT = Field("observed_at", "time", required=True, key="ts")
_FIELDS = [
    _MOMENT,
    Field("hypervisor_id", "id", key="id"),
    Field("hostname", required=True, key="hypervisor_hostname"),
    Field("vcpus", "integer", required=True, most=MOST_VCPUS),
    Field("memory_mb", "integer", required=True),
    Field("disk_gb", "integer"),
    Field("state"),
    Field("status"),
]


def read_hypervisor_facts(path: str | os.PathLike[str], resource: str) -> Delivery:
    """The delivery of one hypervisor facts file, plain or gzip, for `resource`.

    Records are hypervisors, numbered through the file.
    """
    content = file_content(path, FORMAT, resource)
    return Delivery(FORMAT, resource, content.origin, content.content_key, _stream(content, resource))


def _stream(content: FileContent, resource: str) -> Iterator[Item]:
    tally = Tally(_TABLE)
    typed = TypedRecords(_TABLE, _FIELDS)
    failure = ""
    number = 0
    with content.open() as file:
        reader = JsonRecords(file, content.origin, frozenset({"hypervisors"}))
        for item in reader:
            if isinstance(item, Rejection):
                failure = "part of the file could not be read"
                tally.rejected += 1
                yield item
                continue
            for facts in item.objects:
                hypervisors, refused = _hypervisors(facts, number + 1, content.origin)
                numbers = list(range(number + 1, number + 1 + len(hypervisors)))
                batch, rejections = typed.batch(numbers, hypervisors, resource, content.origin)
                number += max(len(hypervisors), len(refused))
                if refused or rejections:
                    failure = "part of the cloud could not be read"
                    tally.rejected += len(refused) + len(rejections)
                    yield from refused
                    yield from rejections
                if batch.num_rows:
                    tally.count(batch)
                    yield Rows(_TABLE, batch)
    content.check_unchanged()
    yield tally.coverage(content, FORMAT, reader.incomplete or failure)


def _hypervisors(
    facts: dict[str, Any], number: int, origin: str
) -> tuple[list[dict[str, Any]], list[Rejection]]:
    """The hypervisors of one reading of the cloud, each with the moment of the reading."""
    field = _MOMENT.said_as
    try:
        _MOMENT.value(facts.get(field))
        field = "hypervisors"
        hypervisors = facts.get(field)
        if not isinstance(hypervisors, list) or not all(isinstance(each, dict) for each in hypervisors):
            raise Fault("a list of objects", hypervisors)
    except Fault as fault:
        return [], [Rejection(origin, number, field, fault.expected, fault.found, shown(facts))]
    return [{**each, "ts": facts["ts"]} for each in hypervisors], []
