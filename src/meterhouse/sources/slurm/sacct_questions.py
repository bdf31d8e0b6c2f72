"""How is Slurm's accounting asked for jobs? By sacct, as lines with steps or as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.file_content import ByteStream
from meterhouse.sources.slurm.collector import Question, Reader
from meterhouse.sources.slurm.local_time import LocalTime
from meterhouse.sources.slurm.sacct_command import CommandFailed, SacctCommand
from meterhouse.sources.slurm.sacct_json import SacctJson
from meterhouse.sources.slurm.sacct_text import SacctText

# Every field that the raw table has a column for; the name of a job comes last, as it may hold bars.
ASKED_FIELDS = (
    *("JobID", "JobIDRaw", "Cluster", "Partition", "QOS", "Account", "Group", "GID", "User", "UID"),
    *("Submit", "Eligible", "Start", "End", "Elapsed", "Suspended", "ExitCode", "State", "NNodes", "NCPUS"),
    *("ReqCPUS", "ReqMem", "ReqTRES", "AllocTRES", "Timelimit", "TotalCPU", "MaxRSS", "NodeList", "JobName"),
)
_HEADING = "|".join(ASKED_FIELDS).encode() + b"\n"


def _arguments(question: Question, clusters: tuple[str, ...]) -> list[str]:
    """What sacct is told about whose jobs of which time it is asked for; a requeued job is several."""
    arguments = ["--allusers", "--duplicates"]
    if question.cluster is not None or clusters:
        arguments.append(f"--clusters={question.cluster or ','.join(clusters)}")
    if question.jobs:
        return [*arguments, f"--jobs={','.join(map(str, question.jobs))}"]
    return [
        *arguments,
        f"--starttime={question.start:%Y-%m-%dT%H:%M:%S}",
        f"--endtime={question.end:%Y-%m-%dT%H:%M:%S}",
    ]


@dataclass(frozen=True, slots=True)
class SacctLines:
    """sacct with a heading, and steps, which say what was used."""

    command: SacctCommand = field(default_factory=SacctCommand)
    clusters: tuple[str, ...] = ()
    call: str = "sacct"

    def ask(self, question: Question) -> IO[bytes]:
        _check_clusters(self.command, self.clusters)
        form = ["--parsable2", f"--format={','.join(ASKED_FIELDS)}"]
        answer = self.command.ask([*_arguments(question, self.clusters), *form])
        heading = answer.readline(len(_HEADING) + 200)
        if heading != _HEADING:
            answer.close()
            shown = excerpt(heading.decode("utf-8", "backslashreplace"), 120)
            raise CommandFailed(f"expected sacct's heading on the first line, found {shown!r}")
        answer.seek(0)
        return answer

    def read(self, answer: ByteStream, origin: str, resource: str, observed_at: datetime) -> Reader:
        return SacctText(answer, origin, resource, LocalTime(), observed_at)


@dataclass(frozen=True, slots=True)
class SacctDocument:
    """sacct --json."""

    command: SacctCommand = field(default_factory=SacctCommand)
    clusters: tuple[str, ...] = ()
    call: str = "sacct --json"

    def ask(self, question: Question) -> IO[bytes]:
        _check_clusters(self.command, self.clusters)
        return self.command.ask([*_arguments(question, self.clusters), "--json"])

    def read(self, answer: ByteStream, origin: str, resource: str, observed_at: datetime) -> Reader:
        return SacctJson(answer, origin, resource, observed_at)


def _check_clusters(command: SacctCommand, clusters: tuple[str, ...]) -> None:
    """sacct has no jobs, and no complaint, for a cluster that it doesn't know: that mustn't pass for none."""
    if not clusters:
        return
    folder, slash, name = command.path.rpartition("/")
    sacctmgr = f"{folder}{slash}{name.replace('sacct', 'sacctmgr')}"
    arguments = ["--noheader", "--parsable2", "show", "cluster", "format=cluster"]
    with command.ask(arguments, sacctmgr) as answer:
        known = set(answer.read(1 << 20).decode("utf-8", "replace").split())
    for cluster in clusters:
        if cluster not in known:
            raise CommandFailed(f"expected a cluster that Slurm's accounting knows, found {cluster!r}")
