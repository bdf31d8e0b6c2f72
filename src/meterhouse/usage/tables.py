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
# What jobs and pods have beyond that; null for other kinds, but for cpu_millis.
_BATCH = [
    ("cpu_millis", pa.int64()),  # thousandths of a core: pods ask for parts of one. Of a VM 1000 x vcpus
    ("group_name", pa.string()),  # the group or PI that the source named
    ("qos", pa.string()),
    ("gpu_resource", pa.string()),  # Kubernetes' name of it: nvidia.com/gpu, nvidia.com/mig-1g.5gb ...
]
# What a finished (or still running) job or pod has, as a whole.
_RUN = [
    ("submitted", TIME),
    ("run_seconds", pa.int64()),  # without the time that it was suspended; null: it ran from start to end
    ("cpu_used_millis", pa.int64()),  # core milliseconds that it used; null: not measured
    ("memory_peak_mib", pa.int64()),  # the most memory that it used; null: not measured
    ("time_limit_seconds", pa.int64()),  # null: none, or not said
]

# One thing that was said about one item: an event, or an observation. Not stored; made from raw rows.
ITEM_EVENT = pa.schema(
    [
        *_WHOSE,
        ("time", TIME),
        ("event", pa.string()),  # vocabulary of catalogue/events.csv
        ("state_said", pa.string()),  # the source's own word for the state, lower case
        *_SIZE,
        ("said_at", TIME),  # when the source said it: of two tellings the first counts
        ("batch_id", pa.string()),
        ("record", pa.int64()),
    ]
)

_WHEN = [
    ("state", pa.string()),
    ("start", TIME),
    ("end", TIME),
]
# What opened and closed a span, and the records that say so.
_ENDS = [
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

# An item in one state and one size, `[start, end)`. A column is only ever added, at the end.
SPAN = pa.schema(
    [
        ("rules", pa.string()),  # the rule set that made it: "default" or "xdmod"
        *_WHOSE,
        *_WHEN,
        *_SIZE,
        *_ENDS,
        *_BATCH,
        *_RUN,
    ]
)

# What a model of intervals makes of raw records: spans but for the rule set, which is "default".
INTERVAL = pa.schema([*_WHOSE, *_WHEN, *_SIZE, *_BATCH, *_RUN, *_ENDS])

# Where a build left an item under one rule set: its newest span, and what no span tells of what opened it
# and of what was last heard. The next build goes on from here, as the model `told` says. Files of open spans
# have all these columns; where what is gone was left, which is no span, has files of its own.
ITEM_TAIL = pa.schema(
    [
        *SPAN,
        ("reopens", pa.int64()),
        ("order_key", pa.int64()),
        ("state_code", pa.int64()),
        ("last_event", pa.string()),  # null, as all that follows, where nothing was heard after the opening
        ("last_key", pa.int64()),
        ("last_project_ref", pa.string()),
        ("last_class", pa.string()),
        ("last_vcpus", pa.int64()),
        ("last_memory_mib", pa.int64()),
        ("last_disk_gib", pa.int64()),
        ("last_space_bytes", pa.int64()),
    ]
)

# Usage on one site day: seconds in one state and size, and how often running began and ceased.
# Rows are entries that add up: a build enters what is new and takes back (with negative numbers) what
# it replaces; `build.daily_usage` adds them up to one row a group.
# Quantities of meters are seconds times size: both are here, so that a new meter needs no rebuild.
DAILY = pa.schema(
    [
        ("rules", pa.string()),
        ("day", pa.date32()),
        ("resource", pa.string()),
        ("kind", pa.string()),
        ("state", pa.string()),
        ("project_ref", pa.string()),
        ("project_name", pa.string()),
        ("user_ref", pa.string()),
        ("user_name", pa.string()),
        ("domain", pa.string()),
        ("class", pa.string()),
        ("vcpus", pa.int64()),
        ("memory_mib", pa.int64()),
        ("disk_gib", pa.int64()),
        ("gpus", pa.int64()),
        ("gpu_model", pa.string()),
        ("space_bytes", pa.int64()),
        ("wall_seconds", pa.int64()),
        ("begun", pa.int64()),
        ("ceased", pa.int64()),
        ("spans", pa.int64()),  # spans that touch the day
        ("nodes", pa.int64()),
        *_BATCH[:-1],
        ("wait_seconds", pa.int64()),  # from submission to start, of what began on the day
        ("cpu_used_millis", pa.int64()),  # core milliseconds used, where that was measured
        ("cpu_measured_millis", pa.int64()),  # core milliseconds reserved, where use was measured
        ("memory_used", pa.int64()),  # MiB seconds: the peak times the run, where it was measured
        ("memory_measured", pa.int64()),  # MiB seconds reserved, where the peak was measured
    ]
)

# A level that a source sampled: how full, how busy. Not stored; made from raw rows.
SAMPLE = pa.schema(
    [
        *_WHOSE,
        ("class", pa.string()),  # storage class, mountpoint
        ("group_name", pa.string()),
        (
            "measure",
            pa.string(),
        ),  # stored_bytes, physical_bytes, files, cpu_used_micros, memory_used_bytes ...
        ("time", TIME),
        ("weight", pa.int64()),  # seconds that the sample stands for; 1 where the source doesn't say
        ("value", pa.int64()),
        ("limit", pa.int64()),  # quota, request or limit of it; null: not said
        ("said_at", TIME),  # of two tellings the last counts
        ("batch_id", pa.string()),
        ("record", pa.int64()),
        # With the samples of its class, measure and time it tells all that there is there: of a day only the
        # last such telling counts, and nothing else that was said of this class and measure.
        ("is_whole", pa.bool_()),
    ]
)

# A level of an item on one site day. Average of the day: total / weight. Sums over items and days are exact.
LEVEL = pa.schema(
    [
        *_WHOSE,
        ("class", pa.string()),
        ("group_name", pa.string()),
        ("measure", pa.string()),
        ("day", pa.date32()),
        ("samples", pa.int64()),
        ("weight", pa.int64()),
        ("total", pa.decimal128(38, 0)),  # of value x weight
        ("limited", pa.decimal128(38, 0)),  # of limit x weight, where a limit was said
        ("maximum", pa.int64()),
        ("minimum", pa.int64()),
        ("last", pa.int64()),
        ("last_time", TIME),
    ]
)

# Stored derived tables: schema and the column that says when.
DERIVED_TABLES: dict[str, tuple[pa.Schema, str]] = {
    "span": (SPAN, "end"),
    "item_tail": (ITEM_TAIL, "end"),
    "daily": (DAILY, "day"),
    "level": (LEVEL, "day"),
}
