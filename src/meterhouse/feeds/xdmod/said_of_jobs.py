"""What do Open XDMoD's statistics need of jobs that spans don't hold? What sacct said, looked up when asked.

GPUs: Open XDMoD sees the first number that AllocTRES lists of any GPU. Where GPUs are of one model that is
all of them. Of several models it is the number of one only, while spans count all: what was said is looked up
for those jobs alone, which are few. Eligible time: it is looked up for all, when a statistic is about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from meterhouse.sources.raw_table import TIME

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Window = tuple[datetime, datetime]
ELIGIBLE = "eligible"  # how the facts begin that need it
_RECORD = [("batch_id", pa.string()), ("record", pa.int64())]
_LISTED_GPUS = pa.schema([*_RECORD, ("gpus", pa.int64())])
_ELIGIBLE_TIME = pa.schema([*_RECORD, ("eligible", TIME)])


@dataclass(frozen=True, slots=True)
class SaidOfJobs:
    """By the raw record that opened a job's span: the GPUs that are listed first, where these are not all,
    and when the job became eligible. Tables or SQL; None says nothing."""

    listed_gpus: pa.Table | str | None = None
    eligible_time: pa.Table | str | None = None

    def register(self, engine: DuckDBEngine) -> None:
        """Make both known under their names."""
        for name, said, schema in (
            ("listed_gpus", self.listed_gpus, _LISTED_GPUS),
            ("eligible_time", self.eligible_time, _ELIGIBLE_TIME),
        ):
            engine.relation(name, schema.empty_table() if said is None else said)


def said_of_jobs(view: View, engine: DuckDBEngine, facts: Iterable[str], window: Window) -> SaidOfJobs:
    """What these facts of the realm Jobs need of the jobs that run in `window`."""
    gpus = _listed_gpus(view, engine, window)
    if not any(name.startswith(ELIGIBLE) for name in facts):
        return SaidOfJobs(gpus)
    said = view.select("slurm_job", ["batch_id", "record", "eligible"])
    return SaidOfJobs(gpus, f"SELECT DISTINCT * FROM ({said}) WHERE eligible IS NOT NULL")


def _listed_gpus(view: View, engine: DuckDBEngine, window: Window) -> pa.Table | None:
    columns = ["rules", "kind", "gpu_model", "opened_batch", "opened_record"]
    spans = view.select("span", columns, overlapping=window)
    records = engine.query(
        f"""SELECT DISTINCT opened_batch AS batch_id, opened_record AS record FROM ({spans})
        WHERE rules = 'default' AND kind = 'job' AND CONTAINS(gpu_model, ',')"""
    )
    if not records.num_rows:
        return None
    engine.relation("job_of_models", records)
    said = view.select("slurm_job", ["batch_id", "record", "allocated_tres"])
    return engine.query(
        rf"""SELECT DISTINCT s.batch_id, s.record,
            CAST(REGEXP_EXTRACT(s.allocated_tres, '(^|,)gres/gpu(:[^=,]*)?=([0-9]+)', 3) AS BIGINT) AS gpus
        FROM ({said}) AS s
        JOIN job_of_models AS j ON j.batch_id = s.batch_id AND j.record = s.record""",
        name="xdmod listed GPUs",
    ).cast(_LISTED_GPUS)
