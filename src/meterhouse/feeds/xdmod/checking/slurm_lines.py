"""Would Open XDMoD take these lines of sacct? 26 fields each, with their types and limits."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from meterhouse.feeds.xdmod.checking.findings import Checked
from meterhouse.feeds.xdmod.slurm_form import (
    ENDED_STATES,
    FIELDS,
    MOST_INDEX,
    MOST_INTEGER,
    NO_NODES,
    OTHER_STATES,
    ROOM,
    UNKNOWN,
)
from meterhouse.sources.excerpt import excerpt

_JOB_ID = re.compile(r"(\d+)(?:_(?:(\d+)|\[(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\]))?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_LENGTH = re.compile(r"(?:(?:\d+-)?\d+:)?\d+:\d+(?:\.\d+)?", re.ASCII)
_TRES = re.compile(r"[^,=|]+=[^,=|]+(?:,[^,=|]+=[^,=|]+)*")
_INTEGER = re.compile(r"\d{1,10}", re.ASCII)
_INTEGERS = {  # whether they must be there
    "jobidraw": False,
    "gid": False,
    "uid": False,
    "nnodes": True,
    "ncpus": True,
    "reqcpus": False,
}
_LONG_COUNT = 80
_NONE = "None"  # how newer versions of sacct say that there is no time


def check_slurm_lines(checked: Checked, path: Path) -> None:
    """Each line: a job that ended, or one that is passed over."""
    seen: set[tuple[str, ...]] = set()
    content = path.read_bytes()
    lines = content.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    elif lines:
        checked.fault(len(lines), "", "a line break behind the last line", "none")
    for number, said in enumerate(lines, start=1):
        checked.records += 1
        try:
            text = said.decode("utf-8")
        except UnicodeDecodeError:
            checked.fault(number, "", "UTF-8 text", "other bytes")
            continue
        fields = text.split("|", len(FIELDS) - 1)
        if len(fields) != len(FIELDS):
            checked.fault(number, "", f"{len(FIELDS)} fields with | between them", f"{len(fields)}")
            continue
        _check_line(checked, number, dict(zip(FIELDS, fields, strict=True)), seen)


def _check_line(checked: Checked, number: int, job: dict[str, str], seen: set[tuple[str, ...]]) -> None:
    for name, value in job.items():
        control = next((one for one in value if not one.isprintable()), "")
        if control:
            checked.fault(number, name, "text without control characters", f"{control!r}")
        if name in ROOM and len(value.encode()) > ROOM[name]:
            checked.fault(number, name, f"at most {ROOM[name]:,} bytes", f"{len(value.encode()):,}")
    _check_job_id(checked, number, job["jobid"])
    for name, must in _INTEGERS.items():
        _check_integer(checked, number, name, job[name], must)
    # before its other times are read, such a line is passed over
    passed_over = job["end"] == UNKNOWN or job["nodelist"] == NO_NODES
    for name in ("submit", "eligible", "start", "end"):
        if not (passed_over and name in ("eligible", "start") and job[name] == _NONE):
            _check_time(checked, number, name, job[name])
    for name in ("elapsed", "timelimit"):
        _check_length(checked, number, name, job[name])
    for name in ("reqtres", "alloctres"):
        if job[name] and not _TRES.fullmatch(job[name]):
            checked.fault(number, name, "a list as cpu=1,node=1", _shown(job[name]))
    for name in ("cluster", "state", "exitcode", "nodelist"):
        if not job[name]:
            checked.fault(number, name, "a value", "nothing")
    _check_state(checked, number, job)
    key = tuple(job[name] for name in ("cluster", "jobid", "submit", "end"))
    if key in seen:
        checked.fault(number, "jobid", "each job once, by cluster, id, submit and end", _shown(job["jobid"]))
    seen.add(key)


def _check_job_id(checked: Checked, number: int, value: str) -> None:
    if "." in value:
        checked.remark(number, "jobid", "a job", f"the step {_shown(value)}, which is passed over")
        return
    parts = _JOB_ID.fullmatch(value)
    if parts is None:
        checked.fault(number, "jobid", "a number, or 123_4, or 123_[1,4-9]", _shown(value))
        return
    indices = re.split("[,-]", parts[2] or parts[3] or "0")
    if int(parts[1]) > MOST_INTEGER or any(int(index) > MOST_INDEX for index in indices):
        expected = f"a number up to {MOST_INTEGER:,} with an index up to {MOST_INDEX:,}"
        checked.fault(number, "jobid", expected, _shown(value))


def _check_integer(checked: Checked, number: int, name: str, value: str, must: bool) -> None:
    if not value and not must:
        return
    if not _INTEGER.fullmatch(value) or int(value) > MOST_INTEGER:
        checked.fault(number, name, f"an integer from 0 to {MOST_INTEGER:,}", _shown(value))


def _check_time(checked: Checked, number: int, name: str, value: str) -> None:
    if value == UNKNOWN and name in ("eligible", "start", "end"):
        return
    if _TIME.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return
    checked.fault(number, name, "a UTC time as 2018-04-18T14:58:45", _shown(value))


def _check_length(checked: Checked, number: int, name: str, value: str) -> None:
    if name == "timelimit" and value in ("", "UNLIMITED", "Partition_Limit"):
        return
    if not _LENGTH.fullmatch(value):
        checked.fault(number, name, "a length of time as 1-02:03:04", _shown(value))


def _check_state(checked: Checked, number: int, job: dict[str, str]) -> None:
    state = job["state"].split(" ")[0].upper()
    if state in OTHER_STATES:
        checked.remark(number, "state", "one of a job that ended", _shown(job["state"]))
    elif state not in ENDED_STATES:
        checked.fault(number, "state", "one of Slurm's states", _shown(job["state"]))
    elif job["end"] == UNKNOWN:
        checked.remark(number, "end", "a time", UNKNOWN)
    elif job["nodelist"] == NO_NODES:
        checked.remark(number, "nodelist", "nodes", NO_NODES)
    elif job["nnodes"] == "0":
        checked.remark(number, "nnodes", "at least 1", "0")
    elif job["start"] == UNKNOWN:
        checked.fault(number, "start", "a time, of a job that ended on nodes", UNKNOWN)
    elif _TIME.fullmatch(job["start"]) and _TIME.fullmatch(job["end"]) and job["start"] > job["end"]:
        checked.remark(number, "start", f"a time until {job['end']}", job["start"])


def _shown(value: str) -> str:
    return f'"{excerpt(value, _LONG_COUNT)}"'
