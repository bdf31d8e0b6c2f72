"""What do the 26 fields of sacct say of a job, or of a pod on one day?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from meterhouse.feeds.xdmod.slurm_form import (
    ENDED_STATES,
    OTHER_STATES,
    UNKNOWN,
    NoRoom,
    is_job_id,
    length,
    optional,
    time,
    whole,
)

Row = Mapping[str, Any]

_A_MODEL = re.compile(r"[\w.-]+")  # what else a name holds would break a list of resources
_CPUS = re.compile(r"(?P<before>^|,)cpu=[^,]*")
_NOBODY = "unknown"
_RUNNING = "RUNNING"
_INDICES = 10**9  # nine digits: within Open XDMoD's column, and as long as array indices are written


class Units:
    """Counts CPUs as the file does: whole cores, or thousandths. `rounded` lines lost a part of one."""

    def __init__(self, milli_cpu: bool) -> None:
        self._per_cpu = 1 if milli_cpu else 1000
        self.rounded = 0

    def cpus(self, millis: int | None) -> int | None:
        """The count for so many thousandths, rounded half up."""
        if millis is None:
            return None
        return (2 * millis + self._per_cpu) // (2 * self._per_cpu)

    def note(self, millis: int) -> None:
        """Remember that a line lost a part of a core, if it did."""
        self.rounded += millis % self._per_cpu != 0


class PodIds:
    """Job ids of pods on one day: the day, and a number of what the pod is and when its part began.

    They are the same whenever they are made from the same records. Two parts of a day that get the same
    number are told apart by their order.
    """

    def __init__(self, day: date) -> None:
        self.day = day
        self._taken: set[int] = set()

    def index(self, *identity: str) -> int:
        """The array index of a part."""
        digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).digest()
        index = int.from_bytes(digest[:8]) % _INDICES
        while index in self._taken:
            index = (index + 1) % _INDICES
        self._taken.add(index)
        return index


def job_values(row: Row, resource: str, units: Units) -> dict[str, str]:
    """A job, as far as Slurm said it in Slurm's words. Raises NoRoom."""
    ran = _seconds(row["start"], row["end"])
    elapsed = ran if row["elapsed_seconds"] is None else row["elapsed_seconds"]
    ended = not row["is_last"] and row["closed_by"] is not None
    state = _state(row["state_said"] or (row["closed_by"] or "running").upper(), ended)
    return _values(
        row,
        resource,
        units,
        jobid=_job_id(row),
        jobidraw=optional("jobidraw", row["job_id_raw"]),
        group=row["group_name"] or "",
        gid=optional("gid", row["gid"]),
        user=row["user_name"] or "",
        uid=optional("uid", row["uid"]),
        account=row["project_ref"] or "",
        partition=row["class"] or "",
        submit=time(row["submitted"] or row["start"]),
        eligible=time(row["eligible"]) if row["eligible"] else UNKNOWN,
        start=time(row["start"]),
        end=time(row["end"]) if ended else UNKNOWN,
        elapsed=length(elapsed),
        exitcode=row["exit_code"] or "0:0",
        state=state,
        requested=units.cpus(row["requested_cpu_millis"]),
        reqmem="" if row["requested_memory_mib"] is None else f"{row['requested_memory_mib']}M",
        reqtres=_with_cpus(row["requested_tres"], units.cpus(row["requested_cpu_millis"])),
        alloctres=_with_cpus(row["allocated_tres"], units.cpus(_millis(row))),
        timelimit="UNLIMITED" if row["time_limit_seconds"] is None else length(row["time_limit_seconds"]),
        nodelist=row["host"] or _NOBODY,
        jobname=row["name"] or "",
    )


def _state(said: str, ended: bool) -> str:
    """The state, if Open XDMoD knows it. Raises NoRoom; what still runs is passed over, whatever it does."""
    said = said.partition("+")[0]  # JSON adds what else is so: FAILED+REQUEUED
    if said.split(" ")[0].upper() in ENDED_STATES | OTHER_STATES:
        return said
    if ended:
        raise NoRoom("state", "a state that Open XDMoD knows", repr(said)[:80])
    return _RUNNING


def pod_values(row: Row, resource: str, units: Units, ids: PodIds) -> dict[str, str]:
    """A pod on one day as a job that completed. Its namespace is the account, its PI (or that) the group."""
    start, end = row["part_start"], row["part_end"]
    index = ids.index(resource, row["domain"] or "", row["item"], start.astimezone(UTC).isoformat())
    first_part = start == row["start"]
    namespace = row["project_ref"] or _NOBODY
    return _values(
        row,
        resource,
        units,
        jobid=f"{ids.day:%Y%m%d}_{index}",
        jobidraw=str(index),
        group=row["group_name"] or namespace,
        gid="",
        user=row["user_name"] or _NOBODY,
        uid="",
        account=namespace,
        partition=row["class"] or "NA",
        submit=time(row["submitted"] if first_part and row["submitted"] else start),
        eligible=time(start),
        start=time(start),
        end=time(end),
        elapsed=length(_seconds(start, end)),
        exitcode="0:0",
        state="COMPLETED",
        requested=units.cpus(_millis(row)),
        reqmem="" if row["memory_mib"] is None else f"{row['memory_mib']}M",
        reqtres="",
        alloctres="",
        timelimit="UNLIMITED",
        nodelist=row["host"] or _NOBODY,
        jobname=row["name"] or row["item"],
    )


def _values(row: Row, resource: str, units: Units, *, requested: int | None, **said: str) -> dict[str, str]:
    """With what is the same for both: cluster, nodes, CPUs, and what was allocated."""
    millis = _millis(row)
    cpus = units.cpus(millis)
    nodes = whole("nnodes", row["nodes"])
    values = {
        **said,
        "cluster": row["domain"] or resource,  # as Slurm calls it; Open XDMoD puts the resource
        "qos": row["qos"] or "",
        "nnodes": nodes,
        "ncpus": whole("ncpus", cpus),
        "reqcpus": optional("reqcpus", requested),
    }
    values["alloctres"] = said["alloctres"] or _allocated(row, values["ncpus"], nodes)
    if millis is not None:
        units.note(millis)
    return values


def _with_cpus(tres: str | None, cpus: int | None) -> str:
    """What was said of trackable resources, with CPUs counted as in the rest of the line."""
    if not tres or cpus is None:
        return tres or ""
    return _CPUS.sub(rf"\g<before>cpu={cpus}", tres)


def _allocated(row: Row, cpus: str, nodes: str) -> str:
    parts = [f"cpu={cpus}"]
    if row["memory_mib"] is not None:
        parts.append(f"mem={row['memory_mib']}M")
    parts.append(f"node={nodes}")
    if row["gpus"]:
        parts.append(f"gres/gpu={row['gpus']}")
        if row["gpu_model"] and _A_MODEL.fullmatch(row["gpu_model"]):
            parts.append(f"gres/gpu:{row['gpu_model']}={row['gpus']}")
    return ",".join(parts)


def _job_id(row: Row) -> str:
    """The id as people write it; the raw one for parts of heterogeneous jobs, whose ids don't fit."""
    if is_job_id(row["item"]):
        return str(row["item"])
    raw = row["job_id_raw"]
    if raw is None or not is_job_id(str(raw)):
        raise NoRoom("jobid", "a number, with _ and a number in an array", repr(row["item"])[:80])
    return str(raw)


def _millis(row: Row) -> int | None:
    if row["cpu_millis"] is not None:
        return int(row["cpu_millis"])
    return None if row["vcpus"] is None else 1000 * int(row["vcpus"])


def _seconds(start: datetime, end: datetime) -> int:
    """Between whole seconds, as the line says them."""
    return int(end.timestamp() // 1) - int(start.timestamp() // 1)
