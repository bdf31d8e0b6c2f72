"""Which models are there, what do they read, and what is their text?

Raw records become spans in one of two ways. Where a source says what happened (a VM was created, stopped,
resized), models of *events* feed one state machine. Where it says when something ran (a job, a pod), models
of *intervals* give spans at once. What it measured now and then (how full, how busy) models of *samples* give
to levels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from meterhouse.usage.rules import rule_tables

if TYPE_CHECKING:
    from meterhouse.warehouse.view import View

# Models of events, each with the raw tables that it reads. They give usage.tables.ITEM_EVENT.
EVENT_MODELS: dict[str, tuple[str, ...]] = {
    "openstack_event": ("openstack_event",),
    "generic_cloud_event": ("generic_cloud_event",),
    "openstack_observation": (
        "openstack_server",
        "openstack_server_action",
        "openstack_volume",
        "openstack_volume_snapshot",
        "openstack_image",
        "openstack_floating_ip",
        "openstack_router",
        "openstack_network",
        "openstack_container",
    ),
}


@dataclass(frozen=True, slots=True)
class IntervalModel:
    """A model of intervals over one raw table; it gives usage.tables.INTERVAL.

    What it says of an item depends on the rows of that item alone, and on rows of no item (of which `item` is
    null), such as the labels of a node. The expressions say of a raw row `r` which item it is about, and from
    when to when; `about` is a condition: other rows don't matter to this model.

    With a `reach`, what went on at a moment depends only on rows about times within so much of it, and a span
    goes on where it touches an equal one. Then only what lies around the news is made anew.
    """

    name: str
    table: str
    kind: str
    item: str
    first_time: str
    last_time: str
    about: str = "TRUE"
    reach: timedelta | None = None


INTERVAL_MODELS: tuple[IntervalModel, ...] = (
    IntervalModel(
        name="job_span",
        table="slurm_job",
        kind="job",
        item="r.job_id",
        first_time="r.submit",
        last_time='COALESCE(r."end", r."start", r.submit)',
    ),
    # what is said of a node or namespace, or that somebody looked, tells something for a day to both sides
    IntervalModel(
        name="pod_span",
        table="kubernetes_series",
        kind="pod",
        item="r.namespace || '/' || r.pod || COALESCE('/' || r.uid, '')",
        first_time="CASE WHEN r.pod IS NULL THEN r.first_time - INTERVAL 24 HOUR ELSE r.first_time END",
        last_time="""r.last_time
            + INTERVAL 1 SECOND * CASE WHEN r.pod IS NULL THEN 86400 ELSE r.step_seconds END""",
        about="""(r.query IN ('pod_cpu_request', 'pod_memory_request', 'pod_gpu_request', 'pod_labels',
                'node_labels', 'namespace_annotations', 'namespace_labels')
            OR (r.query = 'answered' AND r.resource_name = 'pod_cpu_request'))""",
        reach=timedelta(days=1),
    ),
    IntervalModel(
        name="claim_span",
        table="kubernetes_series",
        kind="claim",
        item="r.namespace || '/' || r.claim",
        first_time="CASE WHEN r.claim IS NULL THEN r.first_time - INTERVAL 24 HOUR ELSE r.first_time END",
        last_time="""r.last_time
            + INTERVAL 1 SECOND * CASE WHEN r.claim IS NULL THEN 86400 ELSE r.step_seconds END""",
        about="""(r.query IN ('pvc_request', 'pvc_info', 'pvc_attached', 'namespace_annotations',
                'namespace_labels')
            OR (r.query = 'answered' AND r.resource_name IN ('pvc_request', 'pvc_attached')))""",
        reach=timedelta(days=1),
    ),
)

# Models of samples, each with the raw tables that it reads. They give usage.tables.SAMPLE.
SAMPLE_MODELS: dict[str, tuple[str, ...]] = {
    "storage_sample": ("storage_usage",),
    "filesystem_sample": ("filesystem_usage", "filesystem_scan"),
    "filesystem_quota_sample": ("filesystem_quota",),
    "kubernetes_sample": ("kubernetes_usage",),
    "openstack_quota_sample": ("openstack_quota",),
}

# From item events to spans, and from spans and samples to what is counted by day.
SHARED_MODELS = (
    *("item", "heard", "size_said", "told", "transition", "span"),
    *("daily_part", "daily", "level"),
)


@cache
def model_text(name: str) -> str:
    """The SQL of one model file."""
    return files("meterhouse.usage.models").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def models_key(time_zone: str) -> str:
    """A key that changes with any model, rule or the site's clock: then everything is built anew."""
    digest = hashlib.sha256(time_zone.encode())
    for name in (*EVENT_MODELS, *(model.name for model in INTERVAL_MODELS), *SAMPLE_MODELS, *SHARED_MODELS):
        digest.update(f"\0{name}\0{model_text(name)}".encode())
    for name, table in sorted(rule_tables().items()):
        digest.update(f"\0{name}\0{table.to_pylist()}".encode())
    return digest.hexdigest()


def run_over(model: str, tables: Mapping[str, str], schema: pa.Schema) -> str:
    """A SELECT of `schema`'s columns from a model, over the SELECTs that stand for its raw tables."""
    columns = ", ".join(f'"{name}"' for name in schema.names)
    with_tables = ", ".join(f"{table} AS ({select})" for table, select in tables.items())
    # within brackets: a model may begin with a WITH of its own
    return f"SELECT {columns} FROM (WITH {with_tables} SELECT * FROM ({without_comments(model_text(model))}))"


def run_over_view(
    models: Mapping[str, tuple[str, ...]], schema: pa.Schema, view: View, **which: Any
) -> list[str]:
    """A SELECT for each model that has files in `view`; `which` as for `View.select`."""
    return [
        run_over(model, {table: view.select(table, **which) for table in tables}, schema)
        for model, tables in models.items()
        if any(view.files(table, **which) for table in tables)
    ]


def raw_tables_read() -> tuple[str, ...]:
    """Every raw table that some model reads, each once."""
    tables = [table for group in (*EVENT_MODELS.values(), *SAMPLE_MODELS.values()) for table in group]
    return tuple(dict.fromkeys([*tables, *(model.table for model in INTERVAL_MODELS)]))


def without_comments(sql: str) -> str:
    """A model without the lines that are only a comment."""
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
