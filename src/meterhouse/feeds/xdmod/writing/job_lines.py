"""Which lines of sacct does Open XDMoD shred? Jobs as Slurm said them, and pods as jobs, a file a site day.

A job stands in the file of the day on which it ended; one that still runs in the last file, without an end:
Open XDMoD passes over it. A pod is a job of its own on each day on which it ran, as it may run for months.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.feeds.xdmod.slurm_form import NoRoom, line
from meterhouse.feeds.xdmod.writing.job_values import PodIds, Units, job_values, pod_values
from meterhouse.feeds.xdmod.writing.out_files import Written, write_lines
from meterhouse.feeds.xdmod.writing.period import Period, moment
from meterhouse.usage.attribution import text
from meterhouse.usage.calendar import calendar_table

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_SAID = """
    SELECT batch_id, record, job_id_raw, gid, uid, eligible, elapsed_seconds, exit_code, state, state_said,
        requested_cpu_millis, requested_memory_mib, requested_tres, allocated_tres
    FROM slurm_job"""
_JOBS = """
    SELECT u.*, r.* EXCLUDE (batch_id, record)
    FROM counted AS u
    LEFT JOIN said AS r
        ON r.batch_id = COALESCE(u.closed_batch, u.opened_batch)
        AND r.record = COALESCE(u.closed_record, u.opened_record)
    WHERE u.kind = 'job'
        AND CASE WHEN u.is_last THEN u."start" < {end} ELSE u."end" >= {start} AND u."end" < {end} END
    ORDER BY u."end", u.item, u.submitted, u."start" """
_PODS = """
    SELECT u.*, c.day, GREATEST(u."start", c.day_start) AS part_start, LEAST(u."end", c.day_end) AS part_end
    FROM counted AS u
    JOIN calendar AS c ON u."start" < c.day_end AND u."end" > c.day_start
    WHERE u.kind = 'pod' AND u.state = 'active'
    ORDER BY c.day, u.item, part_start, part_end, u.domain"""

Row = Mapping[str, Any]


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
    engine.relation("calendar", calendar_table(period.first, period.last, str(period.zone)))
    by_day: dict[date, list[str]] = {day: [] for day in period.days}
    units = Units(milli_cpu)
    for day, values in (
        *_jobs(engine, resource, period, units, written),
        *_pods(engine, resource, units, written),
    ):
        try:
            by_day[day].append(line(values))
        except NoRoom as lack:
            written.left_out.append(f"job {values['jobid']}, {lack}")
    if units.rounded:
        written.remarks.append(
            f"{units.rounded:,} lines: parts of a core became whole cores; --milli-cpu keeps them"
        )
    for day, lines in by_day.items():
        written.files.append(write_lines(folder / "slurm" / f"{resource}-{day}.log", lines))


def _jobs(
    engine: DuckDBEngine, resource: str, period: Period, units: Units, written: Written
) -> Iterator[tuple[date, dict[str, str]]]:
    sql = _JOBS.format(start=moment(period.start), end=moment(period.end))
    for row in _rows(engine, sql):
        try:
            values = job_values(row, resource, units)
        except NoRoom as lack:
            written.left_out.append(f"job {row['item']}, {lack}")
            continue
        yield period.last if row["is_last"] else period.day_of(row["end"]), values


def _pods(
    engine: DuckDBEngine, resource: str, units: Units, written: Written
) -> Iterator[tuple[date, dict[str, str]]]:
    ids = PodIds()
    for row in _rows(engine, _PODS):
        try:
            values = pod_values(row, resource, units, ids)
        except NoRoom as lack:
            written.left_out.append(f"pod {row['item']}, {lack}")
            continue
        yield row["day"], values


def _rows(engine: DuckDBEngine, sql: str) -> Iterator[dict[str, Any]]:
    for batch in engine.reader(sql, name="xdmod write slurm"):
        yield from batch.to_pylist()
