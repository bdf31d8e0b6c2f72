"""What does a line of sacct look like? The fields of one job, with what a test wants otherwise."""

from __future__ import annotations

from meterhouse.sources.slurm.sacct_form import XDMOD_FIELDS

USUAL = {
    "jobid": "100",
    "jobidraw": "100",
    "cluster": "hpc",
    "partition": "batch",
    "qos": "normal",
    "account": "physics",
    "group": "grp",
    "gid": "2000",
    "user": "alice",
    "uid": "1000",
    "submit": "2026-03-01T10:00:00",
    "eligible": "2026-03-01T10:00:00",
    "start": "2026-03-01T10:05:00",
    "end": "2026-03-01T11:05:00",
    "elapsed": "01:00:00",
    "exitcode": "0:0",
    "state": "COMPLETED",
    "nnodes": "1",
    "ncpus": "4",
    "reqcpus": "4",
    "reqmem": "8G",
    "reqtres": "billing=4,cpu=4,mem=8G,node=1",
    "alloctres": "billing=4,cpu=4,mem=8G,node=1",
    "timelimit": "1-00:00:00",
    "nodelist": "n1",
    "jobname": "job",
}


def line(fields: tuple[str, ...] = XDMOD_FIELDS, /, **otherwise: str) -> str:
    """One line, with its end."""
    said = {**USUAL, "totalcpu": "", "maxrss": "", "suspended": "00:00:00", **otherwise}
    assert set(otherwise) <= set(said), otherwise
    return "|".join(said[field] for field in fields) + "\n"
