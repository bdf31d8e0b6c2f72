"""How many GPUs does Open XDMoD see in a job? The first number that AllocTRES lists of any GPU.

Where GPUs are of one model that is all of them. Of several models it is the number of one only, while spans
count all: what was said is looked up for those jobs alone, which are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

# By the raw record that opened a job's span.
LISTED_GPUS = pa.schema([("batch_id", pa.string()), ("record", pa.int64()), ("gpus", pa.int64())])


def listed_gpus(view: View, engine: DuckDBEngine) -> pa.Table:
    """The number for each record of a job with GPUs of several models, as LISTED_GPUS."""
    spans = view.select("span", ["rules", "kind", "gpu_model", "opened_batch", "opened_record"])
    records = engine.query(
        f"""SELECT DISTINCT opened_batch AS batch_id, opened_record AS record FROM ({spans})
        WHERE rules = 'default' AND kind = 'job' AND CONTAINS(gpu_model, ',')"""
    )
    if not records.num_rows:
        return LISTED_GPUS.empty_table()
    engine.relation("job_of_models", records)
    said = view.select("slurm_job", ["batch_id", "record", "allocated_tres"])
    return engine.query(
        rf"""SELECT DISTINCT s.batch_id, s.record,
            CAST(REGEXP_EXTRACT(s.allocated_tres, '(^|,)gres/gpu(:[^=,]*)?=([0-9]+)', 3) AS BIGINT) AS gpus
        FROM ({said}) AS s
        JOIN job_of_models AS j ON j.batch_id = s.batch_id AND j.record = s.record""",
        name="xdmod listed GPUs",
    ).cast(LISTED_GPUS)
