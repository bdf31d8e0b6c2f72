"""Which options do the commands of `meterhouse storage` share, and how is their question asked?

A command says `@asking` (or `@asking_now`) and takes `asking: Asking`; on the command line it then has the
arguments and options of `_shared`, in place of that one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meterhouse.cli.options import AsOfOption, parse_day

if TYPE_CHECKING:
    from meterhouse.reports.storage.question import Asked
    from meterhouse.site import Site


class ReportFormat(StrEnum):
    """How a report is printed: `tsv` has the columns of the pipeline that this replaces."""

    table = "table"
    csv = "csv"
    json = "json"
    tsv = "tsv"


DayArgument = Annotated[date, typer.Argument(parser=parse_day, metavar="DATE", help="Day of the report.")]
VolumesOption = Annotated[list[str] | None, typer.Option("--volume", help="Only this volume.")]
WithinOption = Annotated[
    int, typer.Option("--within", min=1, help="Take the newest complete scan of so many days.")
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Leave out volumes without a complete scan, instead of failing.")
]
BytesOption = Annotated[
    str,
    typer.Option("--bytes", help="shared (divided by hard links), apparent, or allocated on disk."),
]
GroupsOption = Annotated[
    Path | None,
    typer.Option("--groups", help="CSV file with group, pi and gid, instead of the directory."),
]
GroupOption = Annotated[list[str] | None, typer.Option("--group", help="Count only this group's.")]
UserOption = Annotated[list[str] | None, typer.Option("--user", help="Count only this user's.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many.")]
ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help="How to print it.")]


@dataclass(frozen=True, slots=True)
class Asking:
    """What every command about scans is told: the day, and which scans of which volumes count how."""

    day: date
    volume: list[str] | None = None
    within: int = 10
    partial: bool = False
    counted: str = "shared"
    as_of: Any = None

    @contextmanager
    def of(self, site: Site, groups: Path | None = None) -> Iterator[Asked]:
        """Choose the scans that answer it; how far the answer is, a bar shows."""
        from meterhouse.cli.progress import ProgressBar
        from meterhouse.reports.storage.question import StorageQuestion, asked

        question = StorageQuestion(
            self.day, tuple(self.volume or ()), self.within, self.partial, self.counted, groups, self.as_of
        )
        with ProgressBar(None, "rows") as bar:

            def progress(volume: str, done: int, total: int) -> None:
                bar.at(done, done, volume, total)

            with asked(site, question, progress) as opened:
                yield opened


def _shared(
    day: DayArgument,
    volume: VolumesOption = None,
    within: WithinOption = 10,
    partial: PartialOption = False,
    counted: BytesOption = "shared",
    as_of: AsOfOption = None,
) -> Asking:
    """The arguments and options that commands share; names and defaults are those of `Asking`."""
    return Asking(day, volume, within, partial, counted, as_of)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter `asking` is spread over the options that make it."""
    return _spread(command, frozenset())


def asking_now(command: Callable[..., None]) -> Callable[..., None]:
    """The same for a command that does something with what is known now."""
    return _spread(command, frozenset({"as_of"}))


def _spread(command: Callable[..., None], without: frozenset[str]) -> Callable[..., None]:
    options = inspect.signature(_shared, eval_str=True).parameters
    shared = {name: option for name, option in options.items() if name not in without}
    own = inspect.signature(command, eval_str=True).parameters
    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.items()
        for one in (shared.values() if name == "asking" else (parameter,))
    ]

    @functools.wraps(command)
    def spread(**given: Any) -> None:
        command(asking=_shared(**{name: given.pop(name) for name in shared}), **given)

    # typer reads both
    spread.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    spread.__annotations__ = {one.name: one.annotation for one in parameters}
    return spread
