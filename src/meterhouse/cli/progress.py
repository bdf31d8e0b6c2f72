"""How far is it? A bar with a count, its rate and the time left, on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType


class ProgressBar:
    """A bar from nothing to `total`, in whatever can be measured; beside it a count of `unit`, and its rate.

    It stands on stderr and goes when it is done; without a terminal there is none.
    """

    def __init__(self, total: int | None, unit: str = "lines") -> None:
        self._total = total
        self._unit = unit

    def __enter__(self) -> ProgressBar:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            TextColumn(f"{{task.fields[count]:>14,}} {self._unit} {{task.fields[rate]:>10,}}/s"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=self._total, count=0, rate=0)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def at(self, done: int, count: int, what: str = "", total: int | None = None) -> None:
        """`done` of the total is done, and `count` counted so far; `what` is at hand."""
        elapsed = self._bar.tasks[self._task].elapsed or 1e-9
        self._bar.update(
            self._task,
            completed=done,
            count=count,
            rate=int(count / elapsed),
            description=what,
            total=total if total is not None else self._total,
        )
