"""What do OpenStack event files say? The JSON arrays of events that Open XDMoD eats (its `openstack` format).

One event an object, Nova's legacy notification names and keys. A file named
`2018-04-17T00.00.00_2018-04-30T23.59.59.json` says which window it covers.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

from meterhouse.sources.delivery import Delivery
from meterhouse.sources.fields import MOST_VCPUS, Field, TypedRecords
from meterhouse.sources.file_content import file_content
from meterhouse.sources.record_file import Window, record_stream

FORMAT = "openstack-events"
_TABLE = "openstack_event"

_FIELDS = [
    Field("event_type", required=True),
    Field("generated", "time", required=True),
    *[
        Field(name)
        for name in (
            *("message_id", "request_id", "service", "resource_id", "instance_id", "display_name"),
            *("instance_type", "state", "old_state", "status", "host", "availability_zone"),
            *("user_id", "user_name", "project_id", "project_name", "domain", "volume_id", "type", "name"),
        )
    ],
    Field("instance_type_id", "id"),
    Field("vcpus", "integer", most=MOST_VCPUS),
    *[Field(name, "integer") for name in ("memory_mb", "disk_gb", "root_gb", "ephemeral_gb", "size")],
    *[
        Field(name, "time")
        for name in (
            *("created_at", "launched_at", "deleted_at"),
            *("audit_period_beginning", "audit_period_ending"),
        )
    ],
]

_MOMENT = r"(\d{4}-\d\d-\d\d)T(\d\d)[.:](\d\d)[.:](\d\d)"
_FILE_NAME = re.compile(rf"{_MOMENT}_{_MOMENT}\.json(?:\.gz)?", re.ASCII)


def read_openstack_events(path: str | os.PathLike[str], resource: str) -> Delivery:
    """The delivery of one event file, plain or gzip, for `resource`."""
    content = file_content(path, FORMAT, resource)
    typed = TypedRecords(_TABLE, _FIELDS, {"channel": "file"}, dropped=frozenset({"raw"}))
    window = window_in_name(content.path.name)
    stream = record_stream(content, resource, _TABLE, typed, FORMAT, window)
    return Delivery(FORMAT, resource, content.origin, content.content_key, stream)


def window_in_name(name: str) -> Window | None:
    """The window `[start, end)` that a file's name says, or None.

    A name that ends in second 59 means the whole of that second: the next file begins after it.
    """
    parts = _FILE_NAME.fullmatch(name)
    if parts is None:
        return None
    try:
        start, end = (
            datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}").replace(tzinfo=UTC)
            for day, hour, minute, second in (parts.groups()[:4], parts.groups()[4:])
        )
    except ValueError:
        return None
    if end.second == 59:
        end += timedelta(seconds=1)
    return (start, end) if start < end else None
