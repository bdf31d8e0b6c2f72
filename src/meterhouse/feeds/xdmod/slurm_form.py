"""What does a line of sacct look like as Open XDMoD shreds it? 26 fields, of text that can't break it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

FIELDS = (
    *("jobid", "jobidraw", "cluster", "partition", "qos", "account", "group", "gid", "user", "uid"),
    *("submit", "eligible", "start", "end", "elapsed", "exitcode", "state", "nnodes", "ncpus", "reqcpus"),
    *("reqmem", "reqtres", "alloctres", "timelimit", "nodelist", "jobname"),
)
UNKNOWN = "Unknown"
NO_NODES = "None assigned"
MOST_INTEGER = (1 << 32) - 1
MOST_INDEX = (1 << 31) - 1
# How many bytes there is room for.
ROOM = {
    **dict.fromkeys(("cluster", "partition", "qos", "account", "group", "user", "jobname"), 255),
    **dict.fromkeys(("exitcode", "state", "reqmem"), 32),
    **dict.fromkeys(("reqtres", "alloctres"), 65_535),
    "nodelist": 16_777_215,
}
ENDED_STATES = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"),
        *("PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)
OTHER_STATES = frozenset({"PENDING", "RUNNING", "REQUEUED", "RESIZING", "SUSPENDED"})

_JOB_ID = re.compile(r"(\d+)(?:_(\d+))?", re.ASCII)
_ESCAPE = re.compile(r"%(?=[0-9A-Fa-f]{2})")


class NoRoom(ValueError):
    """A value for which Open XDMoD's tables have no room, or of which they need one."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(f"field {field}: expected {expected}, found {found}")
        self.field = field


def line(values: Mapping[str, str]) -> str:
    """The 26 fields as one line. Raises NoRoom."""
    fields = []
    for name in FIELDS:
        value = values[name]
        value = one_line(value) if name == "jobname" else plain(value)
        room = ROOM.get(name)
        if room is not None and len(value.encode()) > room:
            raise NoRoom(name, f"at most {room:,} bytes", f"{len(value.encode()):,}")
        fields.append(value)
    return "|".join(fields)


def plain(value: str) -> str:
    """Text that can stand in any field: what would end it is escaped as %XX, and so is what looks escaped."""
    return one_line(value).replace("|", "%7C")


def one_line(value: str) -> str:
    """Text without anything that ends a line or controls a terminal: it is escaped as %XX."""
    if value.isprintable() and "%" not in value:
        return value
    value = _ESCAPE.sub("%25", value)
    return "".join(one if one.isprintable() else _escaped(one) for one in value)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def is_job_id(value: str) -> bool:
    """Whether it is a job id with an optional array index, both within their columns."""
    parts = _JOB_ID.fullmatch(value)
    return bool(parts) and int(parts[1]) <= MOST_INTEGER and int(parts[2] or 0) <= MOST_INDEX  # type: ignore[index]


def whole(name: str, value: int | None) -> str:
    """A number that must be there and fit its column. Raises NoRoom."""
    if value is None or not 0 <= value <= MOST_INTEGER:
        raise NoRoom(
            name, f"an integer from 0 to {MOST_INTEGER:,}", "nothing" if value is None else str(value)
        )
    return str(value)


def optional(name: str, value: int | None) -> str:
    """A number that need not be there. Raises NoRoom."""
    return "" if value is None else whole(name, value)


def time(when: datetime) -> str:
    """A moment in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def length(seconds: int) -> str:
    """A length of time as [D-]HH:MM:SS."""
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock
