"""Which fields stand in a line that sacct wrote? Open XDMoD's 26, or those that a heading names."""

from __future__ import annotations

from dataclasses import dataclass

XDMOD_FIELDS = (
    *("jobid", "jobidraw", "cluster", "partition", "qos", "account", "group", "gid", "user", "uid"),
    *("submit", "eligible", "start", "end", "elapsed", "exitcode", "state", "nnodes", "ncpus", "reqcpus"),
    *("reqmem", "reqtres", "alloctres", "timelimit", "nodelist", "jobname"),
)
_OTHER_NAMES = {"alloccpus": "ncpus", "allocnodes": "nnodes"}
_NEEDED = ("jobid", "submit", "start", "end", "state", "nnodes", "ncpus")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a line in order, by sacct's names in lower case, and whether a heading said so."""

    fields: tuple[str, ...] = XDMOD_FIELDS
    has_heading: bool = False

    @property
    def last_may_hold_bars(self) -> bool:
        """The name of a job may hold what stands between fields, so it comes last."""
        return self.fields[-1] == "jobname"

    @property
    def has_steps(self) -> bool:
        """Steps say what was used; a form without that holds none, or none worth reading."""
        return "totalcpu" in self.fields or "maxrss" in self.fields


def form_of(first_line: str) -> Form | None:
    """The form of a file by its first line; None for a heading that lacks a field that is needed."""
    words = [word.strip().lower() for word in first_line.rstrip("\r\n").split("|")]
    if "jobid" not in words:
        return Form()
    fields = []
    for word in words:
        name = _OTHER_NAMES.get(word, word)
        fields.append(word if name in words or name in fields else name)
    if any(name not in fields for name in _NEEDED) or len(set(fields)) != len(fields):
        return None
    return Form(tuple(fields), True)
