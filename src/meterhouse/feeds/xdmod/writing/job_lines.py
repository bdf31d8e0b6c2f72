"""Which lines of sacct does Open XDMoD shred? Jobs as Slurm said them, and pods as jobs, a file a site day.

A job stands in the file of the day on which it ended; one that still runs in the last file, without an end:
Open XDMoD passes over it. A pod is a job of its own on each day on which it ran, as it may run for months.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.feeds.xdmod.slurm_form import NoRoom, line
from meterhouse.feeds.xdmod.writing.job_values import PodIds, Units, job_values, pod_values
from meterhouse.feeds.xdmod.writing.out_files import Written, write_lines
from meterhouse.feeds.xdmod.writing.period import Period, moment
from meterhouse.usage.attribution import text

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_SAID = """
    SELECT batch_id, record, job_id, job_id_raw, gid, uid, eligible, elapsed_seconds, exit_code, state,
        state_said, requested_cpu_millis, requested_memory_mib, requested_tres, allocated_tres
    FROM slurm_job"""
_JOBS = """
    SELECT u.*, r.* EXCLUDE (batch_id, record, job_id)
    FROM counted AS u
    LEFT JOIN said AS r
        ON r.batch_id = COALESCE(u.closed_batch, u.opened_batch)
        AND r.record = COALESCE(u.closed_record, u.opened_record)
        AND r.job_id = u.item -- a record may stand for several tasks of an array
    WHERE u.kind = 'job'
        AND CASE WHEN u.is_last THEN {running} ELSE u."end" >= {start} AND u."end" < {end} END
    ORDER BY u."end", u.item, u.submitted, u."start" """
_PODS = """
    SELECT u.*, GREATEST(u."start", {start}) AS part_start, LEAST(u."end", {end}) AS part_end
    FROM counted AS u
    WHERE u.kind = 'pod' AND u.state = 'active' AND u."start" < {end} AND u."end" > {start}
    ORDER BY u.item, part_start, part_end, u.domain"""


def write_job_lines(
    view: View,
    engine: DuckDBEngine,
    resource: str,
    period: Period,
    folder: Path,
    written: Written,
    *,
    milli_cpu: bool = False,
) -> None:
    """Write a file of lines for each site day, if the resource has had jobs or pods at all.

    With `milli_cpu` every count of CPUs is in thousandths: parts of a core, which pods have, survive.
    """
    kinds = f"rules = 'default' AND kind IN ('job', 'pod') AND resource = {text(resource)}"
    if not engine.query(f"SELECT 1 FROM ({view.select('span')}) WHERE {kinds} LIMIT 1").num_rows:
        return
    engine.relation(
        "counted", f"SELECT * FROM ({view.select('span', overlapping=period.window)}) WHERE {kinds}"
    )
    engine.relation("said", f"WITH slurm_job AS ({view.select('slurm_job')}) {_SAID}")
    units = Units(milli_cpu)
    for day in period.days:
        values = chain(
            _jobs(engine, resource, period, day, units, written),
            _pods(engine, resource, period, day, units, written),
        )
        path = folder / "slurm" / f"{resource}-{day}.log"
        written.files.append(write_lines(path, _lines(values, written)))
    if units.rounded:
        written.remarks.append(
            f"{units.rounded:,} lines: parts of a core became whole cores; --milli-cpu keeps them"
        )


def _lines(jobs: Iterable[dict[str, str]], written: Written) -> Iterator[str]:
    for values in jobs:
        try:
            yield line(values)
        except NoRoom as lack:
            written.left_out.append(f"job {values['jobid']}, {lack}")


def _jobs(
    engine: DuckDBEngine, resource: str, period: Period, day: date, units: Units, written: Written
) -> Iterator[dict[str, str]]:
    start, end = (moment(edge) for edge in period.bounds(day))
    running = f'u."start" < {end}' if day == period.last else "FALSE"
    for row in _rows(engine, _JOBS.format(start=start, end=end, running=running)):
        try:
            yield job_values(row, resource, units)
        except NoRoom as lack:
            written.left_out.append(f"job {row['item']}, {lack}")


def _pods(
    engine: DuckDBEngine, resource: str, period: Period, day: date, units: Units, written: Written
) -> Iterator[dict[str, str]]:
    start, end = (moment(edge) for edge in period.bounds(day))
    ids = PodIds(day)
    for row in _rows(engine, _PODS.format(start=start, end=end)):
        try:
            yield pod_values(row, resource, units, ids)
        except NoRoom as lack:
            written.left_out.append(f"pod {row['item']}, {lack}")


def _rows(engine: DuckDBEngine, sql: str) -> Iterator[dict[str, Any]]:
    for batch in engine.reader(sql, name="xdmod write slurm"):
        yield from batch.to_pylist()
