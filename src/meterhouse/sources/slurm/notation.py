"""How does Slurm write job numbers, durations, memory and trackable resources? Each text to its value.

Facts: the manual page of sacct; Open XDMoD's notes on Slurm; outputs of Slurm 22.05. Every function
takes the text that was said and raises Fault for what it can't be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from meterhouse.sources.fields import Fault

MOST_SECONDS = 200 * 366 * 86_400
MOST_CPUS = 100_000_000
MOST_GPUS = 10_000_000
MOST_MEMORY_KIB = 1 << 53
MOST_TASKS = 100_000  # of one record that names many tasks of an array
OTHER_MODEL = "other"
_TRES_CHARACTERS = 16_384

_JOB_ID = re.compile(
    r"(?P<job>[0-9]{1,18})(?:_(?:(?P<task>[0-9]{1,9})|\[(?P<tasks>[0-9,:%.-]{1,65536})\])|\+(?P<part>[0-9]{1,9}))?"
    r"(?P<step>\.[A-Za-z0-9_+.]{1,64})?"
)
_DURATION = re.compile(
    r"(?:(?:(?P<days>[0-9]{1,6})-)?(?P<hours>[0-9]{1,8}):)?"
    r"(?P<minutes>[0-9]{1,10}):(?P<seconds>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,9}))?"
)
_NUMBER = r"[0-9]{1,19}(?:\.[0-9]{1,9})?"
_AMOUNT = re.compile(_NUMBER)
_MEMORY = re.compile(rf"(?P<amount>{_NUMBER})(?P<unit>[KMGTPE]?)(?P<per>[nc]?)")
_BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60}
_KIB = Decimal(1 << 10)
_NO_DURATION = frozenset({"", "UNLIMITED", "PARTITION_LIMIT", "INVALID", "NOTSET"})

JOB_ID = "a job number such as 123, 123_4, 123_[1,4-9] or 123+1"
DURATION = "a duration such as 1-02:03:04"
MEMORY = "an amount of memory such as 4000M, 4Gn or 512Mc"
CPUS = f"a number of CPUs from 0 to {MOST_CPUS:,}"
TRES = "trackable resources such as cpu=2,mem=4G,gres/gpu:a100=1"
STATE = "the name of a job state"


@dataclass(frozen=True, slots=True)
class JobId:
    """A job number: of a task of an array, of a part of a heterogeneous job, or of a step of it.

    `tasks` are those of a record that stands for several tasks of an array.
    """

    job: int
    task: int | None = None
    tasks: str = ""
    part: int | None = None
    step: str = ""


def job_id(text: str) -> JobId:
    """What a JobID says."""
    parts = _JOB_ID.fullmatch(text)
    if parts is None or int(parts["job"]) >= 1 << 53:
        raise Fault(JOB_ID, text)
    return JobId(
        int(parts["job"]),
        None if parts["task"] is None else int(parts["task"]),
        parts["tasks"] or "",
        None if parts["part"] is None else int(parts["part"]),
        (parts["step"] or "")[1:],
    )


def array_tasks(text: str) -> list[int]:
    """The tasks that `1,4-9` names; `%5` behind them is only a limit, `0-8:2` steps.

    Slurm shortens long lists with `...`: then nobody can say which tasks are meant.
    """
    tasks: list[int] = []
    for part in text.partition("%")[0].split(","):
        span = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([1-9][0-9]{0,8}))?)?", part)
        if span is None:
            raise Fault("the tasks of an array such as 1,4-9", text)
        first, last = int(span[1]), int(span[2] or span[1])
        step = int(span[3] or 1)
        if last < first or len(tasks) + (last - first) // step >= MOST_TASKS:
            raise Fault(f"at most {MOST_TASKS:,} tasks of an array such as 1,4-9", text)
        tasks.extend(range(first, last + 1, step))
    return tasks


def duration_millis(text: str) -> int | None:
    """Milliseconds of `[[days-]hours:]minutes:seconds[.fraction]`; None where none is said."""
    parts = _DURATION.fullmatch(text)
    if parts is None:
        if text.upper() in _NO_DURATION:
            return None
        raise Fault(DURATION, text)
    seconds = (
        int(parts["days"] or 0) * 86_400
        + int(parts["hours"] or 0) * 3600
        + int(parts["minutes"]) * 60
        + int(parts["seconds"])
    )
    if seconds > MOST_SECONDS:
        raise Fault(f"a duration of at most {MOST_SECONDS:,} seconds", text)
    return seconds * 1000 + int((parts["fraction"] or "")[:3].ljust(3, "0"))


def duration_seconds(text: str) -> int | None:
    """Whole seconds of a duration; None where none is said, or no limit."""
    millis = duration_millis(text)
    return None if millis is None else millis // 1000


def seconds(text: str) -> int | None:
    """A number of seconds, as ElapsedRaw has it."""
    return _whole(text, 1)


def minutes_as_seconds(text: str) -> int | None:
    """A number of minutes, as TimelimitRaw has it."""
    return None if text.upper() in _NO_DURATION else _whole(text, 60)


def cpu_millis(text: str) -> int | None:
    """Thousandths of a CPU, half up; Slurm says whole CPUs, lines made from pods say parts."""
    if text == "":
        return None
    if not _AMOUNT.fullmatch(text):
        raise Fault(CPUS, text)
    amount = Decimal(text)
    if amount > MOST_CPUS:
        raise Fault(CPUS, text)
    return _rounded(amount * 1000)


@dataclass(frozen=True, slots=True)
class Memory:
    """An amount of memory in KiB (half up), of a node ("n"), of a CPU ("c") or of the whole job ("")."""

    kib: int
    per: str

    @property
    def mib(self) -> int:
        """The amount in MiB, half up."""
        return (self.kib + 512) // 1024


def memory(text: str) -> Memory | None:
    """Memory with the unit K, M (also where none is said), G, T, P or E and n or c behind it."""
    if text == "":
        return None
    parts = _MEMORY.fullmatch(text)
    if parts is None:
        raise Fault(MEMORY, text)
    kib = Decimal(parts["amount"]) * (_BYTES[parts["unit"] or "M"] // 1024)
    if kib > MOST_MEMORY_KIB:
        raise Fault(f"{MEMORY}, at most {MOST_MEMORY_KIB // 1024:,} MiB", text)
    return Memory(_rounded(kib), parts["per"])


def memory_kib(text: str) -> int | None:
    """KiB of a measured amount such as MaxRSS 10912K; bytes where no unit is said."""
    if text == "":
        return None
    parts = _MEMORY.fullmatch(text)
    if parts is None or parts["per"]:
        raise Fault(MEMORY, text)
    kib = Decimal(parts["amount"]) * _BYTES.get(parts["unit"], 1) / _KIB
    if kib > MOST_MEMORY_KIB:
        raise Fault(MEMORY, text)
    return _rounded(kib)


@dataclass(frozen=True, slots=True)
class Tres:
    """What is typed of trackable resources."""

    memory_mib: int | None = None
    gpus: int | None = None
    gpu_model: str | None = None


def tres(text: str) -> Tres:
    """Memory and GPUs of `billing=38,cpu=4,gres/gpu:a100=1,gres/gpu=1,mem=8G,node=1`.

    GPUs with a type are part of those without one: where both are said, the latter are all, and what no
    type was said of is of an OTHER_MODEL. Where only types are said, which is how a cluster may keep them,
    all are their sum. None are said where anything else is: 0 GPUs.
    """
    if text == "":
        return Tres()
    if len(text) > _TRES_CHARACTERS:
        raise Fault(f"{TRES}, of at most {_TRES_CHARACTERS:,} characters", text)
    memory_mib: int | None = None
    untyped: int | None = None
    typed: dict[str, int] = {}
    for part in text.split(","):
        name, equals, amount = part.partition("=")
        if not equals or not name:
            raise Fault(TRES, text)
        if name == "mem":
            said = memory(amount)
            if said is None or said.per:
                raise Fault(TRES, text)
            memory_mib = said.mib
        elif name == "gres/gpu":
            untyped = _gpus(amount, text)
        elif name.startswith("gres/gpu:"):
            typed[name.removeprefix("gres/gpu:")] = _gpus(amount, text)
        elif len(amount) > 64:
            raise Fault(TRES, text)
    models = sorted(model for model, count in typed.items() if count)
    of_types = sum(typed.values())
    gpus = untyped if untyped is not None else of_types
    if models and gpus > of_types:
        models.append(OTHER_MODEL)
    return Tres(memory_mib, gpus, ",".join(models) if models and gpus else None)


def state(text: str) -> str:
    """The state itself: CANCELLED of "CANCELLED by 1001"."""
    word = text.partition(" ")[0].removesuffix("+").upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", word):
        raise Fault(STATE, text)
    return word


def _gpus(amount: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", amount) or int(amount) > MOST_GPUS:
        raise Fault(f"{TRES}, with at most {MOST_GPUS:,} GPUs", text)
    return int(amount)


def _whole(text: str, factor: int) -> int | None:
    if text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) * factor > MOST_SECONDS:
        raise Fault(f"a whole number of at most {MOST_SECONDS // factor:,}", text)
    return int(text) * factor


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
