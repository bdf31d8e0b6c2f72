"""What do derived tables look like? Item events, spans and daily usage, one schema for every kind."""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

_WHOSE = [
    ("resource", pa.string()),
    ("kind", pa.string()),  # vm, volume, snapshot, image, floating_ip, router, network, container ...
    ("item", pa.string()),  # the source's id
    ("name", pa.string()),
    ("project_ref", pa.string()),  # the source's project id
    ("project_name", pa.string()),  # as said at that moment, null when it wasn't said
    ("user_ref", pa.string()),
    ("user_name", pa.string()),
    ("domain", pa.string()),
]
_SIZE = [
    ("class", pa.string()),  # flavor, queue, volume type, storage class
    ("vcpus", pa.int64()),
    ("memory_mib", pa.int64()),
    ("disk_gib", pa.int64()),
    ("gpus", pa.int64()),
    ("gpu_model", pa.string()),
    ("nodes", pa.int64()),
    ("space_bytes", pa.int64()),
    ("files", pa.int64()),
    ("host", pa.string()),
]

# One thing that was said about one item: an event, or an observation. Not stored; made from raw rows.
ITEM_EVENT = pa.schema(
    [
        *_WHOSE,
        ("time", TIME),
        ("event", pa.string()),  # vocabulary of catalogue/events.csv
        ("state_said", pa.string()),  # the source's own word for the state, lower case
        *_SIZE,
        ("batch_id", pa.string()),
        ("record", pa.int64()),
    ]
)

# An item in one state and one size, `[start, end)`.
SPAN = pa.schema(
    [
        ("rules", pa.string()),  # the rule set that made it: "default" or "xdmod"
        *_WHOSE,
        ("state", pa.string()),
        ("start", TIME),
        ("end", TIME),
        *_SIZE,
        ("opened_by", pa.string()),  # event that opened it
        ("closed_by", pa.string()),  # event that closed it; null: ran out of evidence
        ("begins", pa.int64()),  # 1 when running begins with this span, else 0
        ("ceases", pa.int64()),  # 1 when running ceases with this span, else 0
        ("is_last", pa.bool_()),  # the item's newest span: may still grow
        ("opened_batch", pa.string()),
        ("opened_record", pa.int64()),
        ("closed_batch", pa.string()),
        ("closed_record", pa.int64()),
    ]
)
